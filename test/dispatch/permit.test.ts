import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sweepOverdue } from "../../src/db/queries/dispatch.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { advanceClock } from "../../src/dispatch/advance-clock.ts";
import { place } from "../../src/dispatch/place.ts";
import { record } from "../../src/dispatch/record.ts";
import { run } from "../../src/dispatch/run.ts";
import { pauseCampaign } from "../../src/domain/campaigns/pause-campaign.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import { endHalt, halt } from "../../src/domain/halts/halt.ts";
import { acknowledgeNoDnc } from "../../src/domain/policies/acknowledge-no-dnc.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { createSeller } from "../../src/domain/sellers/create-seller.ts";
import { updateSeller } from "../../src/domain/sellers/update-seller.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { advanceTestClock } from "../../src/domain/test-clock/advance.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { ok, refuse } from "../../src/lib/result.ts";
import type { SimulatorClock } from "../../src/providers/simulator-clock.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { addCampaign, decideDue, mint, mintOne } from "./mint.ts";
import { endedReport } from "./provider-ledger.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
const packs = await packRefs();
/** 21:00 in New York, where the window of the world's first lead ends. */
const evening = "2026-11-19T02:00:00Z" as Instant;

const attemptsOf = (world: World) =>
  world.sql<{ state: string; reason: string | null; counts: boolean }>(
    "select state, reason, counts from dial_attempts where org_id = $1 order by minted_at, id",
    [world.orgId],
  );
const enrolmentOf = async (world: World) =>
  (
    await world.sql<{ state: string; reason: string; due_at: Date }>(
      "select state, reason, due_at from enrolments where org_id = $1 and campaign_id = $2",
      [world.orgId, world.campaignId],
    )
  )[0];
const unspent = (world: World) => world.sql("select 1 from permits where org_id = $1 and consumed_at is null", [world.orgId]);

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

interface Change {
  readonly row: "person" | "org" | "platform";
  readonly name: string;
  readonly act: (world: World) => Promise<unknown>;
  /** Where the attempt ends beside `cancelled`: a stop says why itself. */
  readonly reason?: string;
}
const e164Of = async (world: World): Promise<string> =>
  (await world.sql<{ e164: string }>("select e164 from leads where org_id = $1", [world.orgId]))[0]?.e164 ?? "";
const grant = {
  obtained_at: { given: "2026-11-01", utc: "2026-11-01T00:00:00Z", earliest: "2026-10-31T10:00:00Z", latest: "2026-11-01T12:00:00Z" },
  basis: "pec", purpose: "informational", source: "api", text: null, attested_seller: null, signature: null, page_url: null, ip: null, user_agent: null,
  certificate: null, recording: null,
}; // prettier-ignore
const scrubbed = (world: World, result: "listed" | "unknown") =>
  world.org.query(
    recordScrubs({
      runId: newId(),
      connectionId: world.connectionId,
      responseDigest: "\\x00",
      answers: [
        {
          id: newId(),
          personId: world.personIds[0] as string,
          list: "national",
          kind: "do_not_call",
          result,
          listVersionAt: noon,
        },
      ],
      leads: [],
    }),
  );
