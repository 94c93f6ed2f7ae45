import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { place } from "../../src/dispatch/place.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { recordAnswer } from "../../src/db/queries/dispatch.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import type { CallReport } from "../../src/providers/voice/contract.ts";
import { endHalt } from "../../src/domain/halts/halt.ts";
import { retellCall, retellReport } from "../../src/providers/voice/retell-report.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World, type WorldOptions } from "../support/world.ts";
import { mintOne } from "./mint.ts";
import { endedReport } from "./provider-ledger.ts";
import { endWaits } from "./recover.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const keep = { keep_transcripts: true, keep_recordings: true };
const ended = "2026-11-18T18:00:45Z" as Instant;
type Change = Partial<CallReport>;

/** Worlds whose leads are dialed and accepted. */
async function dialed(options: WorldOptions = {}): Promise<World & { attempts: readonly string[] }> {
  const world = await buildWorld(db, options);
  await run(world.deps, world.org, 30);
  const rows = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1 order by id", [world.orgId]);
  return { ...world, attempts: rows.map(({ id }) => id) };
}
const reportOf = (attempt: string, change: Change): CallReport => endedReport(publicId("attempt", attempt), change);
const tell = (world: World, attempt: string, change: Change, kept = keep) =>
  settle(world.org, world.connectionId, reportOf(attempt, change), kept);

const attemptOf = async (world: World, attempt: string) =>
  (
    await world.sql(
      "select state, reason, counts, rang, answered_by_person, stop_reason from dial_attempts where org_id = $1 and id = $2",
      [world.orgId, attempt],
    )
  )[0] ?? {};
const enrolmentOf = async (world: World) =>
  (
    await world.sql<{ state: string; reason: string; due_at: Date }>(
      "select state, reason, due_at from enrolments where org_id = $1 order by id",
      [world.orgId],
    )
  )[0];
const personOf = async (world: World) =>
  (
    await world.sql<{ stop_check: string; stop_check_since: Date | null }>(
      "select p.stop_check, p.stop_check_since from persons p join leads l on l.person_id = p.id where p.org_id = $1",
      [world.orgId],
    )
  )[0];
const incidentsOf = async (world: World) =>
  await world.sql<{ severity: number; code: string }>(
    "select severity, code from incidents where org_id = $1 order by opened_at, code",
    [world.orgId],
  );

const registered: Change = {
  status: "registered",
  disposition: "unknown",
  providerReason: null,
  startedAt: null,
  endedAt: null,
  durationSeconds: null,
  endedBy: "unknown",
  transcript: null,
  recordingRef: null,
  final: false,
};
const started: Change = { ...registered, status: "in_progress", startedAt: "2026-11-18T18:00:05Z" as Instant };
const running: Change = { ...started, durationSeconds: 7 };
const over: Change = { transcript: null, recordingRef: null, final: false };
const analysed: Change = {};
const unexplained: Change = { ...over, disposition: "unknown", providerReason: null, endedBy: "unknown" };
const unanswered: Change = {
  status: "not_connected",
  disposition: "no_answer",
  providerReason: "dial_no_answer",
  startedAt: null,
  durationSeconds: null,
  endedBy: "not_connected",
  transcript: [],
  recordingRef: null,
};
const machine: Change = {
  disposition: "voicemail",
  providerReason: "agent_hangup",
  transcript: [{ role: "person", text: "You have reached Ann, stop by", startSeconds: 0 }],
};
const stop: Change = {
  endedBy: "person",
  providerReason: "user_hangup",
  transcript: [{ role: "person", text: "Please stop calling me!", startSeconds: 3 }],
};

/** Everything of the call, its attempt, person and enrolment, but for ids made up on the way. */
const stateOf = (world: World) =>
  world.sql<Record<string, unknown>>(
    `select a.id, row_to_json(x)::text as state from dial_attempts a cross join lateral (
       select a.state, a.reason, a.rang, a.counts, a.answered_by_person, a.ended_by, a.ended_at, a.provider_call_id is not null as known,
         c.status, c.disposition, c.provider_reason, c.started_at, c.ended_at as call_ended_at, c.duration_seconds, c.ended_by as call_ended_by, c.transcript,
         c.transcript_state, c.recording_ref, c.stop_requested, c.stop_searched, p.stop_check, p.stop_check_since, e.state as enrolment, e.reason as because, e.due_at,
         (select count(*) from suppressions s where s.org_id = a.org_id and s.person_id = a.person_id) as suppressions,
         (select count(*) from incidents i where i.org_id = a.org_id and i.subject_id = a.id) as incidents
       from calls c, persons p, enrolments e where c.org_id = a.org_id and c.attempt_id = a.id and p.org_id = a.org_id and p.id = a.person_id
         and e.org_id = a.org_id and e.id = a.enrolment_id) x
     where a.org_id = $1 order by a.id`,
    [world.orgId],
  );

