/** On one connection transactions take turns: that each stands by itself. At once they meet in redemptions.postgres.test.ts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, openApi } from "./api.ts";
import { redeemAtOnce, ways } from "./redemptions.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());

test.each(ways)("sixty with %s: one is signed in, the others are told that it does not work", async (way) => {
  expect(await redeemAtOnce(api, api.deps, way, 60)).toEqual({ asked: 60, signedIn: 1, refused: 59, other: [], sessions: 1 });
});
