/** What one call's report cannot do: lose the stop that was said in it, or keep other calls from being settled. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { noteNotSettled, settleAbsent, settleLost } from "../../src/db/queries/dispatch.ts";
import { publicId } from "../../src/lib/ids.ts";
import type { CallReport, TranscriptTurn } from "../../src/providers/voice/contract.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { newId, type World } from "../support/world.ts";
import { attemptOf, attemptsOf, incidentsOf, personOf } from "./looks.ts";
import { endWaits } from "./recover.ts";
import { analysed, type Change, dialWorld, reportOf, tell } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const says = (text: string): TranscriptTurn[] => [{ role: "person", text, startSeconds: 1 }];
const stopsOf = (world: World) =>
  world.sql("select source from suppressions where org_id = $1 and source <> 'canary'", [world.orgId]);
/** Reports that no adapter makes, and no database can hold. */
const unstorable: readonly [string, (text: string) => Change][] = [
  ["a NUL in the words", (text) => ({ transcript: says(`\0${text}`) })],
  ["half a surrogate pair in the words", (text) => ({ transcript: says(`${text} \ud83d`) })],
  ["a NUL in the reason", (text) => ({ transcript: says(text), providerReason: "a\0" })],
  ["half a second", (text) => ({ transcript: says(text), durationSeconds: 12.5 })],
  ["a length past any integer", (text) => ({ transcript: says(text), durationSeconds: 1e15 })],
  ["a time that is none", (text) => ({ transcript: says(text), endedAt: "soon" as never })],
];

describe("a report that no database can hold", () => {
  test.each(unstorable)("its stop is recorded, and its call ends: %s", async (_, change) => {
    const world = await dialWorld(db);
    const [id = ""] = world.attempts;
    expect(await tell(world, id, change("stop calling me"))).toMatchObject({ applied: "applied", attempt_state: "completed" });
    expect(await stopsOf(world)).toEqual([{ source: "transcript" }]);
  });

  test.each(unstorable)("in a look-up it keeps no other call from being settled, and someone is told: %s", async (_, change) => {
    const world = await dialWorld(db, { leads: 7 });
    const [first = "", ...others] = world.attempts;
    const poisoned = publicId("attempt", first);
    world.voice.script.lookup = (callId) => {
      const attempt = world.attempts.find((each) => callId.endsWith(publicId("attempt", each))) ?? "";
      return { kind: "found", report: reportOf(attempt, callId.endsWith(poisoned) ? change("Hello?") : {}) };
    };
    for (let times = 1; times <= 8; times++) {
      expect(await incidentsOf(world)).toEqual([]);
      await endWaits(world);
      expect(await reconcile(world.deps, world.org)).toMatchObject({ lookedUp: times === 1 ? 7 : 1 });
      for (const id of others) expect(await attemptOf(world, id)).toMatchObject({ state: "completed" });
      expect(await attemptOf(world, first)).toMatchObject({ state: "placed" });
    }
    expect(await incidentsOf(world)).toEqual([{ severity: 2, code: "attempt_unsettled" }]);
    world.voice.script.lookup = () => ({ kind: "found", report: reportOf(first, {}) });
    await endWaits(world);
    await reconcile(world.deps, world.org);
    expect(await attemptOf(world, first)).toMatchObject({ state: "completed" });
    expect(await incidentsOf(world)).toHaveLength(1);
  });

  test("in the inbox it is given up after its tries, and someone is told", async () => {
    const world = await dialWorld(db, { leads: 2 });
    const [broken = "", good = ""] = world.attempts;
    const arrive = async (key: string, report: CallReport) =>
      void (await world.sql(
        `insert into webhook_inbox (org_id, id, connection_id, dedupe_key, type, received_at, body_digest, body, report, state)
           values ($1, $2, $3, $4, 'call_ended', now(), '\\x00', '{}', $5, 'pending')`,
        [world.orgId, newId(), world.connectionId, key, JSON.stringify(report)],
      ));
    await arrive("broken", reportOf(broken, { durationSeconds: 12.5 }));
    await arrive("good", reportOf(good, {}));
    for (let tries = 1; tries <= 8; tries++) {
      expect(await incidentsOf(world)).toEqual([]);
      await applyInbox(world.deps, world.org);
      await endWaits(world);
    }
    expect(await world.sql("select dedupe_key, state from webhook_inbox where org_id = $1 order by 1", [world.orgId])).toEqual([
      { dedupe_key: "broken", state: "failed" },
      { dedupe_key: "good", state: "applied" },
    ]);
    expect(await incidentsOf(world)).toEqual([{ severity: 2, code: "webhook_not_applied" }]);
    const [entry] = await world.sql<{ subject: string }>(
      `select p.subject_text as subject from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq
         where e.org_id = $1 and e.event_type = 'incident.opened'`,
      [world.orgId],
    );
    const [row] = await world.sql<{ id: string }>("select id from webhook_inbox where org_id = $1 and state = 'failed'", [
      world.orgId,
    ]);
    expect(entry?.subject).toBe(publicId("event", row?.id ?? ""));
  });
});

