/** Two thousand pairs of a known and an unknown address, over a real Postgres. */
import { openTestDatabase } from "../support/database.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reportAccess } from "../support/report.ts";
import { comparePairs, makeAccounts, thatLooks, thatTells } from "./addresses.ts";
import { type Api, openApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi({}, undefined, undefined, await openTestDatabase({ postgres: true }));
});
afterAll(() => api?.close());

test("known and unknown addresses get the same bytes, and time tells them apart no better than a coin", async () => {
  const known = await makeAccounts(api);
  const { pairs, differing, auc, medianMilliseconds } = await comparePairs(api.deps, known, 2_000);
  const leaking = await comparePairs(thatLooks(api, known), known, 300);
  const telling = await comparePairs(thatTells(api, known), known, 40);
  console.log(`addresses: ${pairs} pairs, ${differing} differing (${telling.differing} of 40 where a difference was planted), AUC ${auc.toFixed(3)}, median ${medianMilliseconds.toFixed(1)} ms; with a look-up ${leaking.auc.toFixed(3)}`);
  reportAccess("addresses", { pairs, differing, differing_when_planted: telling.differing, auc: Number(auc.toFixed(3)), auc_with_a_look_up: Number(leaking.auc.toFixed(3)) });
  expect([differing, telling.differing]).toEqual([0, 40]);
  expect(auc).toBeLessThanOrEqual(0.55);
  expect(leaking.auc).toBeGreaterThan(0.6);
}, 300_000); // prettier-ignore
