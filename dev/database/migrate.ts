/**
 * Applies `migrations/roles.sql` as the database's owner, then `migrations/NNNN_*.sql` in order as dialgate_migrator,
 * each in its own transaction. `DATABASE_URL=… [APP_DATABASE_PASSWORD=…] node dev/database/migrate.ts` is how a real
 * database is migrated.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";

/** A connection as the database's owner: one statement with parameters, or a script of many. */
export interface OwnerConnection {
  query(text: string, params?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  exec(script: string): Promise<void>;
}

export interface Migration {
  readonly name: string;
  readonly digest: string;
  readonly script: string;
}

const folder = fileURLToPath(new URL("../../migrations/", import.meta.url));
const nameForm = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** @returns the names of the migrations that this run applied. */
export async function migrate(
  owner: OwnerConnection,
  options: { appPassword?: string | undefined; migrations?: readonly Migration[] } = {},
): Promise<string[]> {
  const migrations = options.migrations ?? (await readMigrations());
  await owner.exec(await readFile(`${folder}roles.sql`, "utf8"));
  if (options.appPassword !== undefined) await setAppPassword(owner, options.appPassword);
  // Held by the session: two deployments at once take turns instead of applying a file twice.
  await owner.query("select pg_advisory_lock(hashtext('dialgate migrations'))");
  try {
    await owner.exec(ledger);
    // As the migrator: an owner who is no superuser inherits nothing from it.
    await owner.exec("set role dialgate_migrator");
    const { rows } = await owner.query("select name, digest from migrations.applied order by name");
    await owner.exec("set role none");
    refuseRewrittenHistory(rows, migrations);
    const done = new Set(rows.map((row) => row["name"]));
    const pending = migrations.filter((migration) => !done.has(migration.name));
    for (const migration of pending) await apply(owner, migration);
    return pending.map((migration) => migration.name);
  } finally {
    await owner.exec("set role none");
    await owner.query("select pg_advisory_unlock(hashtext('dialgate migrations'))");
  }
}

/** The numbered files, in order. @throws when two share a number or a name has another form. */
export async function readMigrations(from: string = folder): Promise<Migration[]> {
  const names = (await readdir(from)).filter((name) => name.endsWith(".sql") && name !== "roles.sql").toSorted();
  const numbers = names.map((name) => nameForm.exec(name)?.[1]);
  names.forEach((name, index) => {
    if (numbers[index] === undefined) throw new Error(`${name} is not named NNNN_words.sql`);
    if (index > 0 && numbers[index] === numbers[index - 1])
      throw new Error(`${name} and ${names[index - 1]} have the same number`);
  });
  return Promise.all(
    names.map(async (name) => {
      const script = await readFile(`${from}/${name}`, "utf8");
      return { name, script, digest: createHash("sha256").update(script).digest("hex") };
    }),
  );
}

const ledger = `
  set role dialgate_migrator;
  create schema if not exists migrations;
  create table if not exists migrations.applied (
    name text primary key,
    digest text not null,
    applied_at timestamptz not null default clock_timestamp()
  );
  comment on column migrations.applied.name is 'system';
  comment on column migrations.applied.digest is 'system';
  comment on column migrations.applied.applied_at is 'system';
  set role none;
`;

function refuseRewrittenHistory(applied: readonly Record<string, unknown>[], migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.digest]));
  const last = applied.at(-1)?.["name"];
  for (const { name, digest } of applied) {
    if (!known.has(String(name))) throw new Error(`migration ${name} was applied to this database and its file is gone`);
    if (known.get(String(name)) !== digest)
      throw new Error(`migration ${name} was changed after it had been applied: add a new file instead`);
  }
  const done = new Set(applied.map((row) => row["name"]));
  const late = migrations.find((migration) => !done.has(migration.name) && typeof last === "string" && migration.name < last);
  if (late) throw new Error(`migration ${late.name} comes before ${String(last)}, which was applied already`);
}

async function apply(owner: OwnerConnection, { name, script, digest }: Migration): Promise<void> {
  try {
    await owner.exec("begin; set local role dialgate_migrator; set local search_path = public;");
    await owner.exec(script);
    // The file may have changed its role for the audit schema or the doors.
    await owner.exec("set local role dialgate_migrator");
    await owner.query("insert into migrations.applied (name, digest) values ($1, $2)", [name, digest]);
    await owner.exec("commit");
  } catch (error) {
    await owner.exec("rollback");
    throw new Error(`migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function setAppPassword(owner: OwnerConnection, password: string): Promise<void> {
  // ALTER ROLE takes no parameter, and Neon takes no hashed password: the server quotes it, the owner sends it back.
  const { rows } = await owner.query("select format('alter role dialgate_app password %L', $1::text) as statement", [password]);
  await owner.exec(String(rows[0]?.["statement"]));
}

/** An owner's connection over the wire. */
export function overWire(client: pg.ClientBase): OwnerConnection {
  return {
    query: async (text, params = []) => ({ rows: (await client.query<Record<string, unknown>>(text, [...params])).rows }),
    exec: async (script) => void (await client.query(script)),
  };
}

async function main(): Promise<void> {
  const connectionString = process.env["DATABASE_URL"];
  if (!connectionString) throw new Error("DATABASE_URL is not set: it names the database, as its owner");
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 15_000, statement_timeout: 600_000 });
  await client.connect();
  try {
    const applied = await migrate(overWire(client), { appPassword: process.env["APP_DATABASE_PASSWORD"] });
    console.log(applied.length === 0 ? "nothing to apply" : `applied ${applied.join(", ")}`);
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