/** Every order, once: two reports that say the same are the same report. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return [...new Set(items)].flatMap((item) =>
    permutations(items.toSpliced(items.indexOf(item), 1)).map((rest) => [item, ...rest]),
  );
}

describe("reports of one call, in any order", () => {
  const stories: Readonly<Record<string, { reports: readonly Change[]; expected: object }>> = {
    "an answered call, told six times": {
      reports: [registered, started, running, over, analysed, over],
      expected: {
        state: "completed",
        reason: "answered",
        stop_check: "clear",
        enrolment: "done",
        duration_seconds: 40,
        transcript_state: "kept",
        suppressions: 0,
      },
    },
    "a call that was a machine after all": {
      reports: [started, over, machine, unexplained],
      expected: { state: "completed", reason: "voicemail", stop_check: "clear", answered_by_person: false, enrolment: "done" },
    },
    "a call in which the person says stop": {
      reports: [registered, started, over, stop],
      expected: {
        state: "completed",
        reason: "answered",
        stop_check: "clear",
        suppressions: 1,
        enrolment: "done",
        because: "opted_out",
      },
    },
    "a call that nobody answered": {
      reports: [registered, unanswered, unanswered],
      expected: { state: "failed", reason: "no_answer", counts: true, enrolment: "waiting", because: "no_answer" },
    },
    "a call of whose end two stories are told": {
      reports: [registered, unexplained, unanswered],
      expected: { state: "completed", reason: "no_answer", stop_check: "clear", enrolment: "waiting", because: "no_answer" },
    },
    "an answered call whose words never come": {
      reports: [registered, started, over],
      expected: { state: "completed", reason: "answered", stop_check: "pending", enrolment: "done" },
    },
  };
  for (const [name, { reports, expected }] of Object.entries(stories)) {
    it(
      `${name}: every order of its ${reports.length} reports ends in the same state, and a replay changes nothing`,
      { timeout: 240_000 },
      async () => {
        const orders = permutations(reports);
        const world = await dialed({ leads: orders.length });
        expect(world.attempts).toHaveLength(orders.length);
        for (const [index, order] of orders.entries())
          for (const change of order) await tell(world, world.attempts[index] as string, { ...change });
        const ends = await stateOf(world);
        const bare = ends.map(({ state }) => String(state).replaceAll(/att_\w+|attempt_\w+/g, "id"));
        expect(new Set(bare).size).toBe(1);
        expect(JSON.parse(String(ends[0]?.["state"]))).toMatchObject(expected);
        for (const [index, order] of orders.slice(0, 20).entries())
          for (const change of order) await tell(world, world.attempts[index] as string, { ...change });
        expect(await stateOf(world)).toEqual(ends);
      },
    );
  }
});

/** No dial over the world's connection is decided, or left, until a person ends the incident's halt. */
async function expectHalted(world: World): Promise<void> {
  const halts = await world.sql<{ id: string; reason: string; target_id: string }>(
    "select h.id, h.reason, h.target_id from halts h join incidents i on i.org_id = h.org_id and i.halt_id = h.id where h.org_id = $1",
    [world.orgId],
  );
  expect(halts).toMatchObject([{ reason: "incident_open", target_id: world.connectionId }]);
  const asked = { leadId: world.leadIds.at(-1) as string, campaignId: world.campaignId };
  const codes = async () => {
    const called = await callNow(world.deps, world.org, asked);
    return called.kind === "refused" ? called.recorded.decision.reason_codes : [];
  };
  expect(await codes()).toContain("incident_open");
  await endHalt(world.org, halts[0]?.id ?? "");
  expect(await codes()).not.toContain("incident_open");
}

