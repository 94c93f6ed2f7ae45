import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OrgDb } from "../../src/db/org-db.ts";
import { campaignFunnel, type FunnelRow } from "../../src/db/queries/campaigns.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { keepStanding, type StaleRow, takeStaleStanding } from "../../src/db/queries/standing.ts";
import { createConnection } from "../../src/domain/connections/create-connection.ts";
import { deleteConnection } from "../../src/domain/connections/delete-connection.ts";
import { type ConsentEventInput, recordConsent } from "../../src/domain/consent/record-consent.ts";
import { acknowledgeNoDnc } from "../../src/domain/policies/acknowledge-no-dnc.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { updateSeller } from "../../src/domain/sellers/update-seller.ts";
import { judgeStale } from "../../src/domain/standing/judge-stale.ts";
import { judgeStopCheck } from "../../src/domain/stop-checks/judge-stop-check.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { restoreResults } from "../../src/domain/decisions/stored-results.ts";
import { standingGates } from "../../src/gates/registry.ts";
import { record as commitDecisions } from "../../src/dispatch/record.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, daySeconds, type Instant, instantOf } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { endedReport } from "../dispatch/provider-ledger.ts";
import { addCampaign, claimDue, decideDue } from "../dispatch/mint.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World, type WorldOptions } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());

const judge = (world: World, org: OrgDb = world.org) => judgeStale(world.deps.desk, org, () => false);
async function judged(options: WorldOptions = {}): Promise<World> {
  const world = await buildWorld(db, options);
  expect(await judge(world)).toEqual({ kept: options.leads ?? 1, ends: "done" });
  return world;
}

interface Place {
  readonly lead_id: string;
  readonly standing: readonly { gate: string; verdict: string; reason_code: string }[] | null;
  readonly valid_until: string | null;
}
const places = (world: World) =>
  world.sql<Place>(
    "select lead_id, standing, app.rfc3339(standing_valid_until) as valid_until from enrolments where org_id = $1 order by lead_id",
    [world.orgId],
  );
const reasonsOf = (place: Place | undefined) =>
  Object.fromEntries((place?.standing ?? []).map(({ gate, reason_code }) => [gate, reason_code]));
const funnel = async (world: World) => {
  const rows = await world.org.rows<FunnelRow>(campaignFunnel(world.campaignId));
  const count = (part: string, name: string) => rows.find((row) => row.part === part && row.name === name)?.count ?? 0;
  return {
    current: count("standing_age", "current"),
    stale: count("standing_age", "stale"),
    unjudged: count("standing_age", "unjudged"),
    callable: count("callable", "open") + count("callable", "closed"),
    open: count("callable", "open"),
    gates: Object.fromEntries(
      rows.flatMap((row) => (row.part === "standing" ? [[`${row.name} ${row.verdict} ${row.reason}`, row.count]] : [])),
    ),
  };
};
const isDue = async (world: World) =>
  (await world.system.dueOrgs("standing", instantOf(Date.now() / 1000 + 1), 1_000)).includes(world.orgId);
const scrub = (world: World, personIds: readonly string[], result: "clear" | "listed" | "unknown") =>
  world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]).then(([dnc]) =>
    world.org.query(
      recordScrubs({
        runId: newId(), connectionId: dnc?.id ?? "", responseDigest: "\\x00", leads: [],
        answers: personIds.map((personId) => ({ id: newId(), personId, list: "national", kind: "do_not_call", result, listVersionAt: noon })),
      }),
    ),
  ); // prettier-ignore
async function record(world: World, event: ConsentEventInput) {
  const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
  const deps = { numbers, packs: await world.deps.desk.packs() };
  return recordConsent(world.org, deps, { leadId: world.leadIds[0] as string }, event);
}
const allows = { consent: "consent_valid", suppression: "not_suppressed", dnc: "dnc_clear", number: "reassigned_unchecked" };

