import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { instantOf, secondsOf } from "../../src/lib/instant.ts";
import type { Instant } from "../../src/lib/instant.ts";
import type { DncAnswer, DncProvider, DncQuery } from "../../src/providers/dnc/contract.ts";
import { startSimulators } from "../../dev/simulators/simulators.ts";
import type { Registration, Simulators } from "../../dev/simulators/simulators.ts";

export const dncKeys = { token: "token_0123456789abcdef", signing_secret: "signing_0123456789abcdef" } as const;
const dncAt = "2026-11-18T15:00:00Z" as Instant;
export const coveredLists = ["national", "state:FL", "state:TX", "litigator"] as const;
const registry = { listed: new Set(["+12015551234"]), areaCodes: new Set(["201", "305"]) };

interface DncBench {
  readonly provider: DncProvider;
  readonly simulators: Simulators;
  set(registration: Partial<Registration>): void;
}

async function dncBench(connect: (origin: string) => Promise<DncProvider>): Promise<DncBench> {
  const simulators = await startSimulators({ registry });
  const base: Registration = {
    account: "org_1",
    vendor: "http_dnc",
    api_key: dncKeys.token,
    webhook_secret: dncKeys.signing_secret,
    now: dncAt,
  };
  simulators.register(base);
  return {
    provider: await connect(simulators.origin),
    simulators,
    set: (differs) => void simulators.register({ ...base, ...differs }),
  };
}

export const queryOf = (
  numbers: readonly string[],
  lists: readonly string[] = ["national", "state:FL"],
  at = dncAt,
): DncQuery => ({
  requestId: "5a8c7d9e-0000-4000-8000-000000000001",
  at,
  sellerSan: "SAN-1",
  numbers: numbers.map((e164, index) => ({ id: `n${index}`, e164, state: "FL", consentAt: null })),
  lists,
});

export function answersOf(answer: DncAnswer, index = 0): Record<string, string> {
  if (answer.kind !== "answered") throw new Error(`check answered ${answer.reason}`);
  return Object.fromEntries((answer.numbers[index]?.lists ?? []).map((list) => [list.list, list.result]));
}

