import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, overWire, readMigrations } from "../../dev/database/migrate.ts";
import { type PostgresServer, startPostgres } from "../../dev/database/postgres.ts";
import { catalogFaults } from "./catalog-faults.ts";

/** A server of its own: roles belong to a whole server, and here another than its superuser must make them. */
let server: PostgresServer;
let owner: pg.Client;

beforeAll(async () => {
  server = await startPostgres();
  const superuser = new pg.Client({ connectionString: server.connectionString });
  await superuser.connect();
  // What Neon's console gives to the owner of a database.
  await superuser.query("create role neon_superuser createdb createrole bypassrls nologin");
  await superuser.query(
    "create role neondb_owner login createdb createrole bypassrls replication password 'owner' in role neon_superuser",
  );
  await superuser.query("create database neondb owner neondb_owner");
  await superuser.end();
  const url = new URL(server.connectionString);
  owner = new pg.Client({
    host: url.hostname,
    port: Number(url.port),
    user: "neondb_owner",
    password: "owner",
    database: "neondb",
  });
  await owner.connect();
});
afterAll(async () => {
  await owner?.end();
  await server?.stop();
});

test("an owner who is no superuser, as on Neon, migrates from zero and again, and the walls stand", async () => {
  const migrations = await readMigrations();
  expect(await migrate(overWire(owner), { appPassword: "a password for the app" })).toEqual(migrations.map(({ name }) => name));
  expect(await migrate(overWire(owner), { appPassword: "a password for the app" })).toEqual([]);
  expect(await catalogFaults((text, params = []) => owner.query<Record<string, unknown>>(text, [...params]))).toEqual([]);
});

test("the app role signs in with its password and can neither become another role nor make anything", async () => {
  const { host, port } = owner;
  const app = new pg.Client({ host, port, user: "dialgate_app", password: "a password for the app", database: "neondb" });
  await app.connect();
  const codeOf = (statement: string): Promise<string> =>
    app.query(statement).then(
      () => "no error",
      (error: { code: string }) => error.code,
    );
  expect((await app.query("select current_user, session_user, current_setting('timezone') as zone")).rows).toEqual([
    { current_user: "dialgate_app", session_user: "dialgate_app", zone: "UTC" },
  ]);
  for (const statement of [
    "set role dialgate_migrator",
    "set role dialgate_door",
    "set role dialgate_audit",
    "set role postgres",
    "create table public.mine (id integer)",
    "create temporary table mine (id integer)",
    "create schema mine",
    "select from migrations.applied",
  ]) {
    expect({ statement, code: await codeOf(statement) }).toEqual({ statement, code: "42501" });
  }
  await app.end();
});

test("a server that does not record when transactions committed is refused, and the setting is named", async () => {
  await expect(startPostgres({ settings: ["track_commit_timestamp=off"] })).rejects.toThrow("track_commit_timestamp");
});
