/** Promise 6, for what the dial does by itself: no state moves without an entry of the same transaction. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advanceClock } from "../../src/dispatch/advance-clock.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { place } from "../../src/dispatch/place.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { consumePermit } from "../../src/db/queries/dispatch.ts";
import { stopPerson } from "../../src/db/queries/persons.ts";
import { advanceTestClock } from "../../src/domain/test-clock/advance.ts";
import { canonicalJson } from "../../src/lib/canonical-json.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { ok, refuse } from "../../src/lib/result.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { expectPublicIds } from "./looks.ts";
import { buildWorld, noon, type World } from "../support/world.ts";
import { mint } from "./mint.ts";
import { endedReport } from "./provider-ledger.ts";
import { endWaits } from "./recover.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());

const keep = { keep_transcripts: true, keep_recordings: true };
const idsOf = async (world: World) =>
  (await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1 order by id", [world.orgId])).map(
    ({ id }) => id,
  );

/** The entries that `act` brought about, as type, subject and facts. */
async function entriesOf(world: World, act: () => Promise<unknown>): Promise<[string, string, string][]> {
  const all = () =>
    world.sql<{ type: string; subject: string; facts: string }>(
      `select e.event_type as type, p.subject_text as subject, p.facts_text as facts
         from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq where e.org_id = $1 order by e.seq`,
      [world.orgId],
    );
  const before = (await all()).length;
  await act();
  return (await all()).slice(before).map(({ type, subject, facts }) => [type, subject, facts]);
}
const typesOf = (entries: readonly (readonly [string, ...unknown[]])[]) => entries.map(([type]) => type);

