/** The counters of `src/http/rate-limits.ts` in memory, by the same pure code. */
import { type Quotas, type PolicyName, type Policy, quotasOf } from "../../src/http/quotas.ts";
import type { RateLimits } from "../../src/http/rate-limits.ts";
import { SlidingWindow } from "../../src/lib/sliding-window.ts";
import { countRequest, type UsualRate } from "../../src/lib/usual-rate.ts";

export interface MemoryLimits extends RateLimits {
  /** Each bucket that was asked for, as often as it was. */
  readonly asked: string[];
  /** What every bucket answers from now on: counts, or cannot be asked. */
  answering: boolean;
}

export function memoryLimits(milliseconds: () => number = Date.now): MemoryLimits {
  const windows = new Map<string, SlidingWindow>();
  const usual = new Map<string, UsualRate>();
  return {
    asked: [],
    answering: true,
    async take(bucket, policy) {
      this.asked.push(bucket);
      if (!this.answering) return null;
      const window = windows.get(bucket) ?? new SlidingWindow();
      windows.set(bucket, window);
      const { allowed, atMs, remaining, resetMs } = window.take(milliseconds(), policy);
      const counted = allowed && policy.watchesUsual ? countRequest(usual.get(bucket) ?? null, atMs) : null;
      if (counted !== null) usual.set(bucket, counted.rate);
      const unusual = counted?.unusual ?? false;
      return { allowed, limit: policy.limit, remaining, resetSeconds: Math.ceil(resetMs / 1000), unusual };
    },
  };
}

/** Quotas of which some are set otherwise. */
export const quotasWith = (limits: Partial<Record<PolicyName, number>>): Quotas =>
  Object.fromEntries(
    Object.values<Policy>(quotasOf()).map((policy) => [policy.name, { ...policy, limit: limits[policy.name] ?? policy.limit }]),
  ) as Record<PolicyName, Policy>;

/** For tests about other things: a test file sends more in a minute than a client may. */
export const generous: Quotas = quotasWith({
  key: 1_000_000,
  issuer: 1_000_000,
  user: 1_000_000,
  address: 1_000_000,
  challenge: 1_000_000,
  challenge_address: 1_000_000,
  challenge_known: 1_000_000,
  challenge_mail: 1_000_000,
  challenge_code: 1_000_000,
});
