/** What bumps which row (dispatch.md): each change of a gate's input voids what was decided before it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sweepOverdue } from "../../src/db/queries/dispatch.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { place } from "../../src/dispatch/place.ts";
import { record } from "../../src/dispatch/record.ts";
import { updateCampaign } from "../../src/domain/campaigns/update-campaign.ts";
import { updateConnection } from "../../src/domain/connections/update-connection.ts";
import { pauseCampaign } from "../../src/domain/campaigns/pause-campaign.ts";
import { resumeCampaign } from "../../src/domain/campaigns/resume-campaign.ts";
import { createConnection } from "../../src/domain/connections/create-connection.ts";
import { deleteConnection } from "../../src/domain/connections/delete-connection.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import { haltForCanary } from "../../src/domain/halts/halt-for-canary.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { halt } from "../../src/domain/halts/halt.ts";
import { acknowledgeNoDnc } from "../../src/domain/policies/acknowledge-no-dnc.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { haltForDnc } from "../../src/domain/scrubs/halt-for-dnc.ts";
import { createSeller } from "../../src/domain/sellers/create-seller.ts";
import { updateSeller } from "../../src/domain/sellers/update-seller.ts";
import { judgeStopCheck } from "../../src/domain/stop-checks/judge-stop-check.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testNumbers as numbers } from "../support/peppers.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { addCampaign, decideDue, mintOne } from "./mint.ts";
import { attemptsOf, enrolmentOf, unspent } from "./looks.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const packs = await packRefs();

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
  (
    list: string,
    kind: "do_not_call" | "line_type",
    result: "clear" | "listed" | "unknown",
    listVersionAt: Instant | null = noon,
  ) =>
  async (world: World) => {
    const answer = { id: newId(), personId: world.personIds[0] as string, list, kind, result, listVersionAt };
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
    of: "scrub",
    name: "a clear scrub of an older list than the one before it",
    act: scrubbed("national", "do_not_call", "clear", addSeconds(noon, -86_401)),
  },
  {
    row: "person",
    of: "scrub",
    name: "a clear scrub of a list without a date",
    act: scrubbed("national", "do_not_call", "clear", null),
  },
  {
    row: "person",
    of: "scrub",
    name: "a clear scrub that says when it was made, and is older than the one before it",
    arrange: (world) => world.sql("update scrubs set scrubbed_at = $2 where org_id = $1", [world.orgId, addSeconds(noon, 1)]),
    act: scrubbed("national", "do_not_call", "clear"),
  },
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
  {
    row: "org",
    of: "campaign",
    name: "a campaign's limit",
    act: (world) => updateCampaign(world.org, { voice: () => null, dnc: () => null }, world.campaignId, { maxConcurrency: 5 }),
  },
  {
    row: "org",
    of: "connection",
    name: "a connection's limit",
    act: (world) => updateConnection(world.org, world.connectionId, { callsPerSecond: 3 }),
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
  it("a clear scrub that is older in nothing changes none", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    await scrubbed("national", "do_not_call", "clear", addSeconds(noon, -86_400))(world);
    await scrubbed("litigator", "do_not_call", "clear", addSeconds(noon, -86_400 * 30))(world);
    expect(await place(world.deps, world.org, permit)).toBe("placed");
  });
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
