/**
 * The whole product on this machine: a database behind Neon's protocol, the worker in workerd as the app role, the vendors'
 * simulators, and one test org with its key. Nothing outside this machine is reached.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neonTransport } from "../src/db/transport.ts";
import { apiKeyHasher } from "../src/lib/api-key.ts";
import { publicId } from "../src/lib/ids.ts";
import type { Instant } from "../src/lib/instant.ts";
import { type NeonEndpoint, startNeonEndpoint } from "./database/neon-endpoint.ts";
import { appUrl, startPglite } from "./database/pglite.ts";
import { freePort } from "./free-port.ts";
import { makeOperator } from "./make-operator.ts";
import { heldPeppers, seedOrg } from "./seed.ts";
import { type Simulators, startSimulators } from "./simulators/simulators.ts";

export interface Stack {
  /** `http://localhost:PORT`. */
  readonly origin: string;
  readonly simulators: Simulators;
  readonly endpoint: NeonEndpoint;
  /** What the worker was started with. */
  readonly secrets: Readonly<Record<string, string>>;
  /** A further test org, its clock at `now`. */
  seed(name: string, now: Instant): Promise<{ readonly org: string; readonly apiKey: string }>;
  /** Whoever signs in by this address may open support grants. */
  makeOperator(email: string): Promise<void>;
  /** One statement as the database's owner, who passes every wall. */
  admin(text: string, params?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** What a cron trigger does each minute in production; workerd does not fire it by itself. */
  tick(): Promise<void>;
  /** Ends the worker and starts it anew with what it had stored: its memory is gone, as after a deployment. */
  restartWorker(): Promise<void>;
  close(): Promise<void>;
}

export interface StackOptions {
  /** 0 = any free port. */
  readonly port?: number;
  readonly registry?: string;
  /** Further variables of the worker. */
  readonly vars?: Readonly<Record<string, string>>;
  /** The flood limit in 10 seconds, where it is not to be that of `wrangler.toml`, which no client of one machine reaches. */
  readonly floodLimit?: number;
  readonly onLog?: (line: string) => void;
}

