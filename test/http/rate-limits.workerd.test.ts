/** The counters where they run: in workerd, as Durable Objects with their own storage, asked by many requests at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStack, type Stack } from "../../dev/stack.ts";
import type { Instant } from "../../src/lib/instant.ts";

const quota = 60;
const floodLimit = 100;
let stack: Stack;
let key: string;
const log: string[] = [];
beforeAll(async () => {
  stack = await startStack({
    floodLimit,
    vars: { RATE_LIMIT_KEY_PER_MINUTE: String(quota) },
    onLog: (line) => void log.push(line),
  });
  key = (await stack.seed("Acme", "2026-11-20T07:00:00Z" as Instant)).apiKey;
}, 120_000);
afterAll(() => stack?.close());

/** Counted as every request is; it needs no row, so that nothing but the counters is under load. */
const ask = (headers: Record<string, string> = {}, path = "/v1/nothing") =>
  fetch(`${stack.origin}${path}`, { headers: { authorization: `Bearer ${key}`, ...headers } });

test("a quota is exact under two hundred requests at once, holds across a restart, and binds nobody else", { timeout: 120_000 }, async () => {
  const began = Date.now();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => ask({ "cf-connecting-ip": `203.0.113.${at}` })));
  const served = answers.filter(({ status }) => status === 404);
  const refused = answers.filter(({ status }) => status === 429);
  expect([served.length, refused.length, log.slice(-5)]).toEqual([quota, 200 - quota, expect.anything()]);
  const remaining = served.map(({ headers }) => Number(/^"key";r=(\d+);t=\d+$/.exec(headers.get("ratelimit") ?? "")?.[1]));
  expect(remaining.toSorted((a, b) => a - b)).toEqual(Array.from({ length: quota }, (_, at) => at));
  for (const { headers } of refused) {
    expect(headers.get("ratelimit-policy")).toBe(`"key";q=${quota};w=60`);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
  }

  await stack.restartWorker();
  const after = await ask();
  expect(Date.now() - began, "the machine is too slow for this test to say anything").toBeLessThan(55_000);
  expect(after.status).toBe(429);
  // Positive control: the restarted worker serves another key.
  const other = (await stack.seed("Borealis", "2026-11-20T07:00:00Z" as Instant)).apiKey;
  expect((await ask({ authorization: `Bearer ${other}` }, "/v1/account")).status).toBe(200);
  expect(log.filter((line) => line.includes("RateLimitUnasked"))).toEqual([]);
}); // prettier-ignore

test("the platform's flood limit is bound, and asked first", async () => {
  const statuses: (string | null)[] = [];
  const from = { "cf-connecting-ip": "198.51.100.77" };
  // It counts by whole ten seconds: that many requests cannot all fall into windows with room.
  for (let at = 0; at < 3 * floodLimit; at += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${stack.origin}/nothing`, { headers: from })));
    statuses.push(...answers.map(({ headers }) => headers.get("retry-after")));
  }
  expect(statuses).toContain("10");
  expect(statuses).toContain(null);
  expect((await fetch(`${stack.origin}/nothing`, { headers: { "cf-connecting-ip": "198.51.100.78" } })).status).toBe(404);
}, 60_000);
