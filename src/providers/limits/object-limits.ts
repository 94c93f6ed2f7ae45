import type { Quota } from "../../lib/sliding-window.ts";

/** What is used of a Durable Object namespace. */
export interface Namespace {
  idFromName(name: string): unknown;
  get(id: never): { fetch(url: string, init: RequestInit): Promise<Response> };
}
export interface AskedPolicy extends Quota {
  readonly watchesUsual: boolean;
}
interface Answer {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly resetMs: number;
  readonly unusual: boolean;
}

/** Refusals that hold still, by bucket: until when. Kept by the isolate. */
export type Refusals = Map<string, number>;
const refusalsMax = 1_000;
interface Wiring {
  readonly namespace: Namespace;
  readonly refusals: Refusals;
  readonly milliseconds: () => number;
  /** Later than this an answer is not waited for. */
  readonly answerMillisecondsMax: number;
  /** A keyed digest: a bucket's name holds an address, which the platform is not told as a name. */
  readonly digest: (bucket: string) => Promise<string>;
}

/** The counters, each a Durable Object. */
export function objectLimits({ namespace, refusals, milliseconds, answerMillisecondsMax, digest }: Wiring) {
  const ask = async (policy: AskedPolicy, name: string): Promise<Answer | null> => {
    try {
      const response = await namespace.get(namespace.idFromName(name) as never).fetch("https://limits/take", {
        method: "POST",
        body: JSON.stringify(policy),
        signal: AbortSignal.timeout(answerMillisecondsMax),
      });
      return response.ok ? ((await response.json()) as Answer) : null;
    } catch {
      return null;
    }
  };
  return {
    async take(bucket: string, policy: AskedPolicy) {
      const { limit, windowSeconds, watchesUsual } = policy;
      const nowMs = milliseconds();
      // Nothing is admitted before a refusal's end, so that it need not be asked for again: a flood stops here, and the
      // object, which serves some thousand requests a second, is not kept from answering by what it has refused.
      const leftMs = (refusals.get(bucket) ?? 0) - nowMs;
      if (leftMs > 0 && leftMs <= windowSeconds * 1000) {
        return { allowed: false, limit, remaining: 0, resetSeconds: Math.ceil(leftMs / 1000), unusual: false };
      }
      const answer = await ask({ limit, windowSeconds, watchesUsual }, await digest(bucket));
      if (answer === null) return null;
      const { allowed, remaining, resetMs, unusual } = answer;
      refusals.delete(bucket);
      if (!allowed) remember(refusals, bucket, milliseconds(), resetMs);
      return { allowed, limit, remaining, resetSeconds: Math.ceil(resetMs / 1000), unusual };
    },
  };
}

function remember(refusals: Refusals, bucket: string, nowMs: number, resetMs: number): void {
  if (refusals.size >= refusalsMax) for (const [known, untilMs] of refusals) if (untilMs <= nowMs) refusals.delete(known);
  // All of them hold still: any may be forgotten, it will be told again.
  const [oldest] = refusals.keys();
  if (refusals.size >= refusalsMax && oldest !== undefined) refusals.delete(oldest);
  refusals.set(bucket, nowMs + resetMs);
}
