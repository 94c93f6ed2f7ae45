import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bumpOrg } from "../../src/db/queries/fact-versions.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { claim } from "../../src/dispatch/claim.ts";
import { record } from "../../src/dispatch/record.ts";
import { enrolLeads } from "../../src/domain/campaigns/enrol-leads.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, type World } from "../support/world.ts";
import { report } from "./figures.ts";
import { addCampaign, claimDue, decideDue, mint, spreadOver } from "./mint.ts";
import { sleep } from "./pg-transport.ts";
import { endWaits, freshOrg } from "./recover.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
});
afterAll(() => db?.close());

const enrolments = (world: World, state: string) =>
  world.sql<{ id: string }>("select id from enrolments where org_id = $1 and state = $2", [world.orgId, state]);

describe("leases", () => {
  it("a run that stalled past its lease records nothing, though nobody has claimed since", async () => {
    const world = await buildWorld(db, { leads: 3 });
    const stalled = await decideDue(world);
    expect(stalled.decided).toHaveLength(3);
    await endWaits(world);
    const recorded = await record(world.org, stalled);
    expect(recorded.map(({ outcome, permit }) => ({ outcome, permit }))).toEqual(
      [1, 2, 3].map(() => ({ outcome: "lease_lost", permit: null })),
    );
    for (const table of ["decisions", "dial_attempts", "permits"])
      expect(await world.sql(`select 1 from ${table} where org_id = $1`, [world.orgId])).toEqual([]);
    expect(
      await world.sql("select 1 from audit.entry where org_id = $1 and event_type = 'decision.recorded'", [world.orgId]),
    ).toEqual([]);
  });
  it("leases that ended are taken by the very next claim, and only that one may record", async () => {
    const world = await buildWorld(db, { leads: 4 });
    const stalled = await decideDue(world);
    await endWaits(world);
    const second = await decideDue(world);
    expect(second.decided).toHaveLength(4);
    expect(new Set((await record(world.org, stalled)).map(({ outcome }) => outcome))).toEqual(new Set(["lease_lost"]));
    expect(new Set((await record(world.org, second)).map(({ outcome }) => outcome))).toEqual(new Set(["permitted"]));
  });
  it("a lease is used up by its record: recorded again it writes nothing", async () => {
    const world = await buildWorld(db, { leads: 2 });
    const batch = await decideDue(world);
    await record(world.org, batch);
    const count = async () =>
      (await world.sql<{ n: number }>("select count(*)::int as n from decisions where org_id = $1", [world.orgId]))[0]?.n;
    expect(await count()).toBe(2);
    expect(new Set((await record(world.org, batch)).map(({ outcome }) => outcome))).toEqual(new Set(["lease_lost"]));
    expect(await count()).toBe(2);
  });
  it("a claim does not wait for an enrolment that another transaction holds; what was closed meanwhile is not recorded", async () => {
    const world = await buildWorld(db, { leads: 3 });
    await claimDue(world, world.org, 0);
    const holder = new pg.Client({ connectionString: db.adminConnectionString });
    await holder.connect();
    try {
      await holder.query("begin");
      const closed = await holder.query<{ lead_id: string }>(
        `update enrolments set state = 'done', reason = 'opted_out'
           where org_id = $1 and id = (select id from enrolments where org_id = $1 order by id limit 1) returning lead_id`,
        [world.orgId],
      );
      const started = performance.now();
      const batch = await decideDue(world);
      expect(batch.decided).toHaveLength(3);
      expect(performance.now() - started).toBeLessThan(2_000);
      await holder.query("commit");
      const outcomes = new Map((await record(world.org, batch)).map(({ leadId, outcome }) => [leadId, outcome]));
      expect(outcomes.get(closed.rows[0]?.lead_id ?? "")).toBe("lease_lost");
      expect([...outcomes.values()].toSorted()).toEqual(["lease_lost", "permitted", "permitted"]);
    } finally {
      await holder.end();
    }
  });
  it("two claims at once never lease the same enrolment", async () => {
    const world = await buildWorld(db, { leads: 200 });
    await claimDue(world, world.org, 0);
    const leased: string[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let round = 0; round < 12; round++) {
          const { leads } = await claim(world.org, newId(), 7);
          leased.push(...leads.map((lead) => lead.lead_id));
        }
      }),
    );
    expect(new Set(leased).size).toBe(leased.length);
    expect(leased.length).toBeGreaterThan(50);
  });
});

