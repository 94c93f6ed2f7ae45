/** How often the database is asked for one batch: a round trip is a request that the worker waits for. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { claim } from "../../src/dispatch/claim.ts";
import { decideAndRecord } from "../../src/dispatch/decide-and-record.ts";
import { run } from "../../src/dispatch/run.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId } from "../support/world.ts";
import { claimDue, spreadOver } from "./mint.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());
const requests = () => db.endpoint.requests().total;

/** Leads of one org, by the states in which they live: each set of candidate states is an hour profile and a part of its own. */
const batches: Record<string, { leads: number; profiles: number; expected: number }> = {
  "one lead": { leads: 1, profiles: 1, expected: 2 },
  "50 leads": { leads: 50, profiles: 1, expected: 2 },
  "500 leads": { leads: 500, profiles: 1, expected: 5 },
  "500 leads of 7 profiles": { leads: 500, profiles: 7, expected: 5 },
  "500 leads of 50 profiles": { leads: 500, profiles: 50, expected: 6 },
};
test.each(Object.keys(batches))(
  "%s of one org: claim, all gates, decisions, audit and permits are no more than the six requests allowed",
  async (name) => {
    const { leads, profiles, expected } = batches[name] as (typeof batches)[string];
    const world = await buildWorld(db, { leads });
    await spreadOver(world, profiles);
    // The windows are judged when they open or close, not for each batch.
    const first = await claimDue(world);
    await world.sql("delete from leases where org_id = $1", [world.orgId]);
    await world.sql("update hour_profiles set next_due_at = '-infinity' where org_id = $1", [world.orgId]);
    expect(first.leads).toHaveLength(leads);
    const before = requests();
    const batch = await claim(world.org, newId(), 500);
    expect(requests() - before).toBe(1);
    const { recorded } = await decideAndRecord(world.deps.desk, world.org, batch);
    expect(recorded.filter(({ permit }) => permit !== null)).toHaveLength(leads);
    expect(requests() - before).toBe(expected);
    expect(await world.sql("select 1 from leases where org_id = $1", [world.orgId])).toEqual([]);
  },
);

test("an idle org costs its run one request", async () => {
  const world = await buildWorld(db, { leads: 1 });
  await run(world.deps, world.org, 10);
  const before = requests();
  await run(world.deps, world.org, 10);
  expect(requests() - before).toBe(1);
});
