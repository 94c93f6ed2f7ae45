/**
 * A migrated database of its own for one test file: PGlite for `*.test.ts`; on a real Postgres for
 * `*.postgres.test.ts`, a copy of a migrated template.
 */
import { createHash, randomBytes } from "node:crypto";
import { neonConfig } from "@neondatabase/serverless";
import pg from "pg";
import { migrate, overWire, readMigrations } from "../../dev/database/migrate.ts";
import { type NeonEndpoint, startNeonEndpoint } from "../../dev/database/neon-endpoint.ts";
import { startPglite } from "../../dev/database/pglite.ts";
import { faultsOfChains } from "./told-events.ts";

// The driver collects what it writes behind a timer, and Node's shortest is a millisecond: each step of a transaction waited for one.
neonConfig.coalesceWrites = false;

/** By host and port: what is asked of these needs no socket (the protocol over one is `test/db/neon-endpoint.test.ts`'s). */
const endpoints = new Map<string, NeonEndpoint>();
neonConfig.fetchFunction = (url: string, init: RequestInit) => endpoints.get(new URL(url).host)?.fetch(init) ?? fetch(url, init);

export interface TestDatabase {
  /** As the app role. */
  readonly connectionString: string;
  /** Neon's protocol in front of this database. */
  readonly endpoint: NeonEndpoint;
  /** One statement as the owner, who passes every wall. */
  admin(text: string, params?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number }>;
  /** As the owner, over the wire; on a real Postgres only. */
  readonly adminConnectionString?: string;
  close(): Promise<void>;
}

/** On a real Postgres when the lane's `dev/with-postgres.ts` named one and the test asks for it. */
export async function openTestDatabase(options: { postgres?: boolean; ownChains?: boolean } = {}): Promise<TestDatabase> {
  return options.postgres ? openOnPostgres() : openOnPglite(options.ownChains === true);
}

/** @param ownChains the test writes chains of its own, of any type and text: they are held to no table. */
async function openOnPglite(ownChains: boolean): Promise<TestDatabase> {
  const database = await startPglite();
  const endpoint = await startNeonEndpoint({ target: { host: "127.0.0.1", port: database.port } });
  const host = new URL(endpoint.url).host;
  endpoints.set(host, endpoint);
  return {
    connectionString: database.connectionString,
    endpoint,
    admin: database.admin,
    close: async () => {
      endpoints.delete(host);
      await endpoint.close();
      const faults = ownChains ? [] : await faultsOfChains(database.admin);
      await database.close();
      tellFaults(faults);
    },
  };
}

async function openOnPostgres(): Promise<TestDatabase> {
  const { DATABASE_URL: ownerUrl, APP_DATABASE_PASSWORD: appPassword } = process.env;
  if (!ownerUrl || !appPassword) throw new Error("no Postgres server: run this through npm run test:postgres");
  const name = `dialgate_test_${randomBytes(6).toString("hex")}`;
  const maintenance = new pg.Pool({ connectionString: ownerUrl, max: 1, connectionTimeoutMillis: 15_000 });
  const template = await templateDatabase(maintenance, ownerUrl, appPassword);
  await maintenance.query(`create database ${name} template ${template}`);
  await maintenance.query(`grant connect on database ${name} to dialgate_app, dialgate_migrator`);
  const adminConnectionString = onDatabase(ownerUrl, name);
  const owner = new pg.Pool({ connectionString: adminConnectionString, max: 4, connectionTimeoutMillis: 15_000 });
  const app = new URL(adminConnectionString);
  app.username = "dialgate_app";
  app.password = encodeURIComponent(appPassword);
  const endpoint = await startNeonEndpoint({
    target: { host: app.hostname, port: Number(app.port || 5432) },
    connectionsMax: 64,
  });
  return {
    connectionString: app.href,
    adminConnectionString,
    endpoint,
    admin: async (text, params = []) => {
      const { rows, rowCount } = await owner.query<Record<string, unknown>>(text, [...params]);
      return { rows, rowCount: rowCount ?? rows.length };
    },
    close: async () => {
      await endpoint.close();
      const faults = await faultsOfChains(async (text) => owner.query<Record<string, unknown>>(text));
      await owner.end();
      await connectionsGone(maintenance, name);
      await maintenance.query(`drop database if exists ${name} with (force)`);
      await maintenance.end();
      tellFaults(faults);
    },
  };
}

/** Whatever a test had written on a chain, the table of events describes it: there is no list of tests to forget to extend. */
function tellFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`audit entries that src/lib/audit-events.ts does not describe:\n${faults.join("\n")}`);
}

/** A server process outlives its client by a moment; ended by force in it, it tells a pool that no longer listens. */
async function connectionsGone(maintenance: pg.Pool, name: string): Promise<void> {
  for (let look = 0; look < 100; look++) {
    const { rowCount } = await maintenance.query("select from pg_stat_activity where datname = $1", [name]);
    if (rowCount === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Migrated once per state of the migrations; kept for the next file. */
async function templateDatabase(maintenance: pg.Pool, ownerUrl: string, appPassword: string): Promise<string> {
  const digest = createHash("sha256");
  for (const migration of await readMigrations()) digest.update(`${migration.name} ${migration.digest}\n`);
  const name = `dialgate_template_${digest.digest("hex").slice(0, 12)}`;
  const { rowCount } = await maintenance.query(
    "select from pg_database where datname = $1 and datallowconn and not datistemplate",
    [`${name}`],
  );
  if (rowCount === 1) return name;
  await maintenance.query(`drop database if exists ${name}_making with (force)`);
  await maintenance.query(`create database ${name}_making`);
  const owner = new pg.Client({ connectionString: onDatabase(ownerUrl, `${name}_making`), connectionTimeoutMillis: 15_000 });
  await owner.connect();
  try {
    await migrate(overWire(owner), { appPassword });
  } finally {
    await owner.end();
  }
  // Renamed when whole: a run that broke off leaves nothing that looks like a template.
  await maintenance.query(`alter database ${name}_making rename to ${name}`);
  return name;
}

function onDatabase(url: string, name: string): string {
  const moved = new URL(url);
  moved.pathname = `/${name}`;
  return moved.href;
}
