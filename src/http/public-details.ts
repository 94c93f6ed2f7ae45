import { type IdKind, publicId } from "../lib/ids.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What the rows are that a gate's details name. */
const kinds: Readonly<Record<string, IdKind>> = { halt: "halt", consent: "consentEvent", suppression: "suppression" };

/** A gate's details as they are told. A decision is kept with the rows' own ids, because the gates are run on those again. */
export function publicDetails(gate: string, details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kind = kinds[gate];
  return kind === undefined ? { ...details } : (withPublicIds(details, kind) as Record<string, unknown>);
}

function withPublicIds(value: unknown, kind: IdKind): unknown {
  if (typeof value === "string") return uuid.test(value) ? publicId(kind, value) : value;
  if (Array.isArray(value)) return value.map((item) => withPublicIds(item, kind));
  if (typeof value !== "object" || value === null) return value;
  const of = haltedBy(value) ?? kind;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withPublicIds(member, of)]));
}

/** Nobody's halt: the campaign does not run, or the connection is not active. Its id is theirs. */
function haltedBy(value: object): IdKind | null {
  if (!("by" in value) || value.by !== "state" || !("reason" in value)) return null;
  if (value.reason === "campaign_halted") return "campaign";
  return value.reason === "connection_halted" ? "connection" : null;
}