describe("standing results", () => {
  test("of who has just been enrolled are computed by the dial's own gates: a decision leaves the same", async () => {
    const world = await buildWorld(db, { leads: 7 });
    await scrub(world, [world.personIds[1] as string], "listed");
    await scrub(world, [world.personIds[2] as string], "unknown");
    await world.sql("update enrolments set state = 'waiting', reason = null where org_id = $1", [world.orgId]);
    expect(await funnel(world)).toMatchObject({ unjudged: 7, current: 0, callable: 0, gates: {} });
    expect(await isDue(world)).toBe(true);
    await judge(world);
    const ahead = await places(world);
    expect(await isDue(world)).toBe(false);
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(5);
    const decided = await world.sql<{ lead_id: string; results: string }>(
      "select lead_id, results from decisions where org_id = $1 order by lead_id",
      [world.orgId],
    );
    const standing = new Set(standingGates.map((gate) => gate.name));
    const said = decided.map(({ lead_id: lead, results }) => ({
      lead,
      reasons: Object.fromEntries(
        restoreResults(results).flatMap(({ gate, reason_code }) => (standing.has(gate) ? [[gate, reason_code]] : [])),
      ),
    }));
    expect(ahead.map((place) => ({ lead: place.lead_id, reasons: reasonsOf(place) }))).toEqual(said);
    expect(await places(world)).toEqual(ahead);
    const first = ahead.find((place) => place.lead_id === world.leadIds[0]);
    expect(reasonsOf(first)).toEqual(allows);
    expect(first?.valid_until).not.toBeNull();
  });

  test("are counted by gate and reason, refusals too, and joined to the windows that are open now", async () => {
    const world = await judged({ leads: 6 });
    await scrub(world, world.personIds.slice(0, 2), "listed");
    await judge(world);
    await run(world.deps, world.org, 0);
    const shut = await funnel(world);
    expect(shut).toMatchObject({ current: 6, stale: 0, unjudged: 0, callable: 4, open: 0 });
    expect(shut.gates).toMatchObject({
      "dnc block dnc_national_listed": 2,
      "dnc allow dnc_clear": 4,
      "consent allow consent_valid": 6,
    });
    await claimDue(world);
    expect(await funnel(world)).toMatchObject({ callable: 4, open: 4 });
    await world.sql("update hour_profiles set next_change_at = '2026-01-01' where org_id = $1", [world.orgId]);
    expect(await funnel(world), "a window whose edge has passed is not known to be open").toMatchObject({ callable: 4, open: 0 });
  });

  test("are stale from their valid_until on, by the org's clock, and then judged again", async () => {
    const world = await judged({ leads: 3 });
    const [place] = await places(world);
    const until = place?.valid_until as Instant;
    await world.setClock(addSeconds(until, -1));
    expect(await funnel(world)).toMatchObject({ current: 3, stale: 0 });
    expect(await isDue(world)).toBe(false);
    await world.setClock(until);
    expect(await funnel(world)).toMatchObject({ current: 0, stale: 3, callable: 0 });
    expect(await isDue(world)).toBe(true);
    expect(await judge(world)).toMatchObject({ kept: 3 });
    expect(reasonsOf((await places(world))[0])).toEqual({ ...allows, dnc: "scrub_stale" });
    expect(await funnel(world)).toMatchObject({ current: 3, stale: 0, callable: 0 });
  });

  test("of a campaign that comes later are its own", async () => {
    const world = await judged({ leads: 2 });
    const other = await addCampaign(world);
    const seller = newId();
    await world.sql(
      "insert into sellers (org_id, id, registered_name, trade_names, san_area_codes, created_at) values ($1, $2, 'Other LLC', '{}', '{}', $3)",
      [world.orgId, seller, noon],
    );
    await world.sql("update campaigns set seller_id = $3 where org_id = $1 and id = $2", [world.orgId, other, seller]);
    expect(await judge(world)).toMatchObject({ kept: 2 });
    const reasons = (await places(world)).map((place) => reasonsOf(place)["consent"] ?? "");
    expect(reasons.toSorted()).toEqual(["consent_scope_mismatch", "consent_scope_mismatch", "consent_valid", "consent_valid"]);
  });
});

