/** A batch is recorded in parts: what a crash between two of them leaves, and whose the tokens of the refused are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/db/transport.ts";
import { decideAndRecord } from "../../src/dispatch/decide-and-record.ts";
import { run } from "../../src/dispatch/run.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { sleep } from "./pg-transport.ts";
import { buildWorld, type World } from "../support/world.ts";
import { claimDue, spreadOver } from "./mint.ts";
import { endWaits } from "./recover.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const counted = async (world: World, from: string) =>
  (await world.sql<{ n: number }>(`select count(*)::int as n from ${from} and org_id = $1`, [world.orgId]))[0]?.n;

/** Lets so many records through, and then the worker is gone: before its request, or after the database has committed it. */
function diesAt(part: number, when: "before" | "after"): { wrap: (inner: Transport) => Transport; armed: boolean } {
  const death = { wrap: (inner: Transport) => inner, armed: false };
  let records = 0;
  death.wrap = (inner) => ({
    ...inner,
    async batch(statements) {
      if (!death.armed || !statements.some(({ name }) => name === "app.record_decisions")) return inner.batch(statements);
      records += 1;
      if (records === part && when === "after") await inner.batch(statements);
      if (records >= part) throw new Error("the worker died");
      return inner.batch(statements);
    },
  });
  return death;
}

describe("a crash between two parts", () => {
  test.each([
    [1, "before", 0],
    [2, "before", 125],
    [2, "after", 250],
    [3, "after", 300],
  ] as const)(
    "at record %i, %s its commit: %i of 300 leads are decided, the others wait for their lease's end",
    async (part, when, decided) => {
      const death = diesAt(part, when);
      const world = await buildWorld(db, { leads: 300, transport: (inner) => death.wrap(inner) });
      await spreadOver(world, 1);
      const claimed = await claimDue(world);
      expect(claimed.leads).toHaveLength(300);
      death.armed = true;
      expect((await decideAndRecord(world.deps.desk, world.org, claimed)).failure).toEqual(new Error("the worker died"));
      death.armed = false;
      expect(await counted(world, "decisions where true")).toBe(decided);
      expect(await counted(world, "dial_attempts where state = 'permitted'")).toBe(decided);
      expect((await claimDue(world)).leads).toEqual([]);
      await endWaits(world);
      const again = await claimDue(world);
      expect(new Set(again.leads.map((lead) => lead.lead_id)).size).toBe(300 - decided);
      if (again.leads.length > 0) await decideAndRecord(world.deps.desk, world.org, again);
      expect(await counted(world, "decisions where true")).toBe(300);
      expect(await counted(world, "dial_attempts where true")).toBe(300);
      expect(await world.sql("select 1 from leases where org_id = $1", [world.orgId])).toEqual([]);
    },
  );
});

test("a part that cannot be recorded keeps nobody from being called whose part was", async () => {
  const death = diesAt(2, "before");
  const world = await buildWorld(db, { leads: 130, transport: (inner) => death.wrap(inner) });
  await spreadOver(world, 1);
  await claimDue(world, world.org, 0);
  death.armed = true;
  await expect(run(world.deps, world.org, 30)).rejects.toThrow("the worker died");
  expect(world.voice.placed).toHaveLength(125);
  death.armed = false;
  await endWaits(world);
  await run(world.deps, world.org, 30);
  expect(new Set(world.voice.placed.map((call) => call.attemptId)).size).toBe(130);
});

test("a claim takes no more of a campaign than it has room for, over all of its profiles", async () => {
  const world = await buildWorld(db, { leads: 40 });
  await spreadOver(world, 8);
  await world.sql("update campaigns set max_concurrency = 7 where org_id = $1", [world.orgId]);
  expect((await claimDue(world)).leads).toHaveLength(7);
});

