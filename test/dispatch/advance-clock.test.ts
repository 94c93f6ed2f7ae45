import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advanceClock } from "../../src/dispatch/advance-clock.ts";
import { place } from "../../src/dispatch/place.ts";
import { advanceTestClock } from "../../src/domain/test-clock/advance.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { ok, refuse } from "../../src/lib/result.ts";
import type { SimulatorClock } from "../../src/providers/simulator-clock.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { mintOne } from "./mint.ts";
import { attemptsOf, unspent } from "./looks.ts";
import { endedReport } from "./provider-ledger.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

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