describe("a write that changes one person's facts makes their results stale at once, and nobody else's", () => {
  const grant: ConsentEventInput = {
    kind: "grant",
    body: {
      obtained_at: { given: "2026-11-01T00:00:00Z", utc: "2026-11-01T00:00:00Z", earliest: "2026-11-01T00:00:00Z", latest: "2026-11-01T00:00:00Z" },
      basis: "pec", purpose: "informational", source: "api", text: null, attested_seller: null, signature: null, page_url: null, ip: null, user_agent: null,
      certificate: null, recording: null,
    },
  } as unknown as ConsentEventInput; // prettier-ignore
  const writes: Record<string, (world: World) => Promise<unknown>> = {
    "a grant": (world) => record(world, grant),
    "a lift": (world) => record(world, { kind: "lift", body: { by: "Dana", reason: "x" } } as unknown as ConsentEventInput),
    "a relationship": (world) => record(world, { kind: "relationship", body: { kind: "purchase", at: noon } } as unknown as ConsentEventInput),
    "a clear scrub, which raises no version": (world) => scrub(world, [world.personIds[0] as string], "clear"),
    "an unknown scrub": (world) => scrub(world, [world.personIds[0] as string], "unknown"),
    "a listed scrub": (world) => scrub(world, [world.personIds[0] as string], "listed"),
    "another state of the lead": async (world) =>
      world.org.rows({ name: "lead", text: "update leads l set state = 'CO' where l.org_id = (select app.org()) and l.id = $1", params: [world.leadIds[0]] }),
    "a suppression that leaves the place open": async (world) =>
      world.org.rows({
        name: "suppress",
        text: "insert into suppressions (org_id, id, person_id, source, by_org, recorded_at) values ((select app.org()), $1, $2, 'bulk_file', true, app.now())",
        params: [newId(), world.personIds[0]],
      }),
  }; // prettier-ignore
  test.each(Object.keys(writes))("%s", async (name) => {
    const world = await judged({ leads: 4 });
    const rowsBefore = await world.sql<{ person_id: string; xmin: string }>(
      "select person_id, xmin::text from enrolments where org_id = $1 order by id",
      [world.orgId],
    );
    await (writes[name] as (world: World) => Promise<unknown>)(world);
    expect(await funnel(world)).toMatchObject({ current: 3, stale: 1 });
    expect(await isDue(world)).toBe(true);
    expect((await judge(world)).kept).toBeGreaterThan(0);
    expect(await funnel(world)).toMatchObject({ current: 4, stale: 0 });
    expect(await world.sql("select 1 from standing_marks where org_id = $1", [world.orgId])).toEqual([]);
    const rows = await world.sql<{ person_id: string; xmin: string }>(
      "select person_id, xmin::text from enrolments where org_id = $1 order by id",
      [world.orgId],
    );
    const touched = rows.filter((row, at) => row.xmin !== rowsBefore[at]?.xmin).map((row) => row.person_id);
    expect(touched).toEqual([world.personIds[0]]);
  });

  test("a stop check: pending, missing, and a person's judgement", async () => {
    const world = await judged();
    await run(world.deps, world.org, 20);
    const [attempt] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [world.orgId]);
    await addCampaign(world);
    await judge(world);
    const says = async () => (await places(world)).map((place) => reasonsOf(place)["suppression"]);
    const keep = { keep_transcripts: true, keep_recordings: true };
    const silent = { transcript: null, recordingRef: null, final: false };
    await settle(world.org, world.connectionId, endedReport(publicId("attempt", attempt?.id ?? ""), silent), keep);
    await judge(world);
    expect(await says()).toContain("stop_check_pending");
    await world.setClock(addSeconds(noon, 2 * daySeconds));
    await reconcile(world.deps, world.org);
    await judge(world);
    expect(await says()).toContain("stop_check_missing");
    await judgeStopCheck(world.org, world.personIds[0] as string, { verdict: "clear", judgedBy: "Dana", reason: "x" });
    await judge(world);
    expect(await says()).toEqual(["not_suppressed", "not_suppressed"]);
  });
});