describe("the tokens of a batch", () => {
  const nextSlot = async (world: World) =>
    (
      await world.sql<{ at: number }>(
        "select extract(epoch from next_slot_at)::float8 as at from connections where org_id = $1 and id = $2",
        [world.orgId, world.connectionId],
      )
    )[0]?.at ?? 0;

  test("those that a part leaves go to the next, and what the last leaves goes back", async () => {
    const world = await buildWorld(db, { leads: 300, callsPerSecond: 7 });
    await spreadOver(world, 1);
    const before = Date.now() / 1000;
    const claimed = await claimDue(world);
    expect(claimed.leads).toHaveLength(300);
    expect(await nextSlot(world)).toBeGreaterThan(before + 300 / 7);
    // Of the first part ten stay, of the second all, of the last none.
    const turned = claimed.leads.filter((lead, at) => lead.lease_part === 2 || (lead.lease_part === 0 && at >= 10));
    await world.sql("update persons set facts_version = facts_version + 1 where org_id = $1 and id = any ($2)", [
      world.orgId,
      turned.map((lead) => lead.person_id),
    ]);
    const { recorded } = await decideAndRecord(world.deps.desk, world.org, claimed);
    expect(recorded.filter(({ outcome }) => outcome === "permitted")).toHaveLength(135);
    const rows = await world.sql<{ at: number }>(
      "select extract(epoch from slot_at)::float8 as at from dial_attempts where org_id = $1 order by slot_at",
      [world.orgId],
    );
    const at = rows.map((row) => row.at);
    const gaps = at.slice(1).map((each, index) => each - (at[index] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1 / 7 - 1e-6);
    // No token is lost: the last call leaves 134 steps after the first, but for the seconds that recording took.
    expect((at.at(-1) as number) - (at[0] as number)).toBeLessThan(134 / 7 + 5);
    expect((await nextSlot(world)) - (at.at(-1) as number)).toBeLessThan(1 / 7 + 1e-3);
  });

  test("of a batch in one part are all used, a step apart, however late its record: none is left behind", async () => {
    const world = await buildWorld(db, { leads: 10, callsPerSecond: 5 });
    await spreadOver(world, 1);
    const claimed = await claimDue(world);
    await sleep(150);
    await decideAndRecord(world.deps.desk, world.org, claimed);
    const rows = await world.sql<{ at: number }>(
      "select extract(epoch from slot_at)::float8 as at from dial_attempts where org_id = $1 order by slot_at",
      [world.orgId],
    );
    const at = rows.map((row) => row.at);
    expect(at).toHaveLength(10);
    for (const [index, gap] of at.slice(1).map((each, before) => [before, each - (at[before] as number)] as const))
      expect(gap, `behind call ${index}`).toBeCloseTo(1 / 5, 4);
    expect((await nextSlot(world)) - (at.at(-1) ?? 0)).toBeCloseTo(1 / 5, 4);
  });

  test("that came too late are taken anew behind everybody, and nobody else is given them", async () => {
    const world = await buildWorld(db, { leads: 40, callsPerSecond: 2 });
    await spreadOver(world, 1);
    const late = await claimDue(world, world.org, 10);
    // Recording took a minute, and the tokens that were reserved have gone by.
    await world.sql(
      "update leases set slots_from = slots_from - interval '1 minute', slots_until = slots_until - interval '1 minute' where org_id = $1",
      [world.orgId],
    );
    const reservedTo = await nextSlot(world);
    await decideAndRecord(world.deps.desk, world.org, late);
    const slots = async () =>
      (
        await world.sql<{ at: number }>(
          "select extract(epoch from slot_at)::float8 as at from dial_attempts where org_id = $1 order by slot_at",
          [world.orgId],
        )
      ).map(({ at }) => at);
    const [first = 0] = await slots();
    expect(first, "behind what was reserved").toBeGreaterThanOrEqual(reservedTo - 1e-6);
    expect((await nextSlot(world)) - ((await slots()).at(-1) ?? 0)).toBeCloseTo(1 / 2, 3);
    await decideAndRecord(world.deps.desk, world.org, await claimDue(world, world.org, 10));
    const all = await slots();
    expect(all).toHaveLength(20);
    expect(Math.min(...all.slice(1).map((at, index) => at - (all[index] as number)))).toBeGreaterThanOrEqual(1 / 2 - 1e-6);
  });

  test("are a step apart, whatever the parts", async () => {
    const world = await buildWorld(db, { leads: 260, callsPerSecond: 9 });
    await spreadOver(world, 1);
    await decideAndRecord(world.deps.desk, world.org, await claimDue(world));
    const [row] = await world.sql<{ n: number; least: number }>(
      `select count(*)::int as n, min(gap)::float8 as least from (
         select extract(epoch from slot_at - lag(slot_at) over (order by slot_at)) as gap from dial_attempts where org_id = $1) a`,
      [world.orgId],
    );
    expect(row?.n).toBe(260);
    expect(row?.least).toBeGreaterThanOrEqual(1 / 9);
  });

  test("calls leave a step apart at the provider, however late their records and however many runs place them", async () => {
    const [slowMs, callsPerSecond] = [700, 20];
    const left: number[] = [];
    const slow = (inner: Transport): Transport => ({
      ...inner,
      async batch(statements) {
        const answers = await inner.batch(statements);
        if (statements.some(({ name }) => name === "app.record_decisions")) await sleep(slowMs);
        return answers;
      },
    });
    const world = await buildWorld(db, { leads: 60, callsPerSecond, transport: slow });
    world.voice.script.place = (call) => {
      left.push(performance.now());
      return { kind: "accepted", providerCallId: `call_${call.attemptId}` };
    };
    await claimDue(world, world.org, 0);
    await Promise.all([run(world.deps, world.org, 30), run(world.deps, world.org, 30)]);
    expect(left).toHaveLength(60);
    const sorted = left.toSorted((one, other) => one - other);
    // In no second more than the connection allows; on a busy machine a timer may be some steps late.
    const inASecond = sorted.map((at) => sorted.filter((other) => other >= at && other < at + 850).length);
    expect(Math.max(...inASecond)).toBeLessThanOrEqual(callsPerSecond);
    expect(Math.max(...inASecond)).toBeGreaterThan(callsPerSecond / 3);
  });

  test("latency takes nothing off the pace, and asks the database at most twice a call", async () => {
    const [callsPerSecond, leads] = [20, 60];
    let consumes = 0;
    const far = (inner: Transport): Transport => ({
      ...inner,
      async batch(statements) {
        if (statements.some(({ name }) => name === "app.consume_permit")) consumes += 1;
        await sleep(25);
        const answers = await inner.batch(statements);
        await sleep(25);
        return answers;
      },
    });
    const world = await buildWorld(db, { leads, callsPerSecond, transport: far });
    const left: number[] = [];
    world.voice.script.place = async (call) => {
      left.push(performance.now());
      await sleep(50);
      return { kind: "accepted", providerCallId: `call_${call.attemptId}` };
    };
    await claimDue(world, world.org, 0);
    expect(await run(world.deps, world.org, 30)).toMatchObject({ placed: leads });
    expect(consumes).toBeLessThanOrEqual(2 * leads);
    // Each takes some 0.2 s beside a step of 0.05, one after the other four times as long: the pace is the connection's, and not
    // the latency's. On a busy machine all of it is slower.
    expect((left.at(-1) as number) - (left[0] as number)).toBeLessThan((1000 * leads * 2) / callsPerSecond);
  });
});