describe("what a provider says too late, or twice", () => {
  it("a webhook that contradicts not_placed opens a SEV1 incident, and the attempt counts", async () => {
    const world = await buildWorld(db);
    world.voice.script.place = () => ({ kind: "unknown", reason: "timeout", status: null });
    await run(world.deps, world.org, 20);
    await endWaits(world);
    await reconcile(world.deps, world.org);
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
      world.orgId,
    ]);
    expect(await attemptOf(world, id)).toMatchObject({ state: "not_placed", counts: true });
    expect(await tell(world, id, analysed)).toMatchObject({ applied: "applied", attempt_state: "not_placed" });
    await tell(world, id, analysed);
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "call_contradicts_not_placed" }]);
    await expectHalted(world);
    expect(await world.sql("select 1 from calls where org_id = $1", [world.orgId])).toHaveLength(1);
  });
  it("an answer that contradicts not_placed opens one too", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await world.sql("update dial_attempts set state = 'not_placed', provider_call_id = null where org_id = $1", [world.orgId]);
    await world.org.query(recordAnswer(id, "accepted", null, "call_late", null));
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "call_contradicts_not_placed" }]);
    await expectHalted(world);
  });
  it("a second call for one attempt leaves it alone, and opens a SEV1 incident that halts the connection", async () => {
    const world = await dialed({ leads: 2 });
    const [id = ""] = world.attempts;
    for (let report = 0; report < 2; report++)
      expect(await tell(world, id, { providerCallId: "call_other" })).toMatchObject({ applied: "second_call" });
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "second_call_for_attempt" }]);
    expect(await attemptOf(world, id)).toMatchObject({ state: "placed" });
    await expectHalted(world);
    expect(await tell(world, id, {})).toMatchObject({ applied: "applied", attempt_state: "completed" });
    expect(await world.sql("select provider_call_id from calls where org_id = $1 order by 1", [world.orgId])).toHaveLength(2);
  });
  it("so does a create's answer that names another call than the webhook that came first", async () => {
    const world = await dialed();
    await world.org.query(recordAnswer(world.attempts[0] as string, "accepted", null, "call_other", null));
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "second_call_for_attempt" }]);
    await expectHalted(world);
  });
  it("the stop in a second call suppresses its person", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await tell(world, id, analysed);
    expect(await tell(world, id, { ...stop, providerCallId: "call_other" })).toMatchObject({
      applied: "second_call",
      enrolments_closed: 0,
    });
    expect(
      await world.sql("select source, attempt_id from suppressions where org_id = $1 and source <> 'canary'", [world.orgId]),
    ).toEqual([{ source: "transcript", attempt_id: id }]);
    const [entry] = await world.sql("select 1 from audit.entry where org_id = $1 and event_type = 'suppression.created'", [
      world.orgId,
    ]);
    expect(entry).toBeDefined();
  });
  it("what was said in a second call must be searched too, whatever is known of the first", async () => {
    for (const order of [
      [over, analysed],
      [analysed, over],
    ]) {
      const world = await dialed();
      const [id = ""] = world.attempts;
      await tell(world, id, {
        ...(order[0] as Change),
        providerCallId: order[0] === over ? "call_other" : `call_${publicId("attempt", id)}`,
      });
      await tell(world, id, {
        ...(order[1] as Change),
        providerCallId: order[1] === over ? "call_other" : `call_${publicId("attempt", id)}`,
      });
      expect(await personOf(world)).toMatchObject({ stop_check: "pending" });
      expect(await attemptOf(world, id)).toMatchObject({ counts: true, answered_by_person: true, state: "completed" });
      await tell(world, id, { providerCallId: "call_other" });
      expect(await personOf(world)).toMatchObject({ stop_check: "clear" });
    }
  });
  it("one call that is reported for two attempts is applied to neither's neighbour", async () => {
    const world = await dialed({ leads: 2 });
    const [one = "", two = ""] = world.attempts;
    await tell(world, one, analysed);
    await expect(tell(world, two, { providerCallId: `call_${publicId("attempt", one)}` })).rejects.toThrow();
    expect(await attemptOf(world, two)).toMatchObject({ state: "placed" });
  });
  it("a report of an attempt that is not there is said to be unknown", async () => {
    const world = await dialed();
    expect(await tell(world, newId(), analysed)).toMatchObject({ applied: "attempt_unknown", attempt_id: null });
  });
});

