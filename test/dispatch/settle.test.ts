import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { recordAnswer } from "../../src/db/queries/dispatch.ts";
import { publicId } from "../../src/lib/ids.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World, type WorldOptions } from "../support/world.ts";
import { endWaits } from "./recover.ts";
import { attemptOf, enrolmentOf, expectPublicIds, incidentsOf, personOf } from "./looks.ts";
import { analysed, type Change, dialWorld, over, started, stop, tell, unanswered, unexplained } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());
const dialed = (options: WorldOptions = {}) => dialWorld(db, options);

const ended = "2026-11-18T18:00:45Z" as Instant;

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
  it("a second call that a person answered was a conversation, whatever became of the first", async () => {
    const world = await dialed();
    const [id = ""] = world.attempts;
    await tell(world, id, unanswered);
    expect(await attemptOf(world, id)).toMatchObject({ answered_by_person: false });
    const conversations = async () => {
      const of = { leadId: world.leadIds[0] as string, campaignId: world.campaignId, at: null };
      const run = await dryRun(world.org, world.deps.desk, of);
      if (!run.ok) throw new Error(run.refusal);
      const counted = run.value.snapshot.frequency.attempts;
      return counted.map((attempt) => [
        attempt.id === id ? "attempt" : "second call",
        attempt.answered_by_person,
        attempt.conversation_at,
      ]);
    };
    expect(await conversations()).toEqual([["attempt", false, null]]);
    await tell(world, id, { providerCallId: "call_other", endedAt: ended });
    expect(await attemptOf(world, id)).toMatchObject({ answered_by_person: true });
    expect(await conversations()).toContainEqual(["second call", true, ended]);
    // One that nobody answered is none.
    await tell(world, id, { ...unanswered, providerCallId: "call_third" });
    expect((await conversations()).filter(([what]) => what === "second call")).toEqual([
      ["second call", true, ended],
      ["second call", false, null],
    ]);
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

it("none of all these entries names a row by its own uuid", () => expectPublicIds(db));