const changes: readonly Change[] = [
  {
    row: "person",
    name: "a suppression",
    reason: "suppressed",
    act: async (world) =>
      suppressNumbers(world.org, numbers, [await e164Of(world)], { source: "api", byOrg: true, note: null, attemptId: null }),
  },
  {
    row: "person",
    name: "a revocation",
    reason: "consent_revoked",
    act: (world) =>
      recordConsent(
        world.org,
        { numbers, packs },
        { leadId: world.leadIds[0] as string },
        { kind: "revocation", body: { given: "x" } as never },
      ),
  },
  {
    row: "person",
    name: "a grant",
    act: (world) =>
      recordConsent(
        world.org,
        { numbers, packs },
        { leadId: world.leadIds[0] as string },
        { kind: "grant", body: grant as never },
      ),
  },
  { row: "person", name: "a scrub that turned to listed", reason: "dnc_listed", act: (world) => scrubbed(world, "listed") },
  { row: "person", name: "a scrub without a usable answer", act: (world) => scrubbed(world, "unknown") },
  {
    row: "person",
    name: "a stop check that went missing",
    act: async (world) => {
      await world.sql(
        "update persons set stop_check = 'pending', stop_check_since = $2::timestamptz - interval '24 h' where org_id = $1",
        [world.orgId, noon],
      );
      await world.org.query(sweepOverdue());
    },
  },
  { row: "org", name: "the org's halt", act: (world) => halt(world.org, { reason: "org_halted", note: "stop" }) },
  {
    row: "org",
    name: "the end of a halt",
    act: async (world) => {
      const id = newId();
      await world.sql(
        "insert into halts (org_id, id, reason, target, since, by, note) values ($1, $2, 'state_halted', 'AK', $3, 'user:x', 'x')",
        [world.orgId, id, noon],
      );
      await endHalt(world.org, id);
    },
  },
  { row: "org", name: "a campaign's pause", act: (world) => pauseCampaign(world.org, world.campaignId, null) },
  { row: "org", name: "the org's policy", act: (world) => updatePolicy(world.org, { gradeFloor: "B" }) },
  { row: "org", name: "a seller", act: (world) => updateSeller(world.org, world.sellerId, { tradeNames: ["Acme Moon"] }) },
  {
    row: "org",
    name: "a further seller",
    act: (world) =>
      createSeller(world.org, {
        registeredName: "B",
        tradeNames: [],
        address: null,
        doNotCallNumber: null,
        san: null,
        sanAreaCodes: [],
      }),
  },
  { row: "org", name: "an acknowledgement", act: (world) => acknowledgeNoDnc(world.org, { lists: ["national"], by: "user:x" }) },
  {
    row: "platform",
    name: "an entry of the platform's operators",
    act: (world) => world.sql("update platform_facts set facts_version = facts_version + 1"),
  },
];