describe("stops", () => {
  it("words that ask for calls to end suppress the person and close their enrolments, before they are dropped", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    const applied = await tell(world, id, stop, { keep_transcripts: false, keep_recordings: false });
    expect(applied).toMatchObject({ applied: "applied", enrolments_closed: 1 });
    expect(
      await world.sql("select source, by_org, attempt_id from suppressions where org_id = $1 and source <> 'canary'", [
        world.orgId,
      ]),
    ).toEqual([{ source: "transcript", by_org: false, attempt_id: id }]);
    expect(await enrolmentOf(world)).toMatchObject({ state: "done", reason: "opted_out" });
    expect(
      await world.sql("select transcript, transcript_state, recording_ref, stop_searched from calls where org_id = $1", [
        world.orgId,
      ]),
    ).toEqual([{ transcript: null, transcript_state: "withheld", recording_ref: null, stop_searched: true }]);
  });
  it("a stop of an attempt without the provider's id waits, and is sent when the id is known", async () => {
    const world = await buildWorld(db);
    world.voice.script.place = () => ({ kind: "unknown", reason: "timeout", status: null });
    await run(world.deps, world.org, 20);
    await world.org.rows({ name: "stop", text: "select * from app.stop_person($1, 'suppressed')", params: [world.personIds[0]] });
    expect(await sendStops(world.deps, world.org)).toBe(0);
    expect(world.voice.stops).toEqual([]);
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
      world.orgId,
    ]);
    await tell(world, id, started);
    expect(await sendStops(world.deps, world.org)).toBe(1);
    expect(world.voice.stops).toEqual([`call_${publicId("attempt", id)}`]);
    expect(
      await world.sql("select stop_accepted_at is not null as accepted, state from dial_attempts where org_id = $1", [
        world.orgId,
      ]),
    ).toEqual([{ accepted: true, state: "in_progress" }]);
    expect(await sendStops(world.deps, world.org)).toBe(0);
  });
  it("a stop that the provider does not accept is asked again", async () => {
    const world = await dialed();
    await world.org.rows({ name: "stop", text: "select * from app.stop_person($1, 'suppressed')", params: [world.personIds[0]] });
    const accept = world.voice.stop;
    let refusals = 0;
    world.voice.stop = async () => (refusals++, { ok: false, refusal: "unavailable" });
    await sendStops(world.deps, world.org);
    world.voice.stop = accept;
    await endWaits(world);
    await sendStops(world.deps, world.org);
    expect(refusals).toBe(1);
    expect(world.voice.stops).toHaveLength(1);
  });
  it("a number that turns out listed while it rings is stopped at the provider; one that is clear or unknown is not", async () => {
    const world = await dialed({ leads: 3 });
    const results = ["listed", "clear", "unknown"] as const;
    await world.org.query(
      recordScrubs({
        runId: newId(),
        connectionId: world.connectionId,
        responseDigest: "\\x00",
        answers: world.personIds.map((personId, index) => ({
          id: newId(), personId, list: "national", kind: "do_not_call", result: results[index] ?? "unknown", listVersionAt: noon,
        })),
        leads: [],
      }),
    ); // prettier-ignore
    await sendStops(world.deps, world.org);
    const [listed] = await world.sql<{ id: string }>(
      "select id from dial_attempts where org_id = $1 and person_id = $2 and stop_reason = 'dnc_listed'",
      [world.orgId, world.personIds[0]],
    );
    expect(world.voice.stops).toEqual([`call_${publicId("attempt", listed?.id ?? "")}`]);
  });
  it("a stop that is never accepted is asked for while the call lives, told to someone, and given up with the call", async () => {
    const world = await dialed();
    await world.org.rows({ name: "stop", text: "select * from app.stop_person($1, 'suppressed')", params: [world.personIds[0]] });
    const accept = world.voice.stop;
    let refusals = 0;
    // Retell's answer for a call that is still queued.
    world.voice.stop = async () => (refusals++, { ok: false, refusal: "not_ongoing" });
    for (let minute = 0; minute < 30; minute++) {
      await sendStops(world.deps, world.org);
      expect(await incidentsOf(world)).toHaveLength(minute < 19 ? 0 : 1);
      expect(await sendStops(world.deps, world.org)).toBe(0);
      await endWaits(world);
    }
    expect(refusals).toBe(30);
    expect(await incidentsOf(world)).toEqual([{ severity: 2, code: "stop_not_accepted" }]);
    const [row] = await world.sql<{ wait: number }>(
      "select extract(epoch from due_at - clock_timestamp())::float8 as wait from outbox where org_id = $1 and done_at is null",
      [world.orgId],
    );
    expect(row?.wait).toBeLessThanOrEqual(60);
    world.voice.stop = accept;
    await sendStops(world.deps, world.org);
    expect(world.voice.stops).toHaveLength(1);
    expect(await world.sql("select 1 from incidents where org_id = $1 and closed_at is null", [world.orgId])).toEqual([]);

    const other = await dialed();
    await other.org.rows({ name: "stop", text: "select * from app.stop_person($1, 'suppressed')", params: [other.personIds[0]] });
    other.voice.stop = async () => ({ ok: false, refusal: "not_ongoing" });
    await sendStops(other.deps, other.org);
    await tell(other, other.attempts[0] as string, analysed);
    await endWaits(other);
    await sendStops(other.deps, other.org);
    expect(await other.sql("select done_at is not null as done, reason from outbox where org_id = $1", [other.orgId])).toEqual([
      { done: true, reason: "call_over" },
    ]);
  });
  it("what has not rung ten seconds before its window ends is stopped at the provider, once", async () => {
    const world = await dialed();
    const [{ ring_by } = { ring_by: new Date() }] = await world.sql<{ ring_by: Date }>(
      "select ring_by from dial_attempts where org_id = $1",
      [world.orgId],
    );
    const edge = `${ring_by.toISOString().slice(0, 19)}Z` as Instant;
    await world.setClock(addSeconds(edge, -11));
    expect((await reconcile(world.deps, world.org)).stopped).toBe(0);
    await world.setClock(addSeconds(edge, -10));
    expect((await reconcile(world.deps, world.org)).stopped).toBe(1);
    expect((await reconcile(world.deps, world.org)).stopped).toBe(0);
    await sendStops(world.deps, world.org);
    expect(world.voice.stops).toHaveLength(1);
    expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({ stop_reason: "ring_by", state: "placed" });
  });
  it("what rings after its window is a late ring: the pace is halved each time, and the third within an hour halts the connection", async () => {
    const world = await dialed({ leads: 3, callsPerSecond: 8 });
    const late = addSeconds(noon, 86_400);
    await world.setClock(late);
    for (const [index, id] of world.attempts.entries()) {
      await tell(world, id, { ...started, startedAt: late });
      await tell(world, id, { ...started, startedAt: late });
      const [pace] = await world.sql<{ cps: string }>(
        "select calls_per_second as cps from connections where org_id = $1 and id = $2",
        [world.orgId, world.connectionId],
      );
      expect(Number(pace?.cps)).toBe([4, 2, 1][index]);
      const halts = await world.sql("select reason, target_id from halts where org_id = $1 and ended_at is null", [world.orgId]);
      expect(halts).toEqual(index < 2 ? [] : [{ reason: "connection_halted", target_id: world.connectionId }]);
    }
    expect(await incidentsOf(world)).toEqual([1, 2, 3].map(() => ({ severity: 2, code: "late_ring" })));
  });
});

