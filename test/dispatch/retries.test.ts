/** When a lead is dialed again: after what came of its call, after a call of which nothing is known, after a refusal. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { place } from "../../src/dispatch/place.ts";
import { publicId } from "../../src/lib/ids.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { retellCall, retellReport } from "../../src/providers/voice/retell-report.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World, type WorldOptions } from "../support/world.ts";
import { mintOne } from "./mint.ts";
import { endWaits } from "./recover.ts";
import { attemptOf, enrolmentOf, incidentsOf, personOf } from "./looks.ts";
import { type Change, dialWorld, keep, machine, registered, reportOf, tell, unanswered } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());
const dialed = (options: WorldOptions = {}) => dialWorld(db, options);

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
  it("a provider's second call spends the budget, for the gate and where an attempt is settled alike", async () => {
    for (const [budget, state, refused] of [
      [2, "done", true],
      [3, "waiting", false],
    ] as const) {
      const world = await dialed();
      const [id = ""] = world.attempts;
      await world.sql("update calling_policies set attempts_max = $2 where org_id = $1", [world.orgId, budget]);
      await tell(world, id, { ...unanswered, providerCallId: "call_other" });
      await tell(world, id, unanswered);
      const { state: after } = (await enrolmentOf(world)) ?? {};
      const of = { leadId: world.leadIds[0] as string, campaignId: world.campaignId, at: null };
      const run = await dryRun(world.org, world.deps.desk, of);
      if (!run.ok) throw new Error(run.refusal);
      expect({ budget, state: after, refused: run.value.decision.reason_codes.includes("retry_budget_spent") }).toEqual({
        budget,
        state,
        refused,
      });
    }
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
