import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sweepOverdue } from "../../src/db/queries/dispatch.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { advanceClock } from "../../src/dispatch/advance-clock.ts";
import { place } from "../../src/dispatch/place.ts";
import { record } from "../../src/dispatch/record.ts";
import { run } from "../../src/dispatch/run.ts";
import { pauseCampaign } from "../../src/domain/campaigns/pause-campaign.ts";
import { resumeCampaign } from "../../src/domain/campaigns/resume-campaign.ts";
import { createConnection } from "../../src/domain/connections/create-connection.ts";
import { deleteConnection } from "../../src/domain/connections/delete-connection.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import { haltForCanary } from "../../src/domain/halts/halt-for-canary.ts";
import { endHalt, halt } from "../../src/domain/halts/halt.ts";
import { acknowledgeNoDnc } from "../../src/domain/policies/acknowledge-no-dnc.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { haltForDnc } from "../../src/domain/scrubs/halt-for-dnc.ts";
import { createSeller } from "../../src/domain/sellers/create-seller.ts";
import { updateSeller } from "../../src/domain/sellers/update-seller.ts";
import { judgeStopCheck } from "../../src/domain/stop-checks/judge-stop-check.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { advanceTestClock } from "../../src/domain/test-clock/advance.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { ok, refuse } from "../../src/lib/result.ts";
import { vendors } from "../../src/providers/vendors.ts";
import type { SimulatorClock } from "../../src/providers/simulator-clock.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testNumbers as numbers } from "../support/peppers.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { addCampaign, decideDue, mint, mintOne } from "./mint.ts";
import { endedReport } from "./provider-ledger.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

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
  /** Which of dispatch.md's list "what bumps which row" it is. */
  readonly of: string;
  readonly name: string;
  readonly act: (world: World) => Promise<unknown>;
  /** What must be there before the permit. */
  readonly arrange?: (world: World) => Promise<unknown>;
  /** Comes of an attempt, so that there is none to make it before the permit. */
  readonly needsAttempt?: true;
  /** Where the attempt ends beside `cancelled`: a stop says why itself. */
  readonly reason?: string;
}
const e164Of = async (world: World): Promise<string> =>
  (await world.sql<{ e164: string }>("select e164 from leads where org_id = $1", [world.orgId]))[0]?.e164 ?? "";
const dncOf = async (world: World): Promise<string> =>
  (await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]))[0]?.id ?? "";
const grant = {
  obtained_at: { given: "2026-11-01", utc: "2026-11-01T00:00:00Z", earliest: "2026-10-31T10:00:00Z", latest: "2026-11-01T12:00:00Z" },
  basis: "pec", purpose: "informational", source: "api", text: null, attested_seller: null, signature: null, page_url: null, ip: null, user_agent: null,
  certificate: null, recording: null,
}; // prettier-ignore
const consent = (kind: string, body: unknown) => (world: World) =>
  recordConsent(world.org, { numbers, packs }, { leadId: world.leadIds[0] as string }, { kind, body } as never);
const scrubbed =
  (list: string, kind: "do_not_call" | "line_type", result: "clear" | "listed" | "unknown") => async (world: World) => {
    const answer = { id: newId(), personId: world.personIds[0] as string, list, kind, result, listVersionAt: noon };
    const run = { runId: newId(), connectionId: await dncOf(world), responseDigest: "\\x00", answers: [answer], leads: [] };
    await world.org.query(recordScrubs(run));
  };
const pendingSince = (seconds: number) => (world: World) =>
  world.sql("update persons set stop_check = 'pending', stop_check_since = $2 where org_id = $1", [
    world.orgId,
    addSeconds(noon, -seconds),
  ]);
const platformHalt = (reason: string, states: readonly string[] | null) => (world: World) =>
  world.sql("insert into platform_halts (id, reason, states, since, by, note) values ($1, $2, $3, $4, 'operator', 'x')", [
    newId(),
    reason,
    states,
    noon,
  ]);
const protectLine = (world: World) =>
  world.sql(
    `insert into protected_lines (e164_hmac, id, pepper_version, kind, source, recorded_at)
       select e164_hmac, id, 1, 'hospital', 'operator', $2 from persons where org_id = $1 and id = $3`,
    [world.orgId, noon, world.personIds[0]],
  );
const connect = async (world: World, vendor: "http_dnc" | "retell", config: Record<string, unknown>) =>
  createConnection(world.org, async () => ({}), vendors[vendor] as NonNullable<(typeof vendors)[string]>, {
    vendor, name: "x", config, credential: {}, inboxKeeps: "raw", maxConcurrency: 1, callsPerSecond: 1,
  }); // prettier-ignore

