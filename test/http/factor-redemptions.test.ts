/** On one connection transactions take turns: that each stands by itself. At once they meet in factor-redemptions.postgres.test.ts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { redeemFactor, ways } from "./factor-redemptions.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

test.each(ways)("sixty at once with %s: it holds for one, the others are told that it does not", async (way) => {
  const transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  expect(await redeemFactor(db, transport, way, 60)).toEqual({ asked: 60, shown: 1, refused: 59, other: [], open: 1 });
});
