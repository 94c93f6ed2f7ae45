import { afterAll, beforeAll } from "vitest";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { crashTable } from "./crash-table.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
});
afterAll(() => db?.close());

crashTable(() => db);