describe("an entry beside each state that the dial takes by itself", () => {
  test("permitted to dialing, and what the provider answered", async () => {
    const world = await buildWorld(db);
    const [recorded] = await mint(world);
    const subject = publicId("attempt", recorded?.permit?.attemptId ?? "");
    const entries = await entriesOf(world, () => place(world.deps, world.org, recorded!.permit!));
    expect(entries[0]).toEqual(["attempt.dialing", subject, "{}"]);
    expect(typesOf(entries)).toEqual(["attempt.dialing", "attempt.answered"]);
  });

  test("permitted to cancelled, and to expired at the last moment", async () => {
    for (const [change, type, facts] of [
      [
        "update persons set facts_version = facts_version + 1 where org_id = $1",
        "attempt.cancelled",
        '{"reason":"facts_changed"}',
      ],
      ["update permits set expires_at = clock_timestamp() where org_id = $1", "attempt.expired", '{"reason":"permit_expired"}'],
    ] as const) {
      const world = await buildWorld(db);
      const [recorded] = await mint(world);
      await world.sql(change, [world.orgId]);
      const entries = await entriesOf(world, () => place(world.deps, world.org, recorded!.permit!));
      expect(entries).toEqual([[type, publicId("attempt", recorded?.permit?.attemptId ?? ""), facts]]);
      expect(await entriesOf(world, () => world.org.query(consumePermit(recorded!.permit!.attemptId)))).toEqual([]);
    }
  });

  test("permitted to expired, of many at once: by the job, beside the next record, and by the test clock", async () => {
    const world = await buildWorld(db, { leads: 7 });
    await mint(world);
    const subjects = (await idsOf(world)).map((id) => publicId("attempt", id));
    await world.sql("update permits set expires_at = clock_timestamp() where org_id = $1", [world.orgId]);
    const entries = await entriesOf(world, () => expirePermits(world.org));
    expect(entries.map(([type, , facts]) => [type, facts])).toEqual(
      subjects.map(() => ["attempt.expired", '{"reason":"permit_expired"}']),
    );
    expect(entries.map(([, subject]) => subject).toSorted()).toEqual(subjects.toSorted());

    const recorded = await buildWorld(db);
    await mint(recorded);
    await recorded.sql("update permits set expires_at = clock_timestamp() where org_id = $1", [recorded.orgId]);
    await recorded.sql("update enrolments set state = 'waiting' where org_id = $1", [recorded.orgId]);
    await recorded.sql("update hour_profiles set next_due_at = '-infinity' where org_id = $1", [recorded.orgId]);
    expect(typesOf(await entriesOf(recorded, () => mint(recorded))).toSorted()).toEqual(["attempt.expired", "decision.recorded"]);

    const moved = await buildWorld(db, { leads: 2 });
    await mint(moved);
    await moved.sql("update campaigns set status = 'paused' where org_id = $1", [moved.orgId]);
    await advanceTestClock(moved.org, { seconds: 1 });
    const clock = await entriesOf(moved, () =>
      advanceClock(
        moved.deps,
        { next: async () => ok({ now: noon, nextEventAt: null }), advance: async (_, to) => ok({ now: to, nextEventAt: null }) },
        moved.org,
        60,
      ),
    );
    expect(typesOf(clock).toSorted()).toEqual(["attempt.expired", "attempt.expired", "test_clock.advanced", "test_clock.moved"]);
    expect(clock.filter(([type]) => type === "attempt.expired").map(([, , facts]) => facts)).toEqual(
      [1, 2].map(() => '{"reason":"clock_advanced"}'),
    );
  });

  test("a transaction that is rolled back leaves neither the expiry nor its entry", async () => {
    const world = await buildWorld(db);
    await mint(world);
    await world.sql("update permits set expires_at = clock_timestamp() where org_id = $1", [world.orgId]);
    const failing = { name: "fails", text: "select 1 / 0", params: [] };
    const expire = { name: "expire", text: "select app.expire_permits()", params: [] };
    expect(await entriesOf(world, () => world.org.query(expire, failing).catch(() => undefined))).toEqual([]);
    expect(await world.sql("select state from dial_attempts where org_id = $1", [world.orgId])).toEqual([{ state: "permitted" }]);
  });

  test("a clock whose simulator fails", async () => {
    const world = await buildWorld(db);
    await world.sql("update campaigns set status = 'paused' where org_id = $1", [world.orgId]);
    await advanceTestClock(world.org, { seconds: 1 });
    const simulator = {
      next: async () => ok({ now: noon, nextEventAt: null }),
      advance: async () => refuse("unavailable" as never),
    };
    expect(typesOf(await entriesOf(world, () => advanceClock(world.deps, simulator, world.org, 60)))).toEqual([
      "test_clock.moved",
      "test_clock.failed",
    ]);
  });

  test("dialing to unknown", async () => {
    const world = await buildWorld(db, { leads: 2 });
    await mint(world);
    const ids = await idsOf(world);
    for (const id of ids) await world.org.query(consumePermit(id));
    await endWaits(world);
    world.voice.script.lookup = () => ({ kind: "unavailable", reason: "status_500" });
    const entries = await entriesOf(world, () => reconcile(world.deps, world.org));
    expect(entries).toEqual(ids.map((id) => ["attempt.unknown", publicId("attempt", id), '{"reason":"no_answer_recorded"}']));
    await endWaits(world);
    expect(await entriesOf(world, () => reconcile(world.deps, world.org))).toEqual([]);
  });

  test("a call that has not rung in time is to be stopped, and the provider accepts it", async () => {
    const world = await buildWorld(db, { leads: 3 });
    await run(world.deps, world.org, 30);
    const subjects = (await idsOf(world)).map((id) => publicId("attempt", id));
    await world.setClock(addSeconds(noon, 86_400));
    const asked = await entriesOf(world, () => reconcile(world.deps, world.org));
    expect(
      asked
        .filter(([type]) => type === "attempt.stop_requested")
        .map(([, subject]) => subject)
        .toSorted(),
    ).toEqual(subjects.toSorted());
    expect(asked.find(([type]) => type === "attempt.stop_requested")?.[2]).toBe('{"reason":"ring_by"}');
    await endWaits(world);
    const accepted = await entriesOf(world, () => sendStops(world.deps, world.org));
    expect(accepted.map(([type, subject]) => [type, subject]).toSorted()).toEqual(
      subjects.map((subject) => ["attempt.stop_accepted", subject]).toSorted(),
    );
    expect(await entriesOf(world, () => sendStops(world.deps, world.org))).toEqual([]);
  });

  test("a stop check that nobody answered for a day", async () => {
    const world = await buildWorld(db);
    await run(world.deps, world.org, 30);
    const [id = ""] = await idsOf(world);
    await settle(world.org, world.connectionId, endedReport(publicId("attempt", id), { transcript: null, final: false }), keep);
    await world.setClock(addSeconds(noon, 2 * 86_400));
    expect(await entriesOf(world, () => reconcile(world.deps, world.org))).toEqual([
      ["stop_check.missed", publicId("person", world.personIds[0] as string), "{}"],
    ]);
  });

  test("the third late ring's halt", async () => {
    const world = await buildWorld(db, { leads: 3 });
    await run(world.deps, world.org, 30);
    const late = addSeconds(noon, 86_400);
    await world.setClock(late);
    const entries = await entriesOf(world, async () => {
      for (const id of await idsOf(world))
        await settle(
          world.org,
          world.connectionId,
          endedReport(publicId("attempt", id), { startedAt: late, endedAt: late }),
          keep,
        );
    });
    const [halt] = await world.sql<{ id: string }>("select id from halts where org_id = $1", [world.orgId]);
    expect(entries.filter(([type]) => type === "halt.started").map(([, subject]) => subject)).toEqual([
      publicId("halt", halt?.id ?? ""),
    ]);
  });

  test("all of them in canonical form", async () => {
    const world = await buildWorld(db, { leads: 4 });
    const entries = await entriesOf(world, async () => {
      await run(world.deps, world.org, 30);
      await world.org.query(stopPerson(world.personIds[0] as string, "suppressed"));
      await sendStops(world.deps, world.org);
    });
    const own = entries.filter(([type]) => /^attempt\.(dialing|stop_accepted)$/.test(type));
    expect(own).toHaveLength(5);
    for (const [, , facts] of own) expect(facts).toBe(canonicalJson(JSON.parse(facts)));
  });
});

test("none of all these entries names a row by its own uuid", () => expectPublicIds(db));
