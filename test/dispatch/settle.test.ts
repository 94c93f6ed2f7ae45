import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { place } from "../../src/dispatch/place.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { recordAnswer } from "../../src/db/queries/dispatch.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import type { CallReport } from "../../src/providers/voice/contract.ts";
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
    expect(await world.sql("select 1 from calls where org_id = $1", [world.orgId])).toHaveLength(1);
  });
  it("an answer that contradicts not_placed opens one too", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await world.sql("update dial_attempts set state = 'not_placed', provider_call_id = null where org_id = $1", [world.orgId]);
    await world.org.query(recordAnswer(id, "accepted", null, "call_late", null));
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "call_contradicts_not_placed" }]);
  });
  it("a second call for one attempt is not applied, and opens a SEV1 incident", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    expect(await tell(world, id, { providerCallId: "call_other" })).toMatchObject({ applied: "second_call" });
    expect(await incidentsOf(world)).toEqual([{ severity: 1, code: "second_call_for_attempt" }]);
    expect(await attemptOf(world, id)).toMatchObject({ state: "placed" });
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
    });
    expect(await attemptOf(world, world.attempts[0] as string)).toMatchObject({
      state: "failed",
      reason: "invalid_number",
      rang: false,
      counts: false,
    });
    expect(await enrolmentOf(world)).toMatchObject({ state: "done", reason: "invalid_number" });
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