describe("the stop check", () => {
  it("is pending after an answered call, clear once its words were searched, and lets held enrolments be judged again", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await tell(world, id, over);
    expect(await personOf(world)).toEqual({ stop_check: "pending", stop_check_since: new Date(ended) });
    await world.sql("update enrolments set state = 'held', reason = 'stop_check_pending' where org_id = $1", [world.orgId]);
    const refused = await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId });
    expect(refused).toMatchObject({ kind: "refused", recorded: { decision: { verdict: "block" } } });
    expect(refused.kind === "refused" ? refused.recorded.decision.reason_codes : []).toContain("stop_check_pending");
    await tell(world, id, analysed);
    expect(await personOf(world)).toEqual({ stop_check: "clear", stop_check_since: null });
    expect(await enrolmentOf(world)).toMatchObject({ state: "waiting" });
  });
  for (const [name, change] of [
    ["an answered call with an empty transcript", { transcript: [], durationSeconds: 90 }],
    ["an answered call of which tools alone are told", { transcript: [{ role: "tool", text: "end_call()", startSeconds: 1 }] }],
    ["an answered call whose transcript is not whole yet", { final: false }],
    ["an ended call with an unknown answerer", unexplained],
    ["a call that ended in an error", { ...unexplained, status: "error", providerReason: "error_unknown" }],
  ] as const satisfies readonly (readonly [string, Change])[]) {
    it(`is pending after ${name}, and nobody dials`, async () => {
      const world = await dialed();
      await tell(world, world.attempts[0] as string, change);
      expect(await personOf(world)).toMatchObject({ stop_check: "pending" });
      expect(await world.sql("select stop_searched, transcript_state from calls where org_id = $1", [world.orgId])).toEqual([
        { stop_searched: false, transcript_state: "pending" },
      ]);
      await world.setClock(addSeconds(noon, 7200));
      const refused = await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId });
      expect(refused.kind === "refused" ? refused.recorded.decision.reason_codes : []).toContain("stop_check_pending");
    });
  }
  it("is not cleared by the empty transcript of a report that thought nobody had answered", async () => {
    for (const reports of [
      [unanswered, over],
      [over, unanswered],
    ]) {
      const world = await dialed();
      for (const change of reports) await tell(world, world.attempts[0] as string, change);
      expect(await personOf(world)).toMatchObject({ stop_check: "pending" });
    }
  });
  it("finds a pressed key, and says that it was one", async () => {
    const world = await dialed();
    await tell(world, world.attempts[0] as string, { transcript: [{ role: "person", text: "[key 9]", startSeconds: 4 }] });
    expect(await world.sql("select source from suppressions where org_id = $1 and source <> 'canary'", [world.orgId])).toEqual([
      { source: "key_press" },
    ]);
  });
  it("is missing 24 hours after the call's end, and not a second before", async () => {
    const world = await dialed();
    await tell(world, world.attempts[0] as string, over);
    await world.setClock(addSeconds(ended, 86_399));
    await reconcile(world.deps, world.org);
    expect(await personOf(world)).toMatchObject({ stop_check: "pending" });
    await world.setClock(addSeconds(ended, 86_400));
    await reconcile(world.deps, world.org);
    expect(await personOf(world)).toMatchObject({ stop_check: "missing" });
    await tell(world, world.attempts[0] as string, analysed);
    expect(await personOf(world)).toMatchObject({ stop_check: "clear" });
  });
});

