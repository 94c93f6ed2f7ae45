import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callNow } from "../../src/dispatch/call-now.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { place } from "../../src/dispatch/place.ts";
import { record } from "../../src/dispatch/record.ts";
import { run } from "../../src/dispatch/run.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { addCampaign, decideDue, mint, mintOne } from "./mint.ts";
import { attemptsOf, enrolmentOf, unspent } from "./looks.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

/** 21:00 in New York, where the window of the world's first lead ends. */
const evening = "2026-11-19T02:00:00Z" as Instant;

describe("a permit", () => {
  it("is used once: whoever comes second does not call", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    const outcomes = await Promise.all([place(world.deps, world.org, permit), place(world.deps, world.org, permit)]);
    expect(outcomes.toSorted()).toEqual(["not_permitted", "placed"]);
    expect(await place(world.deps, world.org, permit)).toBe("not_permitted");
    expect(world.voice.placed).toHaveLength(1);
    // And leaves the first one's attempt alone.
    expect(await attemptsOf(world)).toEqual([{ state: "placed", reason: null, counts: true }]);
  });
  it("waits for its token to the millisecond, and not at all once it has come up", async () => {
    for (const early of [750, 0, -20_000]) {
      const world = await buildWorld(db);
      const permit = await mintOne(world);
      const waits: number[] = [];
      const deps = {
        ...world.deps,
        sleep: async (milliseconds: number) => void waits.push(milliseconds),
        milliseconds: () => Date.parse(permit.slotAt) - early,
      };
      expect(await place(deps, world.org, permit)).toBe("placed");
      expect(waits).toEqual(early > 0 ? [early] : []);
    }
  });
  it("lives sixty seconds of the real clock, and is void afterwards", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    const [life] = await world.sql<{ s: number }>(
      "select extract(epoch from expires_at - minted_real_at)::float8 as s from permits where org_id = $1",
      [world.orgId],
    );
    expect(life?.s).toBe(60);
    await world.sql("update permits set expires_at = clock_timestamp() where org_id = $1", [world.orgId]);
    expect(await place(world.deps, world.org, permit)).toBe("expired");
    expect(world.voice.placed).toEqual([]);
    expect(await attemptsOf(world)).toEqual([{ state: "expired", reason: "permit_expired", counts: false }]);
    expect(await enrolmentOf(world)).toMatchObject({ state: "waiting" });
    expect(await unspent(world)).toEqual([]);
  });
  it("that nobody uses is ended by the job, counts for nothing, and its lead is dialed by another", async () => {
    const world = await buildWorld(db);
    await mintOne(world);
    expect(await expirePermits(world.org)).toBe(0);
    await world.sql("update permits set expires_at = clock_timestamp() where org_id = $1", [world.orgId]);
    expect(await expirePermits(world.org)).toBe(1);
    expect(await unspent(world)).toEqual([]);
    expect(await run(world.deps, world.org, 20)).toMatchObject({ permitted: 1, placed: 1 });
  });
  it("ends on the org's clock before its window does, by the margin of the connection", async () => {
    const world = await buildWorld(db, { now: addSeconds(evening, -60) });
    const permit = await mintOne(world);
    const limit = addSeconds(evening, -30);
    const [row] = await world.sql<{ at: Date }>("select valid_before as at from permits where org_id = $1", [world.orgId]);
    expect(row?.at).toEqual(new Date(limit));
    await world.setClock(addSeconds(limit, -1));
    expect(await place(world.deps, world.org, permit)).toBe("placed");
    const late = await buildWorld(db, { now: addSeconds(evening, -60) });
    const other = await mintOne(late);
    await late.setClock(limit);
    expect(await place(late.deps, late.org, other)).toBe("expired");
    expect(late.voice.placed).toEqual([]);
  });
  it("is not minted with less than ten seconds to live: window_closing, until the next morning", async () => {
    const last = await buildWorld(db, { now: addSeconds(evening, -40) });
    expect(await mint(last)).toMatchObject([{ outcome: "permitted" }]);
    const closing = await buildWorld(db, { now: addSeconds(evening, -39) });
    const [recorded] = await mint(closing);
    expect(recorded).toMatchObject({
      outcome: "window_closing",
      permit: null,
      decision: { verdict: "allow", next_eligible_at: "2026-11-19T13:00:00Z" },
    });
    expect(await enrolmentOf(closing)).toEqual({
      state: "waiting",
      reason: "window_closing",
      due_at: new Date("2026-11-19T13:00:00Z"),
    });
    const now = await callNow(closing.deps, closing.org, {
      leadId: closing.leadIds[0] as string,
      campaignId: closing.campaignId,
    });
    expect(now).toMatchObject({ kind: "refused", recorded: { outcome: "window_closing" } });
    expect(closing.voice.placed).toEqual([]);
  });
  it("is not minted either when its time ran down between the decision and the commit", async () => {
    for (const [seconds, outcome] of [
      [20, "permitted"],
      [21, "window_closing"],
    ] as const) {
      const world = await buildWorld(db, { now: addSeconds(evening, -60) });
      const batch = await decideDue(world);
      await world.setClock(addSeconds(evening, -60 + seconds));
      expect(await record(world.org, batch)).toMatchObject([{ outcome }]);
      if (outcome === "window_closing")
        expect(await enrolmentOf(world)).toEqual({ state: "waiting", reason: outcome, due_at: new Date(evening) });
    }
  });
  it("whose window has run out is ended by the job, and by the next record of its person, as one whose minute has", async () => {
    for (const end of [
      (world: World) => expirePermits(world.org),
      // Its lead is called singly, through another campaign's decision.
      async (world: World) =>
        void (await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId })),
    ]) {
      const world = await buildWorld(db, { now: addSeconds(evening, -60) });
      await mintOne(world);
      await world.setClock(addSeconds(evening, -30));
      await end(world);
      expect(await attemptsOf(world)).toEqual([{ state: "expired", reason: "permit_expired", counts: false }]);
      expect(await unspent(world)).toEqual([]);
    }
  });
  it("is recorded with the instant of its decision, also when the commit comes later", async () => {
    const world = await buildWorld(db);
    const batch = await decideDue(world);
    await world.setClock(addSeconds(noon, 5));
    await record(world.org, batch);
    const [row] = await world.sql<{ at: Date; own: string }>("select at, own_facts as own from decisions where org_id = $1", [
      world.orgId,
    ]);
    expect(row?.at).toEqual(new Date(noon));
    expect(JSON.parse(row?.own ?? "{}")).toMatchObject({ at: noon });
  });
});

