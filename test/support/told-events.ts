/** Whether what stands on a database's chains is what the table of events says. */
import { type ActorType, auditActors } from "../../src/lib/audit-actors.ts";
import { auditEvents, orgEvents, platformEvents } from "../../src/lib/audit-events.ts";
import type { SystemDb } from "../../src/db/system-db.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { uuidOf } from "../../src/lib/ids.ts";

interface Said {
  readonly org_id: string;
  readonly event_type: string;
  readonly subject_text: string | null;
  readonly facts_text: string | null;
}
type Admin = (text: string, params?: readonly unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

const platformOrg = "00000000-0000-0000-0000-000000000000";
/** What a test appends by itself, about the chain and about nothing else. */
const ownOfTests = /^(test|filler)\./;
/** Beside the facts of each type: who did it, in which request. What the database appends by itself has neither. */
const always = ["actor", "request_id"];
const entriesMax = 20_000;

/** In words, each fault once. A database whose chains a test wrote by itself, with other types, is not asked. */
export async function faultsOfChains(admin: Admin): Promise<string[]> {
  const { rows } = await admin(
    `select e.org_id, e.event_type, p.subject_text, p.facts_text from audit.entry e join audit.payload p using (org_id, seq)
       order by e.org_id, e.seq limit ${entriesMax}`,
  );
  const said = (rows as unknown as Said[]).filter(({ event_type: type }) => !ownOfTests.test(type));
  return [...new Set(said.flatMap(faultsOf))];
}

/** What a refused request may say: that it was refused, whose data it asked for, and what was learned of whoever sent it. */
const ofRefusals = [
  "credential.new_network", "customer_data_accessed", "second_factor.failed", "session.new_country", "sign_in.many_failures", "sign_in.refused",
  "support.acted", "support.refused", "token_issuer.keys_changed",
  "passkey.counter_regressed", "sign_in.failed",
  // By the attempt that was one too many.
  "session.ended",
]; // prettier-ignore

/** Of whoever serves, the requests that were answered with a refusal: by their id, what they asked for. */
const refusals = new WeakMap<SystemDb, Map<string, string>>();
export function noteAnswer({ system }: Pick<HttpDeps, "system">, { status, headers }: Response, asked: string): void {
  if (status < 400 || status >= 500) return;
  const refused = refusals.get(system) ?? new Map<string, string>();
  refusals.set(system, refused.set(headers.get("request-id") ?? "", `${asked} ${status}`));
}

/** In words: what a request says to have done that was answered with a refusal. */
export async function doneThoughRefused({ system }: Pick<HttpDeps, "system">, admin: Admin): Promise<string[]> {
  const refused = refusals.get(system) ?? new Map<string, string>();
  const { rows } = await admin(
    `select distinct e.event_type, p.facts_text::jsonb ->> 'request_id' as request_id from audit.entry e join audit.payload p using (org_id, seq)
       where p.facts_text::jsonb ->> 'request_id' = any ($1) and e.event_type <> all ($2)`,
    [[...refused.keys()], ofRefusals],
  );
  return rows.map(
    (row) => `${String(row["event_type"])}: said of a request that was refused: ${refused.get(String(row["request_id"]))}`,
  );
}

export function faultsOf({ org_id: org, event_type: type, facts_text: text }: Said): string[] {
  if (!Object.hasOwn(auditEvents, type)) return [`${type}: the table of events has no such type`];
  const events: Readonly<Record<string, unknown>> = org === platformOrg ? platformEvents : orgEvents;
  const here = Object.hasOwn(events, type) ? [] : [`${type}: stands on the chain of the other kind`];
  if (text === null) return here;
  const facts = JSON.parse(text) as Record<string, unknown>;
  const acts = "actor" in facts ? faultsOfActor(facts["actor"] as Acting).map((fault) => `${type}: ${fault}`) : [];
  const known = [...auditEvents[type as keyof typeof auditEvents].facts, ...always];
  const unknown = Object.keys(facts).filter((name) => !known.includes(name));
  return [...here, ...acts, ...unknown.map((name) => `${type}: the table has no fact ${name}`), ...misspelled(facts).map((word) => `${type}: ${word}`)];
} // prettier-ignore

interface Acting {
  readonly type: string;
  readonly id: string;
}
/** Tests have jobs of their own, and requests that they number themselves. */
function faultsOfActor({ type, id }: Acting): string[] {
  if (!Object.hasOwn(auditActors, type)) return [`the table of actors has no type ${type}`];
  const { id: kind } = auditActors[type as ActorType];
  if (kind === null || kind === "request") return [];
  return uuidOf(kind, id) === null ? [`an actor ${type} has no id of its kind`] : [];
}

/** The API's names are in snake case, and so is what the chain calls anything. A JWK's members are named by their standard. */
function misspelled(value: unknown): string[] {
  if (typeof value === "string") return /^[a-z]+([A-Z][a-z0-9]*)+$/.test(value) && value.length <= 40 ? [`the value ${value}`] : [];
  if (Array.isArray(value)) return value.flatMap(misspelled);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, of]) => {
    const ofName = /^[a-z][a-z0-9_]*$/.test(name) ? [] : [`the name ${name}`];
    return name === "public_key" ? ofName : [...ofName, ...misspelled(of)];
  });
} // prettier-ignore
