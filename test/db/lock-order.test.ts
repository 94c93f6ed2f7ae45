/** Two transactions that lock the same rows in different orders wait for each other: a lock over several rows is ordered. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const folders = ["migrations", "src/db/queries"];
/** At most one row an org, or one in all. */
const singletons = /\b(org_facts|platform_facts|calling_policies|audit\.head|test_clocks|standing_sweeps)\b/;
const oneRow = /\b(id|attempt_id) = (?!any)/;

interface Lock {
  readonly where: string;
  readonly statement: string;
}
function locksIn(name: string, text: string): Lock[] {
  const locks: Lock[] = [];
  for (const match of text.matchAll(/\bfor (?:no key update|update|share)\b/g)) {
    const before = text.slice(0, match.index);
    // Back to the row source that is locked: what stands behind the last `from`.
    const from = before.toLowerCase().lastIndexOf(" from ");
    if (from < 0 || before.slice(from).includes(";")) continue;
    locks.push({ where: `${name}:${before.split("\n").length}`, statement: before.slice(from) });
  }
  return locks;
}

const isLoose = ({ statement }: Lock): boolean =>
  !/\border by\b/.test(statement) && !singletons.test(statement) && !oneRow.test(statement);

test("every lock over several rows is taken in an order", () => {
  const locks = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.(sql|ts)$/.test(file))
      .flatMap((file) => locksIn(`${folder}/${file}`, readFileSync(join(folder, file), "utf8"))),
  );
  expect(locks.length).toBeGreaterThan(30);
  expect(locks.filter(isLoose).map(({ where }) => where)).toEqual([]);
});

test("one that is not is found", () => {
  const bad =
    "select 1 from public.hour_profiles p where p.org_id = (select app.org()) and p.campaign_id = campaign for no key update;";
  expect(locksIn("x", bad).filter(isLoose)).toHaveLength(1);
  expect(locksIn("x", bad.replace(" for no", " order by p.id for no")).filter(isLoose)).toEqual([]);
});