describe("one live attempt a person", () => {
  it("of two campaigns with the same lead one gets the permit, the other person_busy, and both go on", async () => {
    const world = await buildWorld(db);
    await addCampaign(world);
    const recorded = await mint(world);
    expect(recorded.map(({ outcome }) => outcome).toSorted()).toEqual(["permitted", "person_busy"]);
    expect(await attemptsOf(world)).toHaveLength(1);
    const rows = await world.sql<{ state: string; reason: string; due_at: Date }>(
      "select state, reason, due_at from enrolments where org_id = $1 order by state",
      [world.orgId],
    );
    expect(rows).toMatchObject([
      { state: "held", reason: "attempt_live" },
      { state: "waiting", reason: "person_busy", due_at: new Date(addSeconds(noon, 60)) },
    ]);
    // Found busy by the gate instead of by the index, it waits as well.
    await world.setClock(addSeconds(noon, 60));
    expect(await mint(world)).toMatchObject([{ outcome: "refused", decision: { verdict: "defer" } }]);
    expect(
      await world.sql("select 1 from enrolments where org_id = $1 and state = 'waiting' and due_at = $2", [
        world.orgId,
        addSeconds(noon, 120),
      ]),
    ).toHaveLength(1);
  });
  it("a single call beside a live attempt is refused, and leaves it alone", async () => {
    const world = await buildWorld(db);
    await run(world.deps, world.org, 20);
    const refused = await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId });
    expect(refused).toMatchObject({ kind: "refused", recorded: { outcome: "refused", decision: { verdict: "defer" } } });
    expect(refused.kind === "refused" ? refused.recorded.decision.reason_codes : []).toContain("person_busy");
    expect(world.voice.placed).toHaveLength(1);
  });
});

describe("a single call", () => {
  it("goes the way of every dial: decision, permit, one call", async () => {
    const world = await buildWorld(db, { enrol: false });
    const called = await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId });
    expect(called).toMatchObject({ kind: "placed", place: "placed", recorded: { outcome: "permitted" } });
    expect(world.voice.placed).toMatchObject([
      { attemptId: publicId("attempt", called.kind === "placed" ? called.attemptId : ""), variables: { first_name: "Ann" } },
    ]);
    expect(await world.sql("select kind, enrolment_id from dial_attempts where org_id = $1", [world.orgId])).toEqual([
      { kind: "single", enrolment_id: null },
    ]);
    expect(
      await world.sql("select 1 from audit.entry where org_id = $1 and event_type = 'decision.recorded'", [world.orgId]),
    ).toHaveLength(1);
  });
  it("names a lead or campaign that is not there", async () => {
    const world = await buildWorld(db, { enrol: false });
    expect(await callNow(world.deps, world.org, { leadId: newId(), campaignId: world.campaignId })).toEqual({
      kind: "unknown_lead",
    });
    expect(await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: newId() })).toEqual({
      kind: "unknown_campaign",
    });
    expect(await attemptsOf(world)).toEqual([]);
  });
  it("does not exceed the org's room when two are asked for at once", async () => {
    const world = await buildWorld(db, { leads: 2, enrol: false });
    await world.sql("update calling_policies set max_concurrency = 1 where org_id = $1", [world.orgId]);
    const called = await Promise.all(
      world.leadIds.map((leadId) => callNow(world.deps, world.org, { leadId, campaignId: world.campaignId })),
    );
    expect(called.map(({ kind }) => kind).toSorted()).toEqual(["placed", "refused"]);
    expect(world.voice.placed).toHaveLength(1);
  });
});

describe("a connection that cannot be used", () => {
  for (const [name, arrange] of [
    ["no adapter can open it", (world: World): World => ({ ...world, deps: { ...world.deps, voice: () => null } })],
    ["it has no credential", (world: World): World => world],
  ] as const) {
    it(`${name}: no call, the attempt counts for nothing, someone is told, and the lead is asked again in an hour`, async () => {
      const world = arrange(await buildWorld(db));
      await world.sql("delete from credentials where org_id = $1 and $2", [world.orgId, name === "it has no credential"]);
      expect(await run(world.deps, world.org, 20)).toMatchObject({ permitted: 1, placed: 0 });
      expect(world.voice.placed).toEqual([]);
      expect(await attemptsOf(world)).toEqual([{ state: "failed_no_call", reason: "connection_unreachable", counts: false }]);
      expect(await world.sql("select severity, code, subject_id from incidents where org_id = $1", [world.orgId])).toEqual([
        { severity: 2, code: "connection_unusable", subject_id: world.connectionId },
      ]);
      expect(await enrolmentOf(world)).toMatchObject({ state: "waiting", due_at: new Date(addSeconds(noon, 3600)) });
    });
  }
});