test("what cannot be settled is asked for ever more rarely, an hour apart in the end, and not sooner", async () => {
  const world = await dialWorld(db);
  const [id = ""] = world.attempts;
  const minutes: number[] = [];
  for (let failure = 0; failure < 9; failure++) {
    await world.org.query(noteNotSettled(id, 100));
    const [row] = await world.sql<{ seconds: number }>(
      "select extract(epoch from settle_after - clock_timestamp())::float8 as seconds from dial_attempts where org_id = $1",
      [world.orgId],
    );
    minutes.push(Math.ceil((row?.seconds ?? 0) / 60));
    const asked = world.voice.lookups.length;
    await reconcile(world.deps, world.org);
    expect(world.voice.lookups.length, "not before its time").toBe(asked);
  }
  expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test("calls are looked up a few side by side", async () => {
  const world = await dialWorld(db, { leads: 12 });
  let asking = 0;
  let most = 0;
  world.voice.get = async (callId) => {
    most = Math.max(most, ++asking);
    await pause(20);
    asking -= 1;
    const attempt = world.attempts.find((each) => callId.endsWith(publicId("attempt", each))) ?? "";
    return { kind: "found", report: reportOf(attempt, {}) };
  };
  await endWaits(world);
  expect(await reconcile(world.deps, world.org)).toMatchObject({ lookedUp: 12 });
  expect(most).toBe(5);
  expect((await attemptsOf(world)).map(({ state }) => state)).toEqual(Array.from({ length: 12 }, () => "completed"));
});

describe("what a look-up did not find", () => {
  const entries = async (world: World) =>
    (
      await world.sql<{ type: string }>(
        "select event_type as type from audit.entry where org_id = $1 and event_type in ('attempt.not_placed', 'attempt.lost')",
        [world.orgId],
      )
    ).map(({ type }) => type);

  test.each([
    ["attempt.not_placed", settleAbsent, "unknown", "not_placed"],
    ["attempt.lost", settleLost, "placed", "failed"],
  ] as const)("%s is said once, and only where it changed something", async (type, settleOne, before, after) => {
    const world = await dialWorld(db);
    const [id = ""] = world.attempts;
    await world.sql("update dial_attempts set state = $2, provider_call_id = null where org_id = $1", [world.orgId, before]);
    for (let times = 0; times < 2; times++) {
      await world.org.query(settleOne(id));
      expect(await attemptOf(world, id)).toMatchObject({ state: after });
      expect(await entries(world)).toEqual([type]);
    }
  });

  test.each([settleAbsent, settleLost])("what ended meanwhile is left as it is, its person too", async (settleOne) => {
    const world = await dialWorld(db);
    const [id = ""] = world.attempts;
    await tell(world, id, analysed);
    const version = () => world.sql("select facts_version from persons where org_id = $1 order by id", [world.orgId]);
    const known = await version();
    await world.org.query(settleOne(id));
    expect(await entries(world)).toEqual([]);
    expect(await attemptOf(world, id)).toMatchObject({ state: "completed" });
    expect(await personOf(world)).toMatchObject({ stop_check: "clear" });
    expect(await version()).toEqual(known);
  });
});
