/** The worker serves as a role that both walls hold, or not at all (design §3). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { SystemDb } from "../../src/db/system-db.ts";
import { neonTransport } from "../../src/db/transport.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testPeppers } from "../support/peppers.ts";
import { newId } from "../support/world.ts";

let db: TestDatabase;
let system: SystemDb;
beforeAll(async () => {
  db = await openTestDatabase();
  system = new SystemDb(neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` }), newId, testPeppers);
});
afterAll(() => db?.close());

test.each([
  ["a superuser", "alter role dialgate_app superuser", "alter role dialgate_app nosuperuser"],
  ["a role that passes row security", "alter role dialgate_app bypassrls", "alter role dialgate_app nobypassrls"],
  ["a role that makes roles", "alter role dialgate_app createrole", "alter role dialgate_app nocreaterole"],
  ["the owner of a tenant table", "alter table sellers owner to dialgate_app", "alter table sellers owner to dialgate_migrator"],
  ["the owner of a tenant table in parts", "do $$ begin create table public.parted (org_id uuid) partition by list (org_id); alter table public.parted owner to dialgate_app; end $$", "drop table public.parted"],
  ["a member of the doors' role", "grant dialgate_door to dialgate_app", "revoke dialgate_door from dialgate_app"],
  ["one that may become the doors' role", "grant dialgate_door to dialgate_app with inherit false, set true", "revoke dialgate_door from dialgate_app"],
  ["a member of the migrator", "grant dialgate_migrator to dialgate_app", "revoke dialgate_migrator from dialgate_app"],
  ["a member of the chain's owner", "grant dialgate_audit to dialgate_app", "revoke dialgate_audit from dialgate_app"],
])("%s is refused, and the role as it was is not", async (_, made, mended) => {
  expect(await system.unsafeRole()).toBe(false);
  await db.admin(made);
  expect(await system.unsafeRole()).toBe(true);
  await db.admin(mended);
  expect(await system.unsafeRole()).toBe(false);
}); // prettier-ignore
