/** PGlite (Postgres in WebAssembly) as the local database: migrated as its owner, then served as the app role. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { migrate, type OwnerConnection, readMigrations } from "./migrate.ts";
import { type PgliteServer, startPgliteServer } from "./pglite-server.ts";

export interface PgliteDatabase extends PgliteServer {
  /** As the app role, which is all that a connection can be. */
  readonly connectionString: string;
  /** One statement as the owner, who passes every wall. */
  admin(text: string, params?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number }>;
}

export interface PgliteOptions {
  /** Without a folder the database lives in memory and starts from a copy of the last migrated one. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Vacuums and analyzes what has changed, as a server does by itself; a test that counts or times wants none of it. */
  readonly autovacuum?: boolean;
}

export async function startPglite(options: PgliteOptions = {}): Promise<PgliteDatabase> {
  const db = options.dataDir === undefined ? await fromTemplate() : await fromFolder(options.dataDir);
  const server = await startPgliteServer({
    db,
    role: "dialgate_app",
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  const stopVacuum = options.autovacuum === true ? autovacuum(server) : () => undefined;
  return {
    ...server,
    close: async () => {
      stopVacuum();
      await server.close();
    },
    connectionString: appUrl(server.port),
    admin: (text, params = []) =>
      server.asOwner(async (owner) => {
        const { rows, affectedRows } = await owner.query<Record<string, unknown>>(text, [...params]);
        return { rows, rowCount: affectedRows ?? rows.length };
      }),
  };
}

/** Whoever connects is the app role; the password is of no account. */
export const appUrl = (port: number): string => `postgres://dialgate_app:local@127.0.0.1:${port}/postgres`;

const vacuumSeconds = 3;

/**
 * PGlite has no autovacuum: without it the planner believes for ever that each table is as empty as it was made, and reads
 * whole tables where an index would do. Postgres's own thresholds for analyzing: 50 rows and a tenth of the table.
 */
function autovacuum(server: PgliteServer): () => void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    void server
      .asOwner(async (owner) => {
        const { rows } = await owner.query<{ name: string }>(
          `select format('%I.%I', s.schemaname, s.relname) as name from pg_stat_user_tables s
             where s.n_mod_since_analyze > 50 + s.n_live_tup / 10 order by s.n_mod_since_analyze desc limit 20`,
        );
        for (const { name } of rows) await owner.exec(`vacuum (analyze) ${name}`);
      })
      // The next one looks again; a database that is being closed needs none.
      .catch(() => undefined)
      .finally(() => (running = false));
  }, vacuumSeconds * 1000);
  timer.unref();
  return () => clearInterval(timer);
}

/** Migrate as the owner, close, and open again as the app role: the reopened session starts without the owner's rights. */
async function fromFolder(dataDir: string): Promise<PGlite> {
  const owner = await PGlite.create({ dataDir });
  await migrate(ownerOf(owner));
  await owner.close();
  return PGlite.create({ dataDir, username: "dialgate_app" });
}

async function fromTemplate(): Promise<PGlite> {
  return PGlite.create({
    loadDataDir: new HeldBytes(await template()),
    username: "dialgate_app",
    // Postgres' own 128 MB are laid out page by page at each start; these databases are a tenth of that.
    startParams: [...PGlite.defaultStartParams, "-c", "shared_buffers=32MB"],
  });
}

/** Node's own Blob hands its bytes out through a stream, which takes a tenth of a second. */
class HeldBytes extends Blob {
  readonly #bytes: ArrayBuffer;
  constructor(bytes: ArrayBuffer) {
    super([]);
    this.#bytes = bytes;
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes;
  }
}

/** initdb takes seconds, a copy a third of one: the migrated database is kept beside the packages, under its digest. */
async function template(): Promise<ArrayBuffer> {
  const file = `${cacheFolder}pglite-${await templateDigest()}.tar`;
  const kept = await readFile(file).catch(() => undefined);
  if (kept) return new Uint8Array(kept).buffer;
  const dump = await makeTemplate();
  await mkdir(cacheFolder, { recursive: true });
  for (const old of await readdir(cacheFolder))
    if (/^pglite-\w+\.tar$/.test(old)) await rm(`${cacheFolder}${old}`, { force: true });
  // Written aside and renamed, so that another process or thread never reads half a file.
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, new Uint8Array(dump));
  await rename(aside, file);
  return dump;
}

/** What is copied for each database is kept small: a log in short segments, and no databases to make others from. */
async function makeTemplate(): Promise<ArrayBuffer> {
  const owner = await PGlite.create({ initDbStartParams: ["--wal-segsize=1"] });
  try {
    await migrate(ownerOf(owner));
    await owner.exec("update pg_database set datistemplate = false where datname in ('template0', 'template1')");
    await owner.exec("drop database template0");
    await owner.exec("drop database template1");
    await owner.exec("checkpoint");
    return await (await owner.dumpDataDir("none")).arrayBuffer();
  } finally {
    await owner.close();
  }
}

const cacheFolder = fileURLToPath(new URL("../../node_modules/.cache/dialgate/", import.meta.url));

async function templateDigest(): Promise<string> {
  const hash = createHash("sha256");
  const manifest = createRequire(import.meta.url)
    .resolve("@electric-sql/pglite")
    .replace(/dist[\\/][^\\/]*$/, "package.json");
  hash.update(await readFile(manifest));
  hash.update(await readFile(new URL("../../migrations/roles.sql", import.meta.url)));
  for (const script of ["migrate.ts", "pglite.ts"]) hash.update(await readFile(new URL(script, import.meta.url)));
  for (const { name, digest } of await readMigrations()) hash.update(`${name} ${digest}\n`);
  return hash.digest("hex").slice(0, 16);
}

export function ownerOf(db: PGlite): OwnerConnection {
  return {
    query: async (text, params = []) => db.query<Record<string, unknown>>(text, [...params]),
    exec: async (script) => void (await db.exec(script)),
  };
}