/** What every do-not-call source promises. `connect` makes one for the simulator's origin. */
export function dncContract(name: string, connect: (origin: string) => Promise<DncProvider>): void {
  describe(`${name}: the contract, against the simulator`, () => {
    let bench: DncBench;
    beforeAll(async () => {
      bench = await dncBench(connect);
    });
    afterAll(() => bench.simulators.close());
    const check = async (query: DncQuery, registration: Partial<Registration> = {}) => {
      bench.set(registration);
      return bench.provider.check(query);
    };

    test("a clear number is clear on every list that was asked about, with the list's date", async () => {
      const answer = await check(queryOf(["+12015550001"]));
      expect(answersOf(answer)).toEqual({ national: "clear", "state:FL": "clear" });
      const dates = answer.kind === "answered" ? answer.numbers[0]?.lists.map((list) => list.listVersionAt) : [];
      // "2026-11-17" counts from its first instant on earth.
      expect(dates).toEqual(["2026-11-16T10:00:00Z", "2026-11-16T10:00:00Z"]);
    });

    test("each list has its own answer", async () => {
      const numbers = ["+12015551234", "+12015550666", "+12015550667", "+12015550668"];
      const answer = await check(queryOf(numbers, [...coveredLists]));
      expect(numbers.map((_, index) => answersOf(answer, index))).toMatchObject([
        { national: "listed", litigator: "clear" },
        { national: "clear", litigator: "listed" },
        { national: "clear", "state:FL": "listed", "state:TX": "listed" },
        { national: "listed" },
      ]);
    });

    test("a number whose area code is not subscribed to is unknown on the national list", async () => {
      expect(answersOf(await check(queryOf(["+19075550001"])))).toMatchObject({ national: "unknown", "state:FL": "clear" });
    });

    test("a list that the source does not cover is unknown, and the others keep their answers", async () => {
      expect(answersOf(await check(queryOf(["+12015550001"], ["national", "state:MO"])))).toEqual({
        national: "clear",
        "state:MO": "unknown",
      });
    });

    test("a thousand numbers are answered in one request, in the order asked; one more is not asked at all", async () => {
      const numbers = Array.from({ length: 1000 }, (_, index) => `+1201555${String(index).padStart(4, "0")}`);
      const before = bench.simulators.requests().length;
      const answer = await check(queryOf(numbers));
      expect(answer.kind === "answered" && answer.numbers.map((number) => number.id)).toEqual(
        numbers.map((_, index) => `n${index}`),
      );
      expect(await check(queryOf([...numbers, "+13055550000"]))).toMatchObject({ kind: "failed" });
      expect(bench.simulators.requests().length - before).toBe(1);
    });

    test("the answer carries the source's reference and a digest of exactly what it said", async () => {
      const answer = await check(queryOf(["+12015550001"]));
      expect(answer).toMatchObject({
        kind: "answered",
        providerRef: expect.stringMatching(/^ref_/),
        responseDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    });

    test("nothing leaves but the number, its state, the consent's date, the seller's number and the lists", async () => {
      const query = queryOf(["+12015550001"]);
      const loaded = {
        ...query,
        email: "canary@example.com",
        numbers: query.numbers.map((number) => ({ ...number, notes: "canary note", address: "1 Canary St" })),
      };
      await check(loaded);
      const request = bench.simulators.requests().at(-1);
      expect(JSON.stringify(request)).not.toContain("anary");
      const body = JSON.parse(request?.body ?? "") as { numbers: object[] };
      expect(Object.keys(body)).toEqual(["request_id", "purpose", "seller_san", "numbers", "lists"]);
      expect(Object.keys(body.numbers[0] ?? {})).toEqual(["id", "e164", "state", "consent_at"]);
      expect(request?.headers["idempotency-key"]).toBe(query.requestId);
    });

    test.each([
      ["down", "unavailable"],
      ["reset", "unavailable"],
      ["redirect", "unavailable"],
      ["malformed", "malformed"],
      ["unsigned", "unsigned"],
      ["forged", "unsigned"],
      ["unauthorized", "unauthorized"],
      ["extra", "malformed"],
      ["twice", "malformed"],
      ["other_number", "malformed"],
      ["other_request", "malformed"],
    ])("a source that is %s has failed (%s), whatever it said", async (mode, reason) => {
      expect(await check(queryOf(["+12015550001"]), { dnc_mode: mode })).toEqual({
        kind: "failed",
        reason,
        retryAfterSeconds: null,
      });
    });

    test("a rate limit says when to come back", async () => {
      expect(await check(queryOf(["+12015550001"]), { dnc_mode: "rate_limited" })).toEqual({
        kind: "failed",
        reason: "rate_limited",
        retryAfterSeconds: 7,
      });
    });

    test("a source that takes longer than three seconds has failed", async () => {
      const began = Date.now();
      expect(await check(queryOf(["+12015550001"]), { dnc_mode: "slow" })).toMatchObject({ kind: "failed", reason: "timeout" });
      expect(Date.now() - began).toBeLessThan(4_000);
    });

    test.each(["empty", "undated", "future", "contradicting"])("an answer that is %s clears nothing", async (mode) => {
      expect(Object.values(answersOf(await check(queryOf(["+12015550001"]), { dnc_mode: mode })))).toEqual([
        "unknown",
        "unknown",
      ]);
    });

    test("a list that the answer leaves out is unknown", async () => {
      expect(answersOf(await check(queryOf(["+12015550001"]), { dnc_mode: "partial" }))).toEqual({
        national: "unknown",
        "state:FL": "clear",
      });
    });

    test("listed stays listed, dated or not: no missing date frees a number", async () => {
      for (const dnc_mode of ["undated", "future"]) {
        const answer = await check(queryOf(["+12015551234"]), { dnc_mode });
        expect(answer).toMatchObject({ numbers: [{ lists: [{ list: "national", result: "listed", listVersionAt: null }, {}] }] });
      }
    });

    test("an old list keeps its age, for the gate to judge", async () => {
      const answer = await check(queryOf(["+12015550001"]), { dnc_mode: "stale" });
      expect(answer).toMatchObject({ numbers: [{ lists: [{ result: "clear", listVersionAt: "2026-10-08T10:00:00Z" }, {}] }] });
    });

    test("whether a list's date lies ahead is judged by the org's clock, not the real one", async () => {
      const before = instantOf(secondsOf(dncAt) - 10 * 86_400);
      expect(Object.values(answersOf(await check(queryOf(["+12015550001"], undefined, before))))).toEqual(["unknown", "unknown"]);
    });

    test("a dead source has failed", async () => {
      const dead = await connect("http://127.0.0.1:9");
      expect(await dead.check(queryOf(["+12015550001"]))).toEqual({
        kind: "failed",
        reason: "unavailable",
        retryAfterSeconds: null,
      });
    });
  });
}

/** For a real source: one number that nobody has. */
export function dncVendorContract(name: string, connect: () => DncProvider, now: () => Instant): void {
  describe(`${name}: the contract, against the vendor`, () => {
    test("every list that was asked about is answered", async () => {
      const answer = await connect().check(queryOf(["+12015550100"], ["national"], now()));
      expect(Object.keys(answersOf(answer))).toContain("national");
    });
  });
}