describe("capacity", () => {
  it("eight claimers beside single calls never take more than the org, a campaign or a connection has room for", async () => {
    const world = await buildWorld(db, { leads: 400 });
    const limits = { org: 13, connection: 9, campaign: 6 };
    await world.sql("update calling_policies set max_concurrency = $2 where org_id = $1", [world.orgId, limits.org]);
    await secondCampaign(world, limits);
    await claimDue(world, world.org, 0);
    const most = { org: 0, connection: 0, campaign: 0 };
    let running = true;
    const watched = (async () => {
      while (running) {
        const now = await takenOf(world);
        for (const key of ["org", "connection", "campaign"] as const) most[key] = Math.max(most[key], now[key]);
        await sleep(1);
      }
    })();
    const claimers = Array.from({ length: 8 }, (_, index) => claimAndEnd(world, index));
    await Promise.all(claimers).finally(() => (running = false));
    await watched;
    const text = `capacity: most at once ${most.org} of ${limits.org} (org), ${most.connection} of ${limits.connection} (connection), ${most.campaign} of ${limits.campaign} (campaign)`;
    report(text, { test: "capacity", most, limits });
    expect(most.org).toBeLessThanOrEqual(limits.org);
    expect(most.connection).toBeLessThanOrEqual(limits.connection);
    expect(most.campaign).toBeLessThanOrEqual(limits.campaign);
    // The limits were reached: room that stays empty would prove nothing.
    expect(most.org).toBe(limits.org);
    expect(most.campaign).toBe(limits.campaign);
  });
});

/** The same leads in two further campaigns, one of them over a connection of its own. */
async function secondCampaign(world: World, limits: { connection: number; campaign: number }): Promise<void> {
  const second = newId();
  await world.sql(
    `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, queue_delay_seconds, created_at)
       select org_id, $3, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, queue_delay_seconds, created_at
       from connections where org_id = $1 and id = $2`,
    [world.orgId, world.connectionId, second],
  );
  await addCampaign(world);
  await addCampaign(world, second);
  await world.sql("update campaigns set max_concurrency = $2 where org_id = $1", [world.orgId, limits.campaign]);
  await world.sql("update connections set max_concurrency = $2 where org_id = $1 and kind = 'voice'", [
    world.orgId,
    limits.connection,
  ]);
}

/** The largest number taken at one instant of the database, over the org, one connection and one campaign. */
async function takenOf(world: World): Promise<{ org: number; connection: number; campaign: number }> {
  const [row] = await world.sql<{ org: number; connection: number; campaign: number }>(
    `with taken as (
       select a.campaign_id, a.connection_id from dial_attempts a
         where a.org_id = $1 and a.state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress')
       union all
       select k.campaign_id, k.connection_id from leases k cross join unnest(k.enrolment_ids) where k.org_id = $1)
     select (select count(*) from taken)::int as org, coalesce((select max(n) from (select count(*)::int as n from taken group by connection_id) x), 0) as connection,
       coalesce((select max(n) from (select count(*)::int as n from taken group by campaign_id) x), 0) as campaign`,
    [world.orgId],
  );
  return row ?? { org: 0, connection: 0, campaign: 0 };
}

async function claimAndEnd(world: World, index: number): Promise<void> {
  const org = freshOrg(world, world.transport);
  for (let round = 0; round < 20; round++) {
    // Two of them call single leads, as a route does beside the queue.
    if (index >= 6)
      await callNow(world.deps, org, { leadId: world.leadIds[index * 30 + round] as string, campaignId: world.campaignId });
    else await mint(world, org, 1 + ((index + round) % 5));
    // Slower than they come, so that the room fills up.
    if (Math.random() < 0.85) continue;
    await world.sql(
      `update dial_attempts set state = 'completed' where org_id = $1 and id in (
         select id from dial_attempts where org_id = $1 and state in ('permitted', 'placed') order by random() limit 1)`,
      [world.orgId],
    );
  }
}

