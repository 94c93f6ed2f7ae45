/** No row's own uuid is told to anyone: each id says what it names. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { openTenants, type Tenants } from "../isolation/tenants.ts";

let t: Tenants;
beforeAll(async () => {
  t = await openTenants();
}, 120_000);
afterAll(() => t.house.close());

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
async function pages(path: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = await t.a.get(`${path}?limit=100${cursor === "" ? "" : `&cursor=${cursor}`}`);
    rows.push(...page.json.data);
    cursor = page.json.next_cursor as string | null;
  }
  return rows;
}

test.each([
  "audit",
  "attempts",
  "calls",
  "campaigns",
  "connections",
  "consent_events",
  "halts",
  "incidents",
  "imports",
  "leads",
  "sellers",
])("in the list of %s", async (noun) => {
  const rows = await pages(`/v1/${noun}`);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((row) => uuid.test(JSON.stringify(row)))).toEqual([]);
});

test("an audit entry and a halt name the key that acted by its public id", async () => {
  const facts = (await pages("/v1/audit")).map(
    (entry) => JSON.parse(String(entry["facts"])).actor as { type: string; id: string },
  );
  expect(facts.filter((actor) => actor?.type === "api_key" && !actor.id.startsWith("key_"))).toEqual([]);
  expect(facts.filter((actor) => actor?.type === "api_key").length).toBeGreaterThan(5);
  const [halt] = (await pages("/v1/halts")).filter(({ reason }) => reason === "state_halted");
  expect(halt?.["by"]).toMatch(/^api_key:key_[0-9a-z]{26}$/);
});

test("in a decision, recorded or dry: what consented, what stopped, what halts", async () => {
  const { admin } = t.house.api.db;
  const { rows } = await admin("select id, campaign_id, lead_id from decisions where org_id = $1", [t.a.orgId]);
  const told: string[] = [];
  for (const row of rows) told.push((await t.a.get(`/v1/decisions/${publicId("decision", String(row["id"]))}`)).text);
  const paused = t.house.api.deps.newId();
  await admin(
    `insert into campaigns select (jsonb_populate_record(null::campaigns, to_jsonb(c) || jsonb_build_object('id', $2::text, 'status', 'paused'))).*
       from campaigns c where org_id = $1 order by id limit 1`,
    [t.a.orgId, paused],
  );
  await t.a.post("/v1/halts", { reason: "org_halted", note: "x" });
  for (const { id, status } of (await t.a.get("/v1/leads?limit=100")).json.data as { id: string; status: string }[]) {
    if (status === "ineligible") continue;
    told.push((await t.a.post("/v1/decisions", { lead_id: id, campaign_id: publicId("campaign", paused) })).text);
  }
  expect(told.length).toBeGreaterThan(20);
  expect(told.filter((text) => uuid.test(text))).toEqual([]);
  const all = told.join();
  for (const prefix of ["cons", "supp", "halt"]) expect(all).toMatch(new RegExp(`"id":"${prefix}_[0-9a-z]{26}"`));
  expect(all).toContain(`"reason":"campaign_halted","id":"${publicId("campaign", paused)}"`);
});