describe("a change of a gate's input voids the permit", () => {
  for (const { row, name, act, reason = "facts_changed" } of changes) {
    it(`${row}: ${name}, committed between the decision and the call`, async () => {
      const world = await buildWorld(db);
      const permit = await mintOne(world);
      await act(world);
      expect(await place(world.deps, world.org, permit)).toBe("cancelled");
      expect(world.voice.placed).toEqual([]);
      expect(await attemptsOf(world)).toEqual([{ state: "cancelled", reason, counts: false }]);
      expect(await unspent(world)).toEqual([]);
      expect((await enrolmentOf(world))?.state).toBe(
        reason === "facts_changed" ? "waiting" : reason === "dnc_listed" ? "held" : "done",
      );
    });
    it(`${row}: ${name}, committed between the gates and the record of their decision`, async () => {
      const world = await buildWorld(db);
      const batch = await decideDue(world);
      expect(batch.decided).toHaveLength(1);
      await act(world);
      const [recorded] = await record(world.org, batch);
      // What closes the enrolment takes the lease with it.
      expect(recorded).toMatchObject({ outcome: reason === "facts_changed" ? "facts_changed" : "lease_lost", permit: null });
      expect(await attemptsOf(world)).toEqual([]);
    });
  }
  it("a single call's decision is voided the same way, though it holds no lease", async () => {
    const world = await buildWorld(db, { enrol: false });
    const org = world.org;
    const asked = { leadId: world.leadIds[0] as string, campaignId: world.campaignId };
    const packsOnce = world.deps.desk.packs;
    let suppressed = false;
    // The opt-out commits while the gates are being asked.
    const desk = {
      ...world.deps.desk,
      packs: async () => {
        if (!suppressed)
          await suppressNumbers(org, numbers, [await e164Of(world)], {
            source: "api",
            byOrg: false,
            note: null,
            attemptId: null,
          });
        suppressed = true;
        return packsOnce();
      },
    };
    expect(await callNow({ ...world.deps, desk }, org, asked)).toMatchObject({
      kind: "refused",
      recorded: { outcome: "facts_changed", decision: { verdict: "allow" } },
    });
    expect(await callNow(world.deps, org, asked)).toMatchObject({
      kind: "refused",
      recorded: { outcome: "refused", decision: { reason_codes: ["suppressed"] } },
    });
    expect(world.voice.placed).toEqual([]);
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

describe("the test clock", () => {
  const simulatorOf = (events: readonly Instant[], onStop: (at: Instant) => Promise<unknown> = async () => undefined) => {
    const stops: Instant[] = [];
    const simulator: Pick<SimulatorClock, "next" | "advance"> = {
      next: async () => ok({ now: stops.at(-1) ?? noon, nextEventAt: events.find((at) => at > (stops.at(-1) ?? noon)) ?? null }),
      advance: async (_account, to) => {
        stops.push(to);
        await onStop(to);
        return ok({ now: to, nextEventAt: null });
      },
    };
    return { simulator, stops };
  };
  const clockOf = async (world: World) =>
    (
      await world.sql<{ now: Date; status: string; status_reason: string | null; target: Date | null }>(
        "select now, status, status_reason, target from test_clocks where org_id = $1",
        [world.orgId],
      )
    )[0];

  it("ends every unspent permit when it moves", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    await world.sql("update campaigns set status = 'paused' where org_id = $1", [world.orgId]);
    await advanceTestClock(world.org, { seconds: 1 });
    expect(await advanceClock(world.deps, simulatorOf([]).simulator, world.org, 60)).toBe("done");
    expect(await attemptsOf(world)).toEqual([{ state: "expired", reason: "clock_advanced", counts: false }]);
    expect(await unspent(world)).toEqual([]);
    expect(await place(world.deps, world.org, permit)).toBe("expired");
    expect(world.voice.placed).toEqual([]);
  });
  it("stops at every event in order, and what happened there is applied before it moves on", async () => {
    const world = await buildWorld(db);
    const [first, second] = [addSeconds(noon, 40), addSeconds(noon, 90)];
    const states: string[] = [];
    const { simulator, stops } = simulatorOf([first, second], async (at) => {
      const [attempt] = await world.sql<{ id: string; state: string }>("select id, state from dial_attempts where org_id = $1", [
        world.orgId,
      ]);
      states.push(`${at} ${attempt?.state}`);
      if (at !== first || attempt === undefined) return;
      const report = endedReport(publicId("attempt", attempt.id));
      await world.sql(
        `insert into webhook_inbox (org_id, id, connection_id, dedupe_key, type, provider_call_id, received_at, body_digest, body, report, state)
           values ($1, $2, $3, 'k', 'call_ended', $4, now(), '\\x00', '{}', $5, 'pending')`,
        [world.orgId, newId(), world.connectionId, report.providerCallId, JSON.stringify(report)],
      );
    });
    await advanceTestClock(world.org, { seconds: 600 });
    expect(await advanceClock(world.deps, simulator, world.org, 60)).toBe("done");
    expect(stops).toEqual([first, second, addSeconds(noon, 600)]);
    expect(states).toEqual([`${first} placed`, `${second} completed`, `${addSeconds(noon, 600)} completed`]);
    expect(await clockOf(world)).toEqual({
      now: new Date(addSeconds(noon, 600)),
      status: "ready",
      status_reason: null,
      target: null,
    });
  });
  it("stops where a window opens, so that the lead is dialed at its first second", async () => {
    const opening = "2026-11-19T13:00:00Z" as Instant;
    const world = await buildWorld(db, { now: addSeconds(opening, -1800) });
    const { simulator, stops } = simulatorOf([]);
    await advanceTestClock(world.org, { seconds: 3600 });
    expect(await advanceClock(world.deps, simulator, world.org, 60)).toBe("done");
    expect(stops[0]).toBe(opening);
    expect(await world.sql("select minted_at from dial_attempts where org_id = $1", [world.orgId])).toEqual([
      { minted_at: new Date(opening) },
    ]);
  });
  it("that its simulator fails is left where it is, and says so", async () => {
    const world = await buildWorld(db, { enrol: false });
    await advanceTestClock(world.org, { seconds: 60 });
    const broken = { next: async () => refuse("timeout"), advance: async () => refuse("timeout") } as Pick<
      SimulatorClock,
      "next" | "advance"
    >;
    expect(await advanceClock(world.deps, broken, world.org, 60)).toBe("done");
    expect(await clockOf(world)).toMatchObject({ status: "failed", status_reason: "timeout", target: null });
  });
  it("is moved by one consumer at a time", async () => {
    const world = await buildWorld(db, { enrol: false });
    await advanceTestClock(world.org, { seconds: 60 });
    const one = simulatorOf([]);
    const other = simulatorOf([]);
    await Promise.all([
      advanceClock(world.deps, one.simulator, world.org, 60),
      advanceClock(world.deps, other.simulator, world.org, 60),
    ]);
    expect([...one.stops, ...other.stops]).toEqual([addSeconds(noon, 60)]);
  });
});
