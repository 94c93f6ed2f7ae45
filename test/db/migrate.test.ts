import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Migration, migrate, readMigrations } from "../../dev/database/migrate.ts";
import { ownerOf, startPglite } from "../../dev/database/pglite.ts";

let db: PGlite;
beforeAll(async () => {
  db = await PGlite.create();
});
afterAll(() => db?.close());

const numbered = (name: string, script: string): Migration => ({ name, script, digest: `digest of ${script}` });
const first = numbered("0001_first.sql", "create table public.one (id integer)");
const second = numbered("0002_second.sql", "create table public.two (id integer)");

test("migrations run in order, once, as dialgate_migrator", async () => {
  expect(await migrate(ownerOf(db), { migrations: [first] })).toEqual(["0001_first.sql"]);
  expect(await migrate(ownerOf(db), { migrations: [first, second] })).toEqual(["0002_second.sql"]);
  expect(await migrate(ownerOf(db), { migrations: [first, second] })).toEqual([]);
  const { rows } = await db.query("select tableowner from pg_tables where tablename in ('one', 'two')");
  expect(rows).toEqual([{ tableowner: "dialgate_migrator" }, { tableowner: "dialgate_migrator" }]);
  expect((await db.query("select current_user")).rows).toEqual([{ current_user: "postgres" }]);
});

test("a file that was changed, lost, or slipped in before an applied one is refused by its name", async () => {
  const run = (migrations: Migration[]): Promise<string[]> => migrate(ownerOf(db), { migrations });
  await expect(run([first, numbered(second.name, "something else")])).rejects.toThrow("0002_second.sql was changed");
  await expect(run([first])).rejects.toThrow("0002_second.sql was applied to this database and its file is gone");
  await expect(run([first, numbered("0001_late.sql", "select 1"), second])).rejects.toThrow("0001_late.sql comes before");
});

test("a migration that fails leaves nothing of itself and can be applied when it is put right", async () => {
  const broken = numbered("0003_broken.sql", "create table public.three (id integer); select 1 / 0;");
  await expect(migrate(ownerOf(db), { migrations: [first, second, broken] })).rejects.toThrow(
    "0003_broken.sql failed: division by zero",
  );
  expect((await db.query("select to_regclass('public.three') as three")).rows).toEqual([{ three: null }]);
  const right = numbered("0003_broken.sql", "create table public.three (id integer)");
  expect(await migrate(ownerOf(db), { migrations: [first, second, right] })).toEqual(["0003_broken.sql"]);
});

test("a role that somebody made with rights beyond row security is refused", async () => {
  await db.exec("alter role dialgate_app bypassrls");
  await expect(migrate(ownerOf(db), { migrations: [] })).rejects.toThrow("BYPASSRLS");
  await db.exec("alter role dialgate_app nobypassrls");
  await db.exec("grant dialgate_door to dialgate_app");
  await expect(migrate(ownerOf(db), { migrations: [] })).rejects.toThrow("member of another role");
  await db.exec("revoke dialgate_door from dialgate_app");
});

test("the app role gets the password it is given, whatever is in it", async () => {
  await migrate(ownerOf(db), {
    migrations: [first, second, numbered("0003_broken.sql", "create table public.three (id integer)")],
    appPassword: 'it\'s \\ "quoted"; drop table one',
  });
  const { rows } = await db.query(
    "select rolpassword like 'SCRAM-SHA-256$%' as hashed, to_regclass('public.one') is not null as kept from pg_authid where rolname = 'dialgate_app'",
  );
  expect(rows).toEqual([{ hashed: true, kept: true }]);
});

test("files have four digits and words, and no number twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dialgate-migrations-"));
  try {
    await writeFile(join(folder, "0001_one.sql"), "select 1");
    await writeFile(join(folder, "0001_other.sql"), "select 1");
    await expect(readMigrations(folder)).rejects.toThrow("0001_other.sql and 0001_one.sql have the same number");
    await rm(join(folder, "0001_other.sql"));
    await writeFile(join(folder, "2_two.sql"), "select 1");
    await expect(readMigrations(folder)).rejects.toThrow("2_two.sql is not named");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a database in a folder is migrated, served as the app role, and whole when it is opened again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dialgate-pglite-"));
  try {
    const opened = await startPglite({ dataDir: folder });
    await opened.admin("create table public.kept as select 1 as one");
    await opened.close();
    const again = await startPglite({ dataDir: folder });
    expect((await again.admin("select one from public.kept")).rows).toEqual([{ one: 1 }]);
    await again.close();
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
