import type { OrgDb } from "../../db/org-db.ts";
import { personsOfNumbers, suppressionsOfNumbers } from "../../db/queries/suppressions.ts";
import { byteaText } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";

export interface SuppressionRow {
  readonly at: number;
  readonly id: string;
  readonly source: string;
  readonly by_org: boolean;
  readonly recorded_at: string;
  readonly note: string | null;
  readonly lifted_at: string | null;
}

/** For each number its suppressions, oldest first. Tries every pepper. Two requests, of which the first answers whom the note of the second names. */
export async function lookUpNumbers(
  org: OrgDb,
  numbers: NumberHasher,
  e164s: readonly string[],
): Promise<readonly (readonly SuppressionRow[])[]> {
  const pairs = await Promise.all(
    e164s.map(async (e164, at) => (await numbers.hashAll(e164)).map((hash) => ({ at, hmac: byteaText(hash.hmac) }))),
  );
  const flat = pairs.flat();
  const persons = await org.rows<{ id: string }>(personsOfNumbers(flat.map((pair) => pair.hmac)));
  org.about(persons.map(({ id }) => publicId("person", id)));
  const rows = await org.rows<SuppressionRow>(
    suppressionsOfNumbers(
      flat.map((pair) => pair.at),
      flat.map((pair) => pair.hmac),
    ),
  );
  const found = e164s.map((): SuppressionRow[] => []);
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(`${row.at} ${row.id}`)) continue;
    seen.add(`${row.at} ${row.id}`);
    found[row.at]?.push(row);
  }
  return found;
}
