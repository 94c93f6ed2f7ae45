/** The counter's object over a real SQLite, evicted and woken as the platform does it. */
import { describe, expect, test } from "vitest";
import { RateLimiterObject } from "../../src/objects/rate-limiter.ts";
import { memoryStorage } from "../support/object-storage.ts";

const start = 1_795_000_000_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** An object's storage, which stays, and its memory, which an eviction takes. */
function bucket(policy: { limit: number; windowSeconds: number; watchesUsual?: boolean }) {
  const storage = memoryStorage();
  const world = { nowMs: start };
  const wake = () => new RateLimiterObject({ storage }, () => world.nowMs);
  let object = wake();
  return {
    world,
    storage,
    evict: () => void (object = wake()),
    async take(): Promise<{ allowed: boolean; remaining: number; resetMs: number; unusual: boolean }> {
      const body = JSON.stringify({ watchesUsual: false, ...policy });
      const response = await object.fetch(new Request("https://limits/take", { method: "POST", body }));
      return (await response.json()) as never;
    },
    rows: () => Number(storage.sql.exec("select count(*) as n from taken").toArray()[0]?.["n"]),
    /** Lets time pass, and the alarm go off when it is due. */
    async pass(ms: number) {
      const until = world.nowMs + ms;
      while (storage.alarmMs !== null && storage.alarmMs <= until) {
        world.nowMs = Math.max(world.nowMs, storage.alarmMs);
        storage.alarmMs = null;
        await object.alarm();
      }
      world.nowMs = until;
    },
  };
}

describe("the counter's object", () => {
  test("admits exactly its quota of requests that come at once", async () => {
    const one = bucket({ limit: 100, windowSeconds: 60 });
    const answers = await Promise.all(Array.from({ length: 250 }, () => one.take()));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(100);
    expect(answers.filter(({ allowed }) => allowed).map(({ remaining }) => remaining).toSorted((a, b) => b - a)).toEqual(Array.from({ length: 100 }, (_, at) => 99 - at)); // prettier-ignore
  });

  test("forgets nothing when it is evicted, and admits again when it said it would", async () => {
    const one = bucket({ limit: 10, windowSeconds: 60 });
    for (let at = 0; at < 10; at += 1) {
      expect((await one.take()).allowed).toBe(true);
      one.evict();
      await one.pass(700);
    }
    const refused = await one.take();
    expect(refused.allowed).toBe(false);
    await one.pass(refused.resetMs - 1);
    one.evict();
    expect((await one.take()).allowed).toBe(false);
    await one.pass(1);
    expect((await one.take()).allowed).toBe(true);
  });

  test("admits no more than its quota in any window, however often it is evicted and its clock goes back", async () => {
    const one = bucket({ limit: 7, windowSeconds: 5 });
    const admitted: number[] = [];
    let trueMs = start;
    let seed = 1;
    const draw = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let at = 0; at < 3_000; at += 1) {
      const gap = draw(400);
      trueMs += gap;
      await one.pass(gap);
      if (draw(10) === 0) one.evict();
      if (draw(100) === 0) one.world.nowMs -= draw(20_000);
      if ((await one.take()).allowed) admitted.push(trueMs);
    }
    const most = Math.max(...admitted.map((from) => admitted.filter((ms) => ms >= from && ms < from + 5_000).length));
    expect(most).toBe(7);
  });

  test("keeps a row a second at most, drops those that count no longer, and in the end itself", async () => {
    const one = bucket({ limit: 1_000, windowSeconds: 60 });
    for (let second = 0; second < 600; second += 1) {
      for (let at = 0; at < 3; at += 1) await one.take();
      await one.pass(1_000);
      expect(one.rows()).toBeLessThanOrEqual(122);
    }
    expect(one.storage.deletions).toBe(0);
    await one.pass(130_000);
    expect(one.storage).toMatchObject({ alarmMs: null, deletions: 1 });
    expect((await one.take()).allowed).toBe(true);
    expect(one.rows()).toBe(1);
  });

  test("learns what is usual across evictions, and says once what is not", async () => {
    const one = bucket({ limit: 6_000, windowSeconds: 60, watchesUsual: true });
    for (let hour = 0; hour < 30; hour += 1) {
      for (let at = 0; at < 70; at += 1) expect((await one.take()).unusual).toBe(false);
      one.evict();
      await one.pass(hourMs);
    }
    const told: number[] = [];
    for (let at = 1; at <= 2_000; at += 1) {
      if (at % 100 === 0) one.evict();
      if ((await one.take()).unusual) told.push(at);
    }
    expect(told).toEqual([701]);
  });

  test("that watches what is usual keeps it for thirty days without a request, and not for ever", async () => {
    const one = bucket({ limit: 10, windowSeconds: 60, watchesUsual: true });
    await one.take();
    await one.pass(hourMs);
    await one.take();
    await one.pass(29 * dayMs);
    one.evict();
    expect(one.rows()).toBe(1);
    expect(one.storage.deletions).toBe(0);
    await one.pass(2 * dayMs);
    expect(one.storage).toMatchObject({ alarmMs: null, deletions: 1 });
    // Used in one hour alone, as a made-up credential is, it goes after two days.
    const brief = bucket({ limit: 10, windowSeconds: 60, watchesUsual: true });
    await brief.take();
    await brief.pass(2 * dayMs + 60_000);
    expect(brief.storage.deletions).toBe(1);
  });
});