const startSecondsMax = 60;

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const port = await freePort(options.port);
  const folder = await mkdtemp(join(tmpdir(), "dialgate-"));
  const databasePort = await freePort();
  const endpoint = await startNeonEndpoint({ target: { host: "127.0.0.1", port: databasePort } });
  const simulators = await startSimulators(options.registry === undefined ? {} : { registry: options.registry });
  // A name: browsers give passkeys to no IP address.
  const origin = `http://localhost:${port}`;
  const apiKeyPepper = randomBytes(32);
  const secrets = {
    ENVIRONMENT: "development",
    DATABASE_URL: appUrl(databasePort),
    NEON_LOCAL_ENDPOINT: `127.0.0.1:${endpoint.port}`,
    PUBLIC_ORIGIN: origin,
    SIMULATOR_ORIGIN: simulators.origin,
    NUMBER_PEPPERS: `1:${randomBytes(32).toString("base64")}`,
    KEY_ENCRYPTION_KEYS: `1:${randomBytes(32).toString("base64")}`,
    API_KEY_PEPPER: apiKeyPepper.toString("base64"),
    RESEND_API_KEY: `re_${randomBytes(16).toString("hex")}`,
    MAIL_FROM: "Dialgate <mail@dialgate.example>",
    RESEND_ORIGIN: simulators.origin,
    ...signInSecrets(simulators, origin),
    ...options.vars,
  };
  const config = await configOf(folder, options.floodLimit);
  const start = () => startWorker({ folder, config, port, secrets, onLog: options.onLog ?? (() => undefined) });
  // Each takes seconds and neither needs the other to start.
  const [database, started] = await Promise.all([startPglite({ autovacuum: true, port: databasePort }), start()]);
  let worker = started;
  const transport = neonTransport(database.connectionString, { address: `127.0.0.1:${endpoint.port}` });
  const hash = await apiKeyHasher(new Uint8Array(apiKeyPepper));
  const peppers = await heldPeppers(secrets.NUMBER_PEPPERS);
  return {
    origin,
    simulators,
    endpoint,
    secrets,
    admin: database.admin,
    makeOperator: (email) => makeOperator(database.admin, email),
    async seed(name, now) {
      const seeded = await seedOrg(transport, hash, { name, now, peppers });
      return { org: publicId("org", seeded.orgId), apiKey: seeded.apiKey };
    },
    async tick() {
      const response = await fetch(`${origin}/cdn-cgi/handler/scheduled`, { signal: AbortSignal.timeout(30_000) });
      if (!response.ok) throw new Error(`the scheduled handler answered ${response.status}`);
    },
    async restartWorker() {
      await stopWorker(worker);
      worker = await start();
    },
    async close() {
      await stopWorker(worker);
      await simulators.close();
      await endpoint.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Registers the worker at the simulated Google and Microsoft, as its operator does at the real ones. */
function signInSecrets(simulators: Simulators, origin: string) {
  const register = (provider: "google" | "microsoft") => {
    const client = { client_id: `dialgate-${provider}`, client_secret: randomBytes(16).toString("hex") };
    simulators.identities.registerClient({ provider, ...client, redirect_uris: [`${origin}/auth/oidc/${provider}/callback`] });
    return client;
  };
  const [google, microsoft] = [register("google"), register("microsoft")];
  return {
    GOOGLE_CLIENT_ID: google.client_id,
    GOOGLE_CLIENT_SECRET: google.client_secret,
    MICROSOFT_CLIENT_ID: microsoft.client_id,
    MICROSOFT_CLIENT_SECRET: microsoft.client_secret,
    OIDC_ORIGIN: simulators.origin,
  };
}

const root = join(import.meta.dirname, "..");

/** `wrangler.toml`, or a copy of it with another flood limit. */
async function configOf(folder: string, floodLimit: number | undefined): Promise<string> {
  const own = join(root, "wrangler.toml");
  if (floodLimit === undefined) return own;
  const copy = join(folder, "wrangler.toml");
  const text = (await readFile(own, "utf8"))
    .replace('main = "src/worker.ts"', `main = ${JSON.stringify(join(root, "src/worker.ts"))}`)
    .replace(/(name = "FLOOD"\n.*\nsimple = \{ limit = )\d+/, `$1${floodLimit}`);
  await writeFile(copy, text);
  return copy;
}

interface WorkerOptions {
  readonly folder: string;
  readonly config: string;
  readonly port: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly onLog: (line: string) => void;
}

async function startWorker({ folder, config, port, secrets, onLog }: WorkerOptions): Promise<ChildProcess> {
  const envFile = join(folder, "dev.vars");
  const lines = Object.entries(secrets).map(([name, value]) => `${name}="${value}"`);
  await writeFile(envFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");
  const args = [
    "dev",
    "--config",
    config,
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--inspector-port",
    String(await freePort()),
    "--env-file",
    envFile,
  ];
  const more = ["--persist-to", join(folder, "state"), "--show-interactive-dev-session=false", "--log-level", "info"];
  const child = spawn(process.execPath, [wrangler, ...args, ...more], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", NO_COLOR: "1" },
  });
  // The group outlives a parent that ends without closing: nothing of the stack may.
  process.once("exit", () => signalGroup(child, "SIGKILL"));
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n")) {
        if (line.trim() === "") continue;
        last.push(line);
        if (last.length > 40) last.shift();
        onLog(line);
      }
    });
  }
  try {
    await untilHealthy(`http://127.0.0.1:${port}/healthz`, child);
  } catch (error) {
    await stopWorker(child);
    throw new Error(`the worker did not start: ${error instanceof Error ? error.message : "unknown"}\n${last.join("\n")}`, {
      cause: error,
    });
  }
  return child;
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startSecondsMax * 1000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error(`no answer from it within ${startSecondsMax} s`);
}

/** wrangler starts workerd as its own child: the whole group ends together. */
async function stopWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), 5_000);
  await ended;
  clearTimeout(timer);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
