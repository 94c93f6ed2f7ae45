import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countRequest, learnedHoursMin, unusualCountMin, type UsualRate } from "../../src/lib/usual-rate.ts";

const hourMs = 3_600_000;
const start = Math.floor(1_795_000_000_000 / hourMs) * hourMs;

/** A credential that is used as often as it is told, hour by hour. */
function credential() {
  let rate: UsualRate | null = null;
  let hour = 0;
  return {
    /** An hour with so many requests, `gapHours` after the last. Answers at which of them it was called unusual. */
    use(count: number, gapHours = 1): number[] {
      hour += gapHours;
      const told: number[] = [];
      for (let at = 1; at <= count; at += 1) {
        const counted = countRequest(rate, start + hour * hourMs + Math.floor((at * (hourMs - 1)) / count));
        rate = counted.rate;
        if (counted.unusual) told.push(at);
      }
      return told;
    },
    mean: () => rate?.mean ?? 0,
  };
}

describe("the usual rate", () => {
  test("calls an hour unusual once, at the request that passes ten times the usual", () => {
    const key = credential();
    for (let hour = 0; hour < learnedHoursMin; hour += 1) expect(key.use(200)).toEqual([]);
    expect(key.use(2_000)).toEqual([]);
    const quiet = credential();
    for (let hour = 0; hour < learnedHoursMin; hour += 1) quiet.use(200);
    expect(quiet.use(5_000)).toEqual([2_001]);
    // And again in the next hour that does.
    expect(quiet.use(10_000)).toHaveLength(1);
  });

  test("calls nothing unusual while it has seen too few hours of use, however much comes", () => {
    const key = credential();
    for (let hour = 0; hour < learnedHoursMin; hour += 1) expect(key.use(hour === learnedHoursMin - 1 ? 50_000 : 10)).toEqual([]);
    expect(key.use(50_000)).toHaveLength(1);
  });

  test("calls little unusual never: ten times almost nothing is no news", () => {
    const key = credential();
    for (let hour = 0; hour < 100; hour += 1) key.use(2);
    expect(key.use(unusualCountMin)).toEqual([]);
    expect(key.use(unusualCountMin + 1)).toEqual([unusualCountMin + 1]);
  });

  test("compares a nightly job with its nights, not with its days", () => {
    const nightly = credential();
    for (let night = 0; night < 60; night += 1) expect(nightly.use(3_000, 24)).toEqual([]);
    expect(nightly.mean()).toBeCloseTo(3_000);
  });

  test("follows growth, and is not taught by a flood that it is usual", () => {
    const growing = credential();
    let hourly = 100;
    for (let hour = 0; hour < 400; hour += 1, hourly *= 1.01) expect(growing.use(Math.round(hourly))).toEqual([]);
    const flooded = credential();
    for (let hour = 0; hour < 100; hour += 1) flooded.use(100);
    for (let hour = 0; hour < 5; hour += 1) expect(flooded.use(40_000)).toHaveLength(1);
    expect(flooded.mean()).toBeLessThan(160);
  });

  test("a clock that goes back opens no new hour", () => {
    let rate: UsualRate | null = null;
    for (let hour = 0; hour < 30; hour += 1)
      for (let at = 0; at < 70; at += 1) rate = countRequest(rate, start + hour * hourMs).rate;
    const { hour = 0, count = 0 } = rate ?? {};
    const back = countRequest(rate, start - 5 * hourMs).rate;
    expect(back).toMatchObject({ hour, count: count + 1 });
  });

  test("is never told twice in an hour, nor below its floor, nor without history, whatever comes", () => {
    let told = 0;
    const counts = fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 1, max: 40 }) }, fc.integer({ min: 500, max: 3_000 }));
    const hours = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), counts), { minLength: 40, maxLength: 80 });
    fc.assert(
      fc.property(hours, (uses) => {
        const key = credential();
        for (const [index, [gap, count]] of uses.entries()) {
          const unusual = key.use(count, gap);
          told += unusual.length;
          expect(unusual.length).toBeLessThanOrEqual(1);
          if (index < learnedHoursMin || count <= unusualCountMin) expect(unusual).toEqual([]);
        }
      }),
      { numRuns: 30 },
    );
    expect(told).toBeGreaterThan(0);
  });
});
