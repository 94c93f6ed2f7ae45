/**
 * Asking for a link says nothing of whether an address is anyone's. The figure that is quoted is of addresses.postgres.test.ts,
 * over two thousand pairs; of three hundred, chance alone parts times by up to 0.6 once in forty thousand runs.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { comparePairs, makeAccounts, thatLooks, thatTells } from "./addresses.ts";
import { type Api, openApi } from "./api.ts";

let api: Api;
let known: readonly string[];
beforeAll(async () => {
  api = await openApi();
  known = await makeAccounts(api);
});
afterAll(() => api?.close());

test("known and unknown addresses get the same bytes, in times that do not tell them apart", async () => {
  const compared = await comparePairs(api.deps, known, 300);
  console.log(
    `addresses: ${compared.pairs} pairs, ${compared.differing} differing, AUC ${compared.auc.toFixed(3)}, median ${compared.medianMilliseconds.toFixed(1)} ms`,
  );
  expect(compared.differing).toBe(0);
  expect(compared.auc).toBeLessThanOrEqual(0.6);
}, 60_000);

test("the same measure counts each answer that tells", async () => {
  expect((await comparePairs(thatTells(api, known), known, 20)).differing).toBe(20);
}, 60_000);

test("the same measure tells apart whoever is looked up", async () => {
  const leaking = await comparePairs(thatLooks(api, known), known, 150);
  console.log(`addresses: with a look-up of those that are known, AUC ${leaking.auc.toFixed(3)}`);
  expect(leaking.auc).toBeGreaterThan(0.6);
}, 60_000);
