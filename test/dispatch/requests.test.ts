/** How often the database is asked for one batch: a round trip is a request that the worker waits for. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { claim } from "../../src/dispatch/claim.ts";
import { decideLeads } from "../../src/dispatch/decide.ts";
import { record } from "../../src/dispatch/record.ts";
import { run } from "../../src/dispatch/run.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId } from "../support/world.ts";
import { claimDue } from "./mint.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());
const requests = () => db.endpoint.requests().total;

test.each([1, 50])(
  "%i leads of one org: claim, all gates, decisions, audit and permits are two requests of the six allowed",
  async (leads) => {
    const world = await buildWorld(db, { leads });
    // The windows are judged when they open or close, not for each batch.
    const first = await claimDue(world);
    await world.sql("delete from leases where org_id = $1", [world.orgId]);
    await world.sql("update hour_profiles set next_due_at = '-infinity' where org_id = $1", [world.orgId]);
    expect(first.leads).toHaveLength(leads);
    const before = requests();
    const batch = await claim(world.org, newId(), 500);
    expect(requests() - before).toBe(1);
    const decided = await decideLeads(world.deps.desk, batch.bound.now, batch.campaigns, batch.leads);
    expect(requests() - before).toBe(1);
    const recorded = await record(world.org, { ...batch, at: batch.bound.now, decided });
    expect(recorded.filter(({ permit }) => permit !== null)).toHaveLength(leads);
    expect(requests() - before).toBe(2);
  },
);

test("an idle org costs its run one request", async () => {
  const world = await buildWorld(db, { leads: 1 });
  await run(world.deps, world.org, 10);
  const before = requests();
  await run(world.deps, world.org, 10);
  expect(requests() - before).toBe(1);
});