describe("retries", () => {
  for (const [disposition, change] of [
    ["no_answer", unanswered],
    ["busy", { ...unanswered, disposition: "busy", providerReason: "dial_busy" }],
    ["voicemail", machine],
  ] as const) {
    it(`${disposition} goes back to the queue for the campaign's pause, where the campaign retries it`, async () => {
      const world = await dialed();
      await world.sql("update campaigns set retry_on = '{no_answer,busy,voicemail}' where org_id = $1", [world.orgId]);
      await tell(world, world.attempts[0] as string, change);
      expect(await enrolmentOf(world)).toEqual({
        state: "waiting",
        reason: disposition,
        due_at: new Date(addSeconds(noon, 3600)),
      });
      await world.sql("update campaigns set retry_on = '{}' where org_id = $1", [world.orgId]);
      expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({ counts: true });
    });
  }
  it("a lead has one budget, over all its campaigns", async () => {
    const world = await dialed();
    await world.sql("update calling_policies set attempts_max = 2 where org_id = $1", [world.orgId]);
    // An attempt of another campaign at the same lead.
    await world.sql(
      `insert into dial_attempts select (jsonb_populate_record(a, jsonb_build_object('id', $2::text, 'campaign_id', $3::text, 'state', 'completed', 'enrolment_id', null,
         'provider_call_id', null))).* from dial_attempts a where a.org_id = $1`,
      [world.orgId, newId(), newId()],
    );
    await tell(world, world.attempts[0] as string, unanswered);
    expect(await enrolmentOf(world)).toMatchObject({ state: "done", reason: "no_answer" });
  });
  it("what is known to have failed before it rang counts for nothing", async () => {
    const world = await dialed();
    await tell(world, world.attempts[0] as string, {
      ...unanswered,
      disposition: "invalid_number",
      providerReason: "invalid_destination",
      neverRang: true,
    });
    expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({
      state: "failed",
      reason: "invalid_number",
      rang: false,
      counts: false,
    });
    expect(await enrolmentOf(world)).toMatchObject({ state: "done", reason: "invalid_number" });
  });
  it("a refusal that took some time, or that another report contradicts, has rung, in either order", async () => {
    const never: Change = { ...unanswered, disposition: "failed", providerReason: "sip_routing_error", neverRang: true };
    const may: Change = { ...unanswered, disposition: "not_connected", providerReason: "user_declined" };
    for (const reports of [
      [{ ...never, durationSeconds: 9 }],
      [never, may],
      [may, never],
      [registered, may, registered, never],
    ]) {
      const world = await dialed();
      for (const change of reports) await tell(world, world.attempts[0] as string, change);
      expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({ state: "failed", counts: true });
    }
    const world = await dialed();
    for (const change of [registered, never, registered]) await tell(world, world.attempts[0] as string, change);
    expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({ state: "failed", counts: false });
  });
  const signs = { toolName: "do_not_call", analysisField: "x" };
  for (const reason of ["user_declined", "marked_as_spam", "error_unknown", "error_llm_websocket_lost_connection", "dial_failed"])
    it(`a person whose call ends with ${reason} is called no oftener than the budget allows, however fast the retries`, async () => {
      const world = await buildWorld(db);
      await world.sql(
        "update campaigns set retry_on = '{not_connected,failed,unknown}', retry_after_seconds = 60 where org_id = $1",
        [world.orgId],
      );
      await world.sql("update calling_policies set recall_gap_seconds = 60 where org_id = $1", [world.orgId]);
      const [policy] = await world.sql<{ attempts_max: number }>("select attempts_max from calling_policies where org_id = $1", [
        world.orgId,
      ]);
      for (let minute = 0; minute < 8; minute++) {
        await run(world.deps, world.org, 30);
        const [last] = await world.sql<{ id: string }>(
          "select id from dial_attempts where org_id = $1 order by id desc limit 1",
          [world.orgId],
        );
        const from = Date.parse(addSeconds(noon, minute * 61));
        const call = retellCall.parse({
          call_id: `call_${publicId("attempt", last?.id ?? "")}`,
          call_status: reason.startsWith("error") ? "error" : "not_connected",
          disconnection_reason: reason,
          metadata: { attempt_id: publicId("attempt", last?.id ?? "") },
          start_timestamp: from,
          end_timestamp: from + 30_000,
          call_analysis: {},
        });
        await settle(world.org, world.connectionId, retellReport(call, "call_analyzed", signs), keep);
        await world.setClock(addSeconds(noon, (minute + 1) * 61));
      }
      const attempts = await world.sql<{ counts: boolean }>("select counts from dial_attempts where org_id = $1", [world.orgId]);
      expect(attempts.every(({ counts }) => counts)).toBe(true);
      expect(attempts.length).toBeLessThanOrEqual(policy?.attempts_max ?? 0);
      // An error may have come in the middle of a conversation that nobody wrote down.
      expect(await personOf(world)).toMatchObject({ stop_check: reason.startsWith("error") ? "pending" : "clear" });
      expect(attempts.length > 1).toBe(!reason.startsWith("error"));
    });
  it("a lead that capacity or a halt keeps is asked again, and is not held for ever", async () => {
    const world = await buildWorld(db);
    await world.sql(
      "insert into halts (org_id, id, reason, since, by, note) values ($1, $2, 'org_halted', $3, 'user:x', 'stop')",
      [world.orgId, newId(), noon],
    );
    await run(world.deps, world.org, 20);
    expect(await enrolmentOf(world)).toEqual({ state: "waiting", reason: "org_halted", due_at: new Date(addSeconds(noon, 900)) });
  });
});

