import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pauseCampaign } from "../../src/domain/campaigns/pause-campaign.ts";
import { resumeCampaign } from "../../src/domain/campaigns/resume-campaign.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { halt } from "../../src/domain/halts/halt.ts";
import { run } from "../../src/dispatch/run.ts";
import { claimDue } from "./mint.ts";
import { decideLeads } from "../../src/dispatch/decide.ts";
import { record } from "../../src/dispatch/record.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, type World } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());

const places = (world: World) =>
  world.sql<{ state: string; reason: string | null; due: boolean }>(
    `select e.state, e.reason, e.due_at <= t.now as due from enrolments e join test_clocks t on t.org_id = e.org_id
      where e.org_id = $1 order by e.id`,
    [world.orgId],
  );

describe("a halt that ends", () => {
  test("makes who was refused for it due at once, and they are dialed in the same second of the org's clock", async () => {
    const world = await buildWorld(db, { leads: 5 });
    const halted = await halt(world.org, { reason: "org_halted", note: "x" });
    await run(world.deps, world.org, 10);
    expect(await places(world)).toEqual(
      Array.from({ length: 5 }, () => ({ state: "waiting", reason: "org_halted", due: false })),
    );
    await run(world.deps, world.org, 10);
    expect(world.voice.placed).toHaveLength(0);
    await endHalt(world.org, halted.ok ? halted.value.id : "");
    expect((await places(world)).filter((place) => place.due)).toHaveLength(5);
    await run(world.deps, world.org, 10);
    expect(world.voice.placed).toHaveLength(5);
  });

  test("wakes nobody who waits for something else, and at most as many as are dialed before the rest come by themselves", async () => {
    const world = await buildWorld(db, { leads: 4 });
    await world.sql(
      `update enrolments e set state = 'waiting', reason = u.reason, due_at = t.now + u.after
         from test_clocks t, (select id, row_number() over (order by id) as n from enrolments where org_id = $1) x,
           (values (1, 'org_halted', interval '5 minutes'), (2, 'org_halted', interval '9 minutes'), (3, 'before_window', interval '5 minutes'),
             (4, 'org_halted', interval '20 hours')) as u(n, reason, after)
         where e.org_id = $1 and t.org_id = $1 and x.id = e.id and u.n = x.n`,
      [world.orgId],
    );
    const wake = (max: number) =>
      world.org.rows<{ n: number }>({ name: "wake", text: "select app.wake_halted(null, 'org_halted', $1) as n", params: [max] });
    expect(await wake(1)).toEqual([{ n: 1 }]);
    expect((await places(world)).map((place) => place.due)).toEqual([true, false, false, false]);
    expect(await wake(100)).toEqual([{ n: 1 }]);
    expect((await places(world)).map((place) => place.due)).toEqual([true, true, false, false]);
  });
});

test("a resumed campaign judges again at once whom its pause refused in the middle of their decision", async () => {
  const world = await buildWorld(db, { leads: 3 });
  const batch = await claimDue(world);
  await pauseCampaign(world.org, world.campaignId, null);
  // Decided with the facts of after the pause, as the next claim of these leads would be.
  const campaigns = batch.campaigns.map((campaign) => ({ ...campaign, campaign_status: "paused" }));
  const decided = await decideLeads(world.deps.desk, batch.bound.now, campaigns, batch.leads);
  await record(world.org, { ...batch, at: batch.bound.now, decided });
  expect(await places(world)).toEqual(
    Array.from({ length: 3 }, () => ({ state: "waiting", reason: "campaign_halted", due: false })),
  );
  expect(await resumeCampaign(world.org, world.campaignId)).toMatchObject({ ok: true });
  expect((await places(world)).every((place) => place.due)).toBe(true);
  await run(world.deps, world.org, 10);
  expect(world.voice.placed).toHaveLength(3);
});
