import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Quota, SlidingWindow } from "../../src/lib/sliding-window.ts";

/** What a sliding window is, by its definition alone: the instants that were admitted, all of them, for ever. */
function naive({ limit, windowSeconds }: Quota) {
  const admitted: number[] = [];
  const counted = (now: number) => admitted.filter((at) => at + windowSeconds * 1000 > now).length;
  return {
    admitted,
    counted,
    take(now: number) {
      const allowed = counted(now) < limit;
      if (allowed) admitted.push(now);
      return { allowed, remaining: Math.max(limit - counted(now), 0) };
    },
  };
}
/** The most that any window holds: one that begins with an admitted request holds as many as any. */
const most = (admitted: readonly number[], windowMs: number) =>
  Math.max(0, ...admitted.map((from) => admitted.filter((at) => at >= from && at < from + windowMs).length));

const quotas = fc.record({ limit: fc.integer({ min: 1, max: 20 }), windowSeconds: fc.integer({ min: 1, max: 5 }) });
/** Steps of time: bursts within a millisecond, trickles, whole windows. */
const steps = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 500, max: 6_000 })),
  { minLength: 1, maxLength: 200 },
);
const start = 1_795_000_000_000;

describe("a sliding window", () => {
  test("admits, refuses and leaves exactly what the definition does, whatever the times", () => {
    let refusals = 0;
    fc.assert(
      fc.property(quotas, steps, (quota, gaps) => {
        const [window, model] = [new SlidingWindow(), naive(quota)];
        let now = start;
        for (const gap of gaps) {
          now += gap;
          const { allowed, remaining } = window.take(now, quota);
          expect({ allowed, remaining }).toEqual(model.take(now));
          if (!allowed) refusals += 1;
        }
        expect(most(model.admitted, quota.windowSeconds * 1000)).toBeLessThanOrEqual(quota.limit);
      }),
      { seed: 20261130 },
    );
    // Positive control: the drawn times do reach the limit.
    expect(refusals).toBeGreaterThan(50);
  });

  test("says to the millisecond when the next is admitted: not before it, and at it", () => {
    let refusals = 0;
    fc.assert(
      fc.property(quotas, steps, (quota, gaps) => {
        const window = new SlidingWindow();
        let now = start;
        for (const gap of gaps) {
          now += gap;
          const { allowed, resetMs } = window.take(now, quota);
          expect(resetMs).toBeGreaterThan(0);
          expect(resetMs).toBeLessThanOrEqual(quota.windowSeconds * 1000);
          if (allowed) continue;
          refusals += 1;
          expect(window.take(now + resetMs - 1, quota).allowed).toBe(false);
          now += resetMs;
          expect(window.take(now, quota).allowed).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
    expect(refusals).toBeGreaterThan(100);
  });

  test("that is admitted says when there is room for more than remains", () => {
    const window = new SlidingWindow();
    const quota = { limit: 3, windowSeconds: 10 };
    window.take(start, quota);
    expect(window.take(start + 4_000, quota)).toMatchObject({ remaining: 1, resetMs: 6_000 });
    expect(window.take(start + 10_000, quota)).toMatchObject({ remaining: 1, resetMs: 4_000 });
  });

  test("counts nothing that it refused: who hammers on is admitted as soon as who waits", () => {
    const quota = { limit: 5, windowSeconds: 1 };
    const window = new SlidingWindow();
    for (let at = 0; at < 5; at += 1) window.take(start, quota);
    for (let at = 0; at < 1_000; at += 1) expect(window.take(start + at, quota).allowed).toBe(false);
    expect(window.take(start + 1_000, quota).allowed).toBe(true);
  });

  test("admits no more when its clock goes back, and locks nobody out for it", () => {
    const jumps = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 7_200_000 }))), {
      minLength: 20,
      maxLength: 150,
    }); // prettier-ignore
    fc.assert(
      fc.property(quotas, jumps, (quota, ticks) => {
        const window = new SlidingWindow();
        const admitted: number[] = [];
        // `now` is how time really passes; the clock that is read lags behind it by more and more.
        let [now, behind] = [start, 0];
        for (const [gap, back] of ticks) {
          now += gap;
          behind += back;
          if (window.take(now - behind, quota).allowed) admitted.push(now);
        }
        expect(most(admitted, quota.windowSeconds * 1000)).toBeLessThanOrEqual(quota.limit);
        // However far it went back, a whole window later there is room again.
        const later = now - behind + quota.windowSeconds * 1000;
        expect(window.take(later, quota).allowed).toBe(true);
      }),
    );
  });

  test("that is read back with instants rounded up admits no more, and no later than that costs", () => {
    fc.assert(
      fc.property(quotas, steps, fc.integer({ min: 0, max: 199 }), (quota, gaps, stop) => {
        let window = new SlidingWindow();
        const admitted: number[] = [];
        let now = start;
        for (const [index, gap] of gaps.entries()) {
          now += gap;
          if (index === stop || index === stop + 20) {
            const newest = admitted.at(-1);
            const rounded = admitted.map((at) => [Math.floor(at / 1000) * 1000 + 999, 1] as const);
            window = new SlidingWindow(rounded, newest === undefined ? undefined : Math.floor(newest / 1000) * 1000);
          }
          if (window.take(now, quota).allowed) admitted.push(now);
        }
        expect(most(admitted, quota.windowSeconds * 1000)).toBeLessThanOrEqual(quota.limit);
        expect(window.take(now + quota.windowSeconds * 1000 + 999, quota).allowed).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("holds a huge burst in the memory of its quota", () => {
    const quota = { limit: 6_000, windowSeconds: 60 };
    const window = new SlidingWindow();
    let allowed = 0;
    for (let at = 0; at < 1_000_000; at += 1) if (window.take(start + Math.floor(at / 20), quota).allowed) allowed += 1;
    expect(allowed).toBe(6_000);
    expect(window.size).toBe(6_000);
    expect(window.take(start + 60_000 + 50_000, quota)).toMatchObject({ allowed: true, remaining: 5_999 });
    expect(window.size).toBe(1);
  });

  test("whose quota is lowered refuses until what was admitted fits, and says when that is", () => {
    const window = new SlidingWindow();
    for (let at = 0; at < 10; at += 1) window.take(start + at * 100, { limit: 10, windowSeconds: 10 });
    const lowered = { limit: 4, windowSeconds: 10 };
    const { allowed, resetMs } = window.take(start + 1_000, lowered);
    expect({ allowed, resetMs }).toEqual({ allowed: false, resetMs: 9_600 });
    expect(window.take(start + 1_000 + resetMs - 1, lowered).allowed).toBe(false);
    expect(window.take(start + 1_000 + resetMs, lowered).allowed).toBe(true);
  });
});
