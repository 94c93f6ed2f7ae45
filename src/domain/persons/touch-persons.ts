import type { OrgWriter } from "../../db/org-db.ts";
import { touchPersons as statements, type PersonKey } from "../../db/queries/persons.ts";
import { byteaText } from "../../lib/bytes.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";

/** A number's keys, computed before the transaction opens: nothing is awaited in it but the database. */
export async function personKeys(numbers: NumberHasher, newId: () => string, e164s: readonly string[]): Promise<PersonKey[]> {
  return Promise.all(
    e164s.map(async (e164) => {
      const hashes = await numbers.hashAll(e164);
      const newest = await numbers.hash(e164);
      return {
        newId: newId(),
        hmac: byteaText(newest.hmac),
        pepperVersion: newest.pepperVersion,
        allHmacs: hashes.map((hash) => byteaText(hash.hmac)),
      };
    }),
  );
}

/** The person of each number, in the same order: made if missing, locked, and with its facts_version raised. */
export async function touchPersons(w: OrgWriter, keys: readonly PersonKey[]): Promise<string[]> {
  const [make, lock, touch] = statements(keys);
  if (make === undefined || lock === undefined || touch === undefined) throw new Error("a statement is missing");
  await w.rows(make);
  await w.rows(lock);
  const rows = await w.rows<{ at: number; person_id: string }>(touch);
  const byKey = new Map(rows.map((row) => [row.at, row.person_id]));
  return keys.map((_, at) => {
    const person = byKey.get(at);
    if (person === undefined) throw new Error("a person was neither found nor made");
    return person;
  });
}
