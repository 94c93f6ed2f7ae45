import { afterAll, beforeAll, expect, it } from "vitest";
import { mapFile } from "../../src/domain/imports/import-map.ts";
import { openTestDatabase } from "../support/database.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

const map = mapFile.parse({
  seller: { registered_name: "Acme Solar LLC" },
  columns: { phone: "Phone", consent_at: "Date" },
  attestation: { purpose: "marketing", basis: "pewc" },
});
const rows = 6_000;
const numbers = Array.from({ length: rows }, (_, index) => `213${String(2_000_000 + index * 7)}`);
const file = (order: readonly string[], day: number) =>
  new TextEncoder().encode(`Phone,Date\n${order.map((phone) => `${phone},2026-01-0${day}`).join("\n")}`);

let world: IntakeWorld;
beforeAll(async () => {
  world = await openIntake({ db: await openTestDatabase({ postgres: true }) });
});
afterAll(() => world.db.close());

it("imports the same numbers from three files at once, in opposite orders, without deadlock, each number once", async () => {
  const halves = [...numbers.slice(rows / 2), ...numbers.slice(0, rows / 2)];
  const uploads = [
    await world.upload(file(numbers, 1), map),
    await world.upload(file(numbers.toReversed(), 2), map),
    await world.upload(file(halves, 3), map),
  ];
  expect(await Promise.all(uploads.map(({ id }) => world.run(id)))).toEqual(["succeeded", "succeeded", "succeeded"]);
  const found = await Promise.all(uploads.map(({ id }) => world.find(id)));
  expect(found.reduce((total, each) => total + each.accepted, 0)).toBe(rows);
  for (const each of found)
    expect(each.accepted + ((each.rejected as Record<string, number>)["duplicate_in_org"] ?? 0)).toBe(rows);
  const [counts] = await world.sql(
    `select (select count(*)::int from leads where org_id = $1) as leads, (select count(*)::int from persons p where p.org_id = $1 and not exists (
        select 1 from suppressions s where s.person_id = p.id and s.source = 'canary')) as persons,
       (select count(*)::int from consent_events where org_id = $1) as evidence`,
    [world.orgId],
  );
  expect(counts).toEqual({ leads: rows, persons: rows, evidence: 3 * rows });
});