describe("a change of the whole org makes all of its results stale in one row, and the job carries it to each", () => {
  const seal = async () => ({});
  const dnc = vendors["http_dnc"];
  const changes: Record<string, [(world: World) => Promise<unknown>, Record<string, string>]> = {
    "a policy": [(world) => updatePolicy(world.org, { gradeFloor: "A" }), { ...allows, consent: "consent_grade_too_low" }],
    "a seller's name": [
      (world) => updateSeller(world.org, world.sellerId, { registeredName: "Other LLC", tradeNames: [] }),
      { consent: "consent_scope_mismatch", suppression: "not_suppressed", dnc: "dnc_clear", number: "reassigned_unchecked" },
    ],
    "an acknowledgement": [(world) => acknowledgeNoDnc(world.org, { lists: ["national"], by: "Dana" }), allows],
    "a further source of lists": [
      (world) =>
        createConnection(world.org, seal, dnc as NonNullable<typeof dnc>, {
          vendor: "http_dnc", name: "x", config: { lists: ["national"] }, credential: {}, inboxKeeps: "raw", maxConcurrency: 1, callsPerSecond: 1,
        }),
      allows,
    ],
    "a source that is gone": [
      async (world) => {
        const [row] = await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]);
        return deleteConnection(world.org, row?.id ?? "");
      },
      { ...allows, dnc: "scrub_missing" },
    ],
    "a rule pack or anything else of the platform": [
      (world) => world.sql("update platform_facts set facts_version = facts_version + 1"),
      allows,
    ],
  }; // prettier-ignore
  test.each(Object.keys(changes))("%s", async (name) => {
    const [change, reasons] = changes[name] as (typeof changes)[string];
    const world = await judged({ leads: 30 });
    await world.sql(
      "update enrolments set state = 'done' where org_id = $1 and id in (select id from enrolments where org_id = $1 limit 5)",
      [world.orgId],
    );
    await change(world);
    expect(await world.sql("select 1 from standing_marks where org_id = $1", [world.orgId])).toEqual([]);
    expect(await funnel(world)).toMatchObject({ current: 0, stale: 25, callable: 0 });
    expect(await isDue(world)).toBe(true);
    expect(await judge(world)).toEqual({ kept: 50, ends: "done" });
    expect(await funnel(world)).toMatchObject({ current: 25, stale: 0 });
    expect(await isDue(world)).toBe(false);
    const [open] = await world.sql<Place>("select standing from enrolments where org_id = $1 and state <> 'done' limit 1", [
      world.orgId,
    ]);
    expect(reasonsOf(open)).toEqual(reasons);
  });

  test("what no standing gate reads makes none stale", async () => {
    const world = await judged({ leads: 3 });
    await updatePolicy(world.org, { maxConcurrency: 7, attemptsMax: 3, recallGapSeconds: 60 });
    expect(await funnel(world)).toMatchObject({ current: 3, stale: 0 });
    expect(await isDue(world)).toBe(false);
  });
});

describe("the job", () => {
  test("works on what is stale, not on what is stored: two requests a batch of at most 500, and one to see that it is done", async () => {
    const world = await buildWorld(db, { leads: 1_300 });
    const before = db.endpoint.requests().total;
    expect(await judge(world)).toEqual({ kept: 1_300, ends: "done" });
    expect(db.endpoint.requests().total - before).toBeLessThanOrEqual(2 * 4 + 1);
    await scrub(world, world.personIds.slice(0, 3), "clear");
    const once = db.endpoint.requests().total;
    await judge(world);
    expect(db.endpoint.requests().total - once).toBe(3);
    const idle = db.endpoint.requests().total;
    await judge(world);
    expect(db.endpoint.requests().total - idle).toBe(1);
    await updatePolicy(world.org, { gradeFloor: "B" });
    const swept = db.endpoint.requests().total;
    expect(await judge(world)).toEqual({ kept: 2_600, ends: "done" });
    expect(db.endpoint.requests().total - swept).toBeLessThanOrEqual(2 * 4 + 1);
    expect(await funnel(world)).toMatchObject({ current: 1_300, stale: 0 });
  }, 60_000);

  test("ends in time, having kept what it judged, and goes on from there", async () => {
    const world = await buildWorld(db, { leads: 1_100 });
    let asked = 0;
    expect(await judgeStale(world.deps.desk, world.org, () => (asked += 1) > 1)).toMatchObject({ ends: "again" });
    const { current, unjudged } = await funnel(world);
    expect(current).toBeGreaterThan(450);
    expect(current + unjudged).toBe(1_100);
    await judge(world);
    expect(await funnel(world)).toMatchObject({ current: 1_100 });
  }, 60_000);

  test("dials nothing, mints nothing, raises no version and leaves no decision", async () => {
    const world = await buildWorld(db, { leads: 5 });
    const state = () =>
      world.sql(
        `select (select facts_version from org_facts where org_id = $1) as org, (select array_agg(facts_version order by id) from persons where org_id = $1) as persons,
           (select count(*) from decisions where org_id = $1) as decisions, (select count(*) from dial_attempts where org_id = $1) as attempts,
           (select count(*) from permits where org_id = $1) as permits, (select seq from audit.head where org_id = $1) as entries,
           (select array_agg((state, reason, due_at) order by id) from enrolments where org_id = $1) as queue`,
        [world.orgId],
      );
    const before = await state();
    await scrub(world, world.personIds, "clear");
    await judge(world);
    expect(await state()).toEqual(before);
    expect(world.voice.placed).toHaveLength(0);
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(5);
  });

  test("leaves another org's results alone, and its own room to it", async () => {
    const [one, other] = [await buildWorld(db, { leads: 2 }), await buildWorld(db, { leads: 2 })];
    await judge(one);
    expect(await funnel(one)).toMatchObject({ current: 2 });
    expect(await funnel(other)).toMatchObject({ unjudged: 2 });
  });
});

