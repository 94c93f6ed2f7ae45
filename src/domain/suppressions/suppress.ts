import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { stopPerson } from "../../db/queries/persons.ts";
import { suppressions } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import { personKeys, touchPersons } from "../persons/touch-persons.ts";

/** Where a stop came from (gates.md §3). */
export const suppressionSources = [
  "in_call_tool",
  "key_press",
  "call_analysis",
  "transcript",
  "inbound_call",
  "voicemail_reply",
  "mail_reply",
  "api",
  "console",
  "bulk_file",
  "public_page",
  "wrong_number",
] as const;
type SuppressionSource = (typeof suppressionSources)[number];

export interface SuppressionInput {
  readonly source: SuppressionSource;
  /** True when the org entered it without the person's word: a lift then ends it at once. */
  readonly byOrg: boolean;
  readonly note: string | null;
  readonly attemptId: string | null;
}
export interface Suppressed {
  readonly id: string;
  readonly recordedAt: string;
  readonly attemptsCancelled: number;
  readonly enrolmentsClosed: number;
}

/** At most this many numbers in one transaction: it holds their persons' locks. */
export const numbersMax = 1_000;

/** Stop means now: when this has committed, no dial decided before it leaves, and none after it is allowed. */
export async function suppressNumbers(
  org: OrgDb,
  numbers: NumberHasher,
  e164s: readonly string[],
  input: SuppressionInput,
): Promise<{ readonly orgId: string; readonly made: readonly (Suppressed & { readonly e164: string })[] }> {
  if (e164s.length > numbersMax) throw new RangeError(`at most ${numbersMax} numbers at once`);
  const once = [...new Set(e164s)];
  const keys = await personKeys(numbers, () => org.newId(), once);
  return org.change({ action: "suppression.created", subject: publicId("suppression", org.newId()) }, async (w) => {
    w.withdrawEntry(); // Each number has its own.
    const persons = await touchPersons(w, keys);
    // In the order of persons, as everywhere: stopping locks their attempts.
    const order = persons.map((person, at) => ({ person, at })).toSorted((a, b) => (a.person < b.person ? -1 : 1));
    const done = new Map<number, Suppressed>();
    for (const { person, at } of order) done.set(at, await suppressPerson(w, person, input));
    return { orgId: w.orgId, made: once.map((e164, at) => ({ e164, ...(done.get(at) as Suppressed) })) };
  });
}

/** Inside a change whose writer holds the person. */
export async function suppressPerson(w: OrgWriter, personId: string, input: SuppressionInput): Promise<Suppressed> {
  const id = w.newId();
  await w.insert(suppressions, { id, personId, recordedAt: w.now, ...input });
  const [stopped] = await w.rows<{ attempts_cancelled: number; enrolments_closed: number }>(stopPerson(personId, "suppressed"));
  const counts = { attemptsCancelled: stopped?.attempts_cancelled ?? 0, enrolmentsClosed: stopped?.enrolments_closed ?? 0 };
  w.also({
    action: "suppression.created",
    subject: publicId("suppression", id),
    facts: {
      source: input.source,
      by_org: input.byOrg,
      attempts_cancelled: counts.attemptsCancelled,
      enrolments_closed: counts.enrolmentsClosed,
    },
  });
  return { id, recordedAt: w.now, ...counts };
}