const changes: readonly Change[] = [
  {
    row: "person",
    of: "suppression",
    name: "a suppression",
    reason: "suppressed",
    act: async (world) =>
      suppressNumbers(world.org, numbers, [await e164Of(world)], { source: "api", byOrg: true, note: null, attemptId: null }),
  },
  { row: "person", of: "consent", name: "a revocation", reason: "consent_revoked", act: consent("revocation", { given: "x" }) },
  { row: "person", of: "consent", name: "a grant", act: consent("grant", grant) },
  { row: "person", of: "relationship", name: "a relationship", act: consent("relationship", { kind: "purchase", at: noon }) },
  { row: "person", of: "lift", name: "a lift", act: consent("lift", { by: "Dana", reason: "x" }) },
  {
    row: "person",
    of: "scrub",
    name: "a scrub that turned to listed",
    reason: "dnc_listed",
    act: scrubbed("national", "do_not_call", "listed"),
  },
  { row: "person", of: "scrub", name: "a scrub that knows nothing", act: scrubbed("national", "do_not_call", "unknown") },
  {
    row: "person",
    of: "number facts",
    name: "a landline that is a mobile now",
    arrange: scrubbed("wireless", "line_type", "clear"),
    act: scrubbed("wireless", "line_type", "listed"),
  },
  {
    row: "person",
    of: "stop check",
    name: "a stop check that went missing",
    act: async (world) => {
      await pendingSince(86_400)(world);
      await world.org.query(sweepOverdue());
    },
  },
  {
    row: "person",
    of: "stop check",
    name: "a stop check that a person judged",
    act: async (world) => {
      await pendingSince(90_000)(world);
      await judgeStopCheck(world.org, world.personIds[0] as string, { verdict: "clear", judgedBy: "Dana", reason: "x" });
    },
  },
  {
    row: "org",
    of: "pauses and kill switches",
    name: "the org's halt",
    act: (world) => halt(world.org, { reason: "org_halted", note: "stop" }),
  },
  {
    row: "org",
    of: "pauses and kill switches",
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
  { row: "org", of: "campaign", name: "a campaign's pause", act: (world) => pauseCampaign(world.org, world.campaignId, null) },
  {
    row: "org",
    of: "campaign",
    name: "another campaign's resume",
    act: async (world) => {
      const other = await addCampaign(world);
      await world.sql("update campaigns set status = 'paused' where org_id = $1 and id = $2", [world.orgId, other]);
      expect(await resumeCampaign(world.org, other)).toMatchObject({ ok: true });
      await world.sql("update campaigns set status = 'paused' where org_id = $1 and id = $2", [world.orgId, other]);
    },
  },
  { row: "org", of: "policy", name: "the org's policy", act: (world) => updatePolicy(world.org, { gradeFloor: "B" }) },
  {
    row: "org",
    of: "seller",
    name: "a seller",
    act: (world) => updateSeller(world.org, world.sellerId, { tradeNames: ["Acme Moon"] }),
  },
  {
    row: "org",
    of: "seller",
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
  {
    row: "org",
    of: "acknowledgement",
    name: "an acknowledgement",
    act: (world) => acknowledgeNoDnc(world.org, { lists: ["national"], by: "user:x" }),
  },
  {
    row: "org",
    of: "connection",
    name: "a further do-not-call provider",
    act: (world) => connect(world, "http_dnc", { lists: ["national"] }),
  },
  {
    row: "org",
    of: "connection",
    name: "a do-not-call provider that is disconnected",
    act: async (world) => {
      await deleteConnection(world.org, await dncOf(world));
      // What a pause voids is not asked here.
      await world.sql("update campaigns set status = 'running' where org_id = $1", [world.orgId]);
    },
  },
  {
    row: "org",
    of: "incident",
    name: "a do-not-call provider that fails",
    act: async (world) => haltForDnc(world.org, await dncOf(world), "timeout"),
  },
  { row: "org", of: "incident", name: "a canary that was not found", act: (world) => haltForCanary(world.org) },
  {
    row: "org",
    of: "incident",
    name: "the third late ring within an hour",
    needsAttempt: true,
    act: async (world) => {
      await world.org.query({ name: "bind", text: "select 1", params: [] });
      await world.sql(
        `insert into incidents (org_id, id, severity, code, subject_id, opened_at, detail)
           select $1, gen_random_uuid(), 2, 'late_ring', (select id from dial_attempts where org_id = $1 limit 1), $2, '{}' from generate_series(1, 2)`,
        [world.orgId, noon],
      );
      await world.org.rows({ name: "slow_down", text: "select app.slow_down($1)", params: [world.connectionId] });
    },
  },
  {
    row: "platform",
    of: "kill switches over all orgs",
    name: "a halt of the platform",
    act: platformHalt("platform_halted", null),
  },
  { row: "platform", of: "moratorium", name: "a moratorium", act: platformHalt("emergency_moratorium", ["NY"]) },
  { row: "platform", of: "moratorium", name: "a moratorium elsewhere", act: platformHalt("emergency_moratorium", ["AK"]) },
  {
    row: "platform",
    of: "incidents over all orgs",
    name: "an incident of the platform",
    act: platformHalt("incident_open", null),
  },
  {
    row: "platform",
    of: "kill switches over all orgs",
    name: "the end of a halt of the platform",
    arrange: platformHalt("state_halted", ["AK"]),
    act: (world) => world.sql("update platform_halts set ended_at = $1", [noon]),
  },
  {
    row: "platform",
    of: "kill switches over all orgs",
    name: "an entry that is taken away",
    arrange: platformHalt("state_halted", ["AK"]),
    act: (world) => world.sql("delete from platform_halts"),
  },
  { row: "platform", of: "protected lines", name: "a protected line", act: protectLine },
  {
    row: "platform",
    of: "protected lines",
    name: "the end of a protected line",
    arrange: (world) =>
      world.sql(
        "insert into protected_lines (e164_hmac, id, pepper_version, kind, source, recorded_at) values ('\\x01', $1, 1, 'n11', 'x', $2)",
        [newId(), noon],
      ),
    act: (world) => world.sql("truncate protected_lines"),
  },
  {
    row: "platform",
    of: "rule pack",
    name: "a rule pack",
    act: (world) => world.sql("update platform_facts set facts_version = facts_version + 1"),
  },
];

/** dispatch.md, "What bumps which row"; null: nothing in this build writes it. */
const contract: Readonly<Record<Change["row"], Readonly<Record<string, string | null>>>> = {
  person: {
    "lead fields": null, consent: "", relationship: "", lift: "", suppression: "", "stop check": "", scrub: "", "number facts": "",
    attempt: "its own mint moves the version: one live attempt a person", "predial hold": null,
  },
  org: {
    "pauses and kill switches": "", campaign: "", seller: "", attestation: null, policy: "", acknowledgement: "", plan: null, "registry version": null,
    "caller number": null, connection: "", "counsel's position": null, incident: "", "abandonment or disclosure limit": null,
  },
  platform: { "rule pack": "", "protected lines": "", moratorium: "", "incidents over all orgs": "", "kill switches over all orgs": "" },
}; // prettier-ignore

it("every change that the contract names, and that this build can make, is in the table below", () => {
  for (const row of ["person", "org", "platform"] as const) {
    const covered = new Set(changes.filter((change) => change.row === row).map((change) => change.of));
    expect([...covered].toSorted()).toEqual(
      Object.keys(contract[row])
        .filter((of) => contract[row][of] === "")
        .toSorted(),
    );
  }
});

describe("a change of a gate's input voids the permit", () => {
  // What stands over all orgs would stand over the next test's too.
  afterEach(async () => {
    await db.admin("delete from platform_halts");
    await db.admin("delete from protected_lines");
  });
  for (const { row, name, act, arrange, needsAttempt = false, reason = "facts_changed" } of changes) {
    it(`${row}: ${name}, committed between the decision and the call`, async () => {
      const world = await buildWorld(db);
      await arrange?.(world);
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
    // A late ring is an attempt's, and before the record there is none.
    if (needsAttempt) continue;
    it(`${row}: ${name}, committed between the gates and the record of their decision`, async () => {
      const world = await buildWorld(db);
      await arrange?.(world);
      const batch = await decideDue(world);
      expect(batch.decided).toHaveLength(1);
      await act(world);
      const [recorded] = await record(world.org, batch);
      // What closes the enrolment takes the lease with it.
      expect(recorded).toMatchObject({ outcome: reason === "facts_changed" ? "facts_changed" : "lease_lost", permit: null });
      expect(await attemptsOf(world)).toEqual([]);
    });
  }
  it("nor is anything written by a run whose lease has ended, though nobody has claimed since", async () => {
    const world = await buildWorld(db);
    const batch = await decideDue(world);
    await world.sql("update leases set lease_until = clock_timestamp() where org_id = $1", [world.orgId]);
    expect(await record(world.org, batch)).toMatchObject([{ outcome: "lease_lost", permit: null }]);
    expect(await attemptsOf(world)).toEqual([]);
    expect(await world.sql("select 1 from decisions where org_id = $1", [world.orgId])).toEqual([]);
  });
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