describe("what is not known", () => {
  async function unknown(): Promise<World & { id: string }> {
    const world = await buildWorld(db);
    world.voice.script.place = () => ({ kind: "unknown", reason: "timeout", status: null });
    await run(world.deps, world.org, 20);
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
      world.orgId,
    ]);
    return { ...world, id };
  }
  it("stays unknown until the settle time, then is not placed, counts, and is not dialed again the same day", async () => {
    const world = await unknown();
    await world.sql("update dial_attempts set settle_after = clock_timestamp() + interval '1 hour' where org_id = $1", [
      world.orgId,
    ]);
    expect(await reconcile(world.deps, world.org)).toMatchObject({ lookedUp: 0 });
    expect(await attemptOf(world, world.id)).toMatchObject({ state: "unknown" });
    await endWaits(world);
    expect(await reconcile(world.deps, world.org)).toMatchObject({ lookedUp: 1 });
    expect(world.voice.lookups).toEqual([publicId("attempt", world.id)]);
    expect(await attemptOf(world, world.id)).toMatchObject({ state: "not_placed", counts: true });
    expect(await enrolmentOf(world)).toEqual({
      state: "waiting",
      reason: "not_placed",
      due_at: new Date(addSeconds(noon, 86_400)),
    });
    await world.setClock(addSeconds(noon, 3 * 3600));
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(1);
  });
  it("is left as it is while the provider cannot be asked, and someone is told after a day", async () => {
    const world = await unknown();
    world.voice.script.lookup = () => ({ kind: "unavailable", reason: "status_500" });
    await endWaits(world);
    await reconcile(world.deps, world.org);
    expect(await attemptOf(world, world.id)).toMatchObject({ state: "unknown" });
    expect(await incidentsOf(world)).toEqual([]);
    await world.sql("update dial_attempts set dialing_at = dialing_at - interval '26 hours' where org_id = $1", [world.orgId]);
    await reconcile(world.deps, world.org);
    await reconcile(world.deps, world.org);
    expect(await incidentsOf(world)).toEqual([{ severity: 2, code: "attempt_unsettled" }]);
  });
  it("a lost webhook is made good by what the look-up finds", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    world.voice.script.lookup = () => ({ kind: "found", report: reportOf(id, {}) });
    await endWaits(world);
    await reconcile(world.deps, world.org);
    expect(await attemptOf(world, id)).toMatchObject({ state: "completed", reason: "answered" });
  });
  it("a call that the provider took and then lost ends after a day, and a person must judge before the next", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await endWaits(world);
    await reconcile(world.deps, world.org);
    expect(await attemptOf(world, id)).toMatchObject({ state: "placed" });
    await world.sql("update dial_attempts set dialing_at = dialing_at - interval '25 hours' where org_id = $1", [world.orgId]);
    await endWaits(world);
    await reconcile(world.deps, world.org);
    expect(await attemptOf(world, id)).toMatchObject({ state: "failed", reason: "lost_at_provider", counts: true });
    expect(await personOf(world)).toMatchObject({ stop_check: "missing" });
  });
  it("a webhook in the inbox that cannot be applied is tried again, and does not hold up the next", async () => {
    const world = await dialed({ leads: 2 });
    const [one = "", two = ""] = world.attempts;
    const arrive = (attempt: string, key: string, report: unknown) =>
      world.sql(
        `insert into webhook_inbox (org_id, id, connection_id, dedupe_key, type, provider_call_id, attempt_id, received_at, body_digest, body, report, state)
           values ($1, $2, $3, $4, 'call_ended', null, $5, now(), '\\x00', '{}', $6, 'pending')`,
        [world.orgId, newId(), world.connectionId, key, attempt, JSON.stringify(report)],
      );
    await arrive(one, "broken", { ...reportOf(one, {}), endedAt: "not a time" });
    await arrive(two, "good", reportOf(two, {}));
    expect(await applyInbox(world.deps, world.org)).toBe(2);
    expect(await world.sql("select dedupe_key, state from webhook_inbox where org_id = $1 order by 1", [world.orgId])).toEqual([
      { dedupe_key: "broken", state: "pending" },
      { dedupe_key: "good", state: "applied" },
    ]);
    expect(await attemptOf(world, two)).toMatchObject({ state: "completed" });
  });
});

describe("the permit's end beside a report", () => {
  it("a refusal for want of room goes back to the queue; one about the number does not", async () => {
    for (const [reason, state] of [
      ["no_capacity", "waiting"],
      ["invalid_number", "done"],
      ["unauthorized", "waiting"],
    ] as const) {
      const world = await buildWorld(db);
      world.voice.script.place = () => ({ kind: "refused", reason, status: 400 });
      expect(await place(world.deps, world.org, await mintOne(world))).toBe("refused");
      expect(await enrolmentOf(world)).toMatchObject({ state, reason });
      expect(await incidentsOf(world)).toEqual(reason === "unauthorized" ? [{ severity: 2, code: "connection_unusable" }] : []);
    }
  });
});

it("none of all these entries names a row by its own uuid", async () => {
  const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
  const entries = "from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq";
  const raw = await db.admin(`select e.event_type, p.subject_text, p.facts_text ${entries} where p.subject_text ~ $1 or p.facts_text ~ $1`, [uuid]);
  expect(raw.rows).toEqual([]);
  expect((await db.admin(`select 1 ${entries}`)).rows.length).toBeGreaterThan(20);
}); // prettier-ignore