describe("profiles", () => {
  it("a claim and an enrolment of the same campaign never wait for each other crosswise", async () => {
    for (let round = 0; round < 4; round++) {
      const world = await buildWorld(db, { leads: 200 });
      await spreadOver(world, 40);
      await claimDue(world, world.org, 0);
      const [middle] = await world.sql<{ id: string }>(
        "select id from hour_profiles where org_id = $1 order by id offset 20 limit 1",
        [world.orgId],
      );
      const holder = new pg.Client({ connectionString: db.adminConnectionString });
      await holder.connect();
      try {
        // Both stop half way through the profiles, and go on at the same moment.
        await holder.query("begin");
        await holder.query("select 1 from hour_profiles where org_id = $1 and id = $2 for no key update", [
          world.orgId,
          middle?.id,
        ]);
        const enrolled = enrolLeads(freshOrg(world, world.transport), world.campaignId, "all");
        await sleep(300);
        const claimed = claim(freshOrg(world, world.transport), newId(), 500);
        await sleep(300);
        await holder.query("commit");
        expect(await enrolled).toMatchObject({ ok: true });
        expect((await claimed).leads.length).toBeGreaterThanOrEqual(0);
      } finally {
        await holder.end();
      }
    }
  });
  it("enrolments of one campaign at once leave each lead in its queue once", async () => {
    const world = await buildWorld(db, { leads: 300, enrol: false });
    await world.sql("update campaigns set status = 'running' where org_id = $1", [world.orgId]);
    const done = await Promise.all(
      Array.from({ length: 6 }, () => enrolLeads(freshOrg(world, world.transport), world.campaignId, "all")),
    );
    expect(done.map((each) => (each.ok ? each.value.enrolled : 0)).reduce((sum, n) => sum + n, 0)).toBe(300);
    expect(await enrolments(world, "waiting")).toHaveLength(300);
  });
});

describe("tokens", () => {
  it("calls of one connection leave at least 1 / cps apart, whoever claimed them and however late they were recorded", async () => {
    const world = await buildWorld(db, { leads: 60, callsPerSecond: 4 });
    await claimDue(world, world.org, 0);
    await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const org = freshOrg(world, world.transport);
        for (let round = 0; round < 6; round++) {
          const batch = await decideDue(world, org, 1 + ((index + round) % 4));
          await sleep(Math.random() * 400);
          // Every third batch is turned away, and gives its tokens back.
          if (round % 3 === 2)
            await world.sql("update persons set facts_version = facts_version + 1 where org_id = $1 and id = any ($2)", [
              world.orgId,
              batch.decided.map(({ lead }) => lead.person_id),
            ]);
          await record(org, batch);
        }
      }),
    );
    const rows = await world.sql<{ at: number }>(
      "select extract(epoch from slot_at)::float8 as at from dial_attempts where org_id = $1 order by slot_at",
      [world.orgId],
    );
    const gaps = rows.slice(1).map((row, index) => row.at - (rows[index]?.at ?? 0));
    report(`tokens: ${rows.length} slots, smallest gap ${Math.min(...gaps).toFixed(3)} s at 4 calls per second`, {
      test: "tokens",
      slots: rows.length,
      gap: Math.min(...gaps),
    });
    expect(rows.length).toBeGreaterThan(15);
    expect(Math.min(...gaps)).toBeGreaterThan(0.2499);
  });
  it("two single calls do not share a token", async () => {
    const world = await buildWorld(db, { leads: 2, callsPerSecond: 0.2, enrol: false });
    const [one, other] = world.leadIds as [string, string];
    expect(await callNow(world.deps, world.org, { leadId: one, campaignId: world.campaignId })).toMatchObject({ kind: "placed" });
    const refused = await callNow(world.deps, world.org, { leadId: other, campaignId: world.campaignId });
    expect(refused).toMatchObject({
      kind: "refused",
      recorded: { decision: { verdict: "defer", reason_codes: ["calls_per_second"] } },
    });
    expect(world.voice.placed).toHaveLength(1);
  });
  it("what a claim reserved and did not use goes back, unless somebody has reserved behind it", async () => {
    const world = await buildWorld(db, { leads: 20, callsPerSecond: 1 });
    await claimDue(world, world.org, 0);
    const ahead = async () =>
      (
        await world.sql<{ s: number }>(
          "select extract(epoch from next_slot_at - clock_timestamp())::float8 as s from connections where org_id = $1 and id = $2",
          [world.orgId, world.connectionId],
        )
      )[0]?.s ?? 0;
    const batch = await decideDue(world, world.org, 10);
    expect(await ahead()).toBeGreaterThan(8);
    await world.org.query(bumpOrg());
    expect(new Set((await record(world.org, batch)).map(({ outcome }) => outcome))).toEqual(new Set(["facts_changed"]));
    expect(await ahead()).toBeLessThan(1);
    const first = await decideDue(world, world.org, 5);
    const second = await decideDue(world, world.org, 5);
    await world.org.query(bumpOrg());
    await record(world.org, first);
    expect(await ahead()).toBeGreaterThan(8);
    await record(world.org, second);
    expect(await ahead()).toBeLessThan(6);
  });
  it("a claim takes no more than leaves within 45 seconds", async () => {
    const world = await buildWorld(db, { leads: 80, callsPerSecond: 1 });
    expect((await claimDue(world)).leads.length).toBeLessThanOrEqual(45);
    expect((await claim(world.org, newId(), 500)).leads).toEqual([]);
    expect(await enrolments(world, "waiting")).not.toEqual([]);
  });
});
