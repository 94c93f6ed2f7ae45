/** However many have all that a link takes, one session comes of it: on a real Postgres, whose transactions meet. */
import { openTestDatabase } from "../support/database.ts";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SystemDb } from "../../src/db/system-db.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { pgTransport } from "../dispatch/pg-transport.ts";
import { testPeppers } from "../support/peppers.ts";
import { reportAccess } from "../support/report.ts";
import { newId } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";
import { redeemAtOnce, ways } from "./redemptions.ts";

const atOnce = 1_000;
const connections = 48;
let api: Api;
let pool: pg.Pool;
/** Straight to Postgres: the endpoint's own queue would time most of them out before they meet. */
let deps: HttpDeps;
const sessions: Record<string, number> = {};
beforeAll(async () => {
  api = await openApi({}, undefined, undefined, await openTestDatabase({ postgres: true }));
  pool = new pg.Pool({ connectionString: api.db.connectionString, max: connections });
  deps = { ...api.deps, system: new SystemDb(pgTransport(pool, { name: "redeem", milliseconds: () => 0 }), newId, testPeppers) };
});
afterAll(async () => {
  await pool?.end();
  await api?.close();
});

test.each(ways)(
  "a thousand at once with %s: exactly one is signed in, and the others are told that it does not work",
  async (way) => {
    const redeemed = await redeemAtOnce(api, deps, way, atOnce);
    console.log(`${atOnce} at once with ${way}: ${redeemed.signedIn} signed in, ${redeemed.refused} refused`);
    sessions[way.replaceAll(" ", "_")] = redeemed.sessions;
    reportAccess("redemptions", { at_once: atOnce, ...sessions });
    expect(redeemed).toEqual({ asked: atOnce, signedIn: 1, refused: atOnce - 1, other: [], sessions: 1 });
  },
  300_000,
);