describe("a result that was computed from older facts", () => {
  const take = async (world: World) => world.org.rows<StaleRow>(takeStaleStanding(500));
  /** As a slow job would, with what it took a while ago. */
  const keepLate = async (world: World, rows: readonly StaleRow[]) => {
    const [row] = rows as [StaleRow];
    const statement = keepStanding({
      orgVersion: row.org_version,
      platformVersion: row.platform_version,
      persons: rows.flatMap(({ mark, person, person_version: version }) => (mark === null ? [] : [{ id: person, mark, version }])),
      places: rows.map((one) => ({
        enrolmentId: one.enrolment ?? "", rowVersion: one.row_version ?? "", personVersion: one.person_version,
        standing: '[{"gate":"dnc","verdict":"block","reason_code":"of_old"}]', validUntil: null,
      })),
    }); // prettier-ignore
    return Number((await world.org.rows<{ kept: number }>(statement))[0]?.kept);
  };
  const isOld = async (world: World) => JSON.stringify(await places(world)).includes("of_old");
  const meanwhile: Record<string, (world: World) => Promise<unknown>> = {
    "a clear scrub, which raises no version": (world) => scrub(world, world.personIds, "clear"),
    "a scrub that another job has judged already": async (world) => {
      await scrub(world, world.personIds, "clear");
      await judge(world);
    },
    "a fact that raises the person's version": (world) =>
      world.sql("update persons set facts_version = facts_version + 1 where org_id = $1", [world.orgId]),
    "a change of the org": (world) => updatePolicy(world.org, { gradeFloor: "B" }),
    "a change of the platform": (world) => world.sql("update platform_facts set facts_version = facts_version + 1"),
    "a decision": async (world) => {
      await decideDue(world);
      await world.sql("update leases set lease_until = '2026-01-01' where org_id = $1", [world.orgId]);
      await run(world.deps, world.org, 20);
    },
  };
  test.each(Object.keys(meanwhile))("is not kept when meanwhile there was %s", async (name) => {
    const world = await buildWorld(db);
    const rows = await take(world);
    expect(rows).toHaveLength(1);
    await (meanwhile[name] as (world: World) => Promise<unknown>)(world);
    expect(await keepLate(world, rows)).toBe(0);
    expect(await isOld(world)).toBe(false);
    await judge(world);
    expect(reasonsOf((await places(world))[0])).toMatchObject({ dnc: "dnc_clear" });
  });

  test("is kept when nothing moved: the tests above can fail", async () => {
    const world = await buildWorld(db);
    expect(await keepLate(world, await take(world))).toBe(1);
    expect(await isOld(world)).toBe(true);
  });

  test("does not take away a mark that came after it", async () => {
    const world = await judged();
    await scrub(world, world.personIds, "clear");
    const rows = await take(world);
    await scrub(world, world.personIds, "unknown");
    expect(await keepLate(world, rows)).toBe(0);
    expect(await funnel(world)).toMatchObject({ stale: 1 });
    await judge(world);
    expect(reasonsOf((await places(world))[0])).toMatchObject({ dnc: "dnc_unknown" });
  });

  test("is not undone by a decision on older facts that is recorded after it: what is being decided keeps its mark", async () => {
    const world = await judged();
    const batch = await decideDue(world);
    await scrub(world, world.personIds, "unknown");
    expect(await judge(world)).toMatchObject({ kept: 0 });
    await commitDecisions(world.org, batch);
    expect(await funnel(world)).toMatchObject({ stale: 1 });
    await world.sql("update standing_marks set due_at = '2026-01-01' where org_id = $1", [world.orgId]);
    await judge(world);
    expect(reasonsOf((await places(world))[0])).toMatchObject({ dnc: "dnc_unknown" });
  });
});
