/** What asks a counter's object, with one that answers, one that is slow and one that is dead. */
import { describe, expect, test } from "vitest";
import { objectLimits, type Refusals } from "../../src/providers/limits/object-limits.ts";
import { memoryNamespace } from "../support/object-storage.ts";

const start = 1_795_000_000_000;
const policy = { name: "key", limit: 3, windowSeconds: 60, watchesUsual: false } as const;

function platform(fault?: (init: RequestInit) => Promise<Response>) {
  const world = { nowMs: start };
  const refusals: Refusals = new Map();
  const namespace = memoryNamespace(() => world.nowMs);
  const limits = objectLimits({
    namespace: fault === undefined ? namespace : { idFromName: (name) => name, get: () => ({ fetch: (_, init) => fault(init) }) },
    refusals,
    milliseconds: () => world.nowMs,
    answerMillisecondsMax: 50,
    digest: async (bucket) => `digest of ${bucket.length}`,
  });
  return { world, refusals, names: namespace.names, take: (bucket: string) => limits.take(bucket, policy) };
}

describe("asking a counter", () => {
  test("answers the quota, what remains and when there is more, in whole seconds that are long enough", async () => {
    const { take, world } = platform();
    expect(await take("a")).toEqual({ allowed: true, limit: 3, remaining: 2, resetSeconds: 60, unusual: false });
    world.nowMs += 1;
    await take("a");
    await take("a");
    expect(await take("a")).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 60, unusual: false });
    world.nowMs += 60_000;
    expect((await take("a"))?.allowed).toBe(true);
  });

  test("does not ask again before a refusal's end, and then does", async () => {
    const { take, world, names } = platform();
    for (let at = 0; at < 4; at += 1) await take("a");
    const asked = names.length;
    for (let second = 0; second < 60; second += 1) {
      expect(await take("a")).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 60 - second });
      world.nowMs += 1_000;
    }
    expect(names.length).toBe(asked);
    expect((await take("a"))?.allowed).toBe(true);
    expect(names.length).toBe(asked + 1);
  });

  test("a refusal of one bucket is none of another, and an isolate remembers a thousand at most", async () => {
    const { take, refusals } = platform();
    const names = Array.from({ length: 1_200 }, (_, at) => "x".repeat(at + 1));
    for (const name of names) for (let at = 0; at < 4; at += 1) await take(name);
    expect(refusals.size).toBe(1_000);
    expect((await take("y".repeat(5_000)))?.allowed).toBe(true);
    // One that was forgotten is told again.
    expect((await take("x"))?.allowed).toBe(false);
  });

  test("a clock that goes back does not make a refusal last", async () => {
    const { take, world, names } = platform();
    for (let at = 0; at < 4; at += 1) await take("a");
    world.nowMs -= 3_600_000;
    const asked = names.length;
    await take("a");
    expect(names.length).toBe(asked + 1);
  });

  test("tells the platform a digest, and never the bucket's name", async () => {
    const { take, names } = platform();
    await take("address:203.0.113.7");
    expect(names).toEqual(["digest of 19"]);
  });

  test.each<[string, (init: RequestInit) => Promise<Response>]>([
    ["is dead", async () => Promise.reject(new Error("the object was reset"))],
    ["is overloaded", async () => new Response("no", { status: 503 })],
    ["answers rubbish", async () => new Response("<html>")],
    ["is slow", (init) => new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("timeout"))))],
  ])("a counter that %s gives no answer, in time", async (_, fault) => {
    const { take, refusals } = platform(fault);
    const began = performance.now();
    expect(await take("a")).toBeNull();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(refusals.size).toBe(0);
  });
});
