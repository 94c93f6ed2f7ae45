import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Account } from "./account.ts";
import type { VendorSetup } from "./account.ts";
import type { Delivery } from "./deliver.ts";
import { dncModes, dncRequest, readRegistry } from "./dnc.ts";
import type { Registry } from "./dnc.ts";
import { elevenlabsRequest, elevenlabsStep, elevenlabsUnauthorized } from "./elevenlabs.ts";
import { type IdentityHouse, identityHouse, type SignInClient, type SignInPerson } from "./oidc.ts";
import { type DeliveredMail, type MailMode, type MailRoom, mailRoom } from "./resend.ts";
import { retellRequest, retellStep, retellUnauthorized } from "./retell.ts";

/** What the simulator does with a request. `drop` closes the connection, `hang` leaves it open until the simulator closes. */
export type Answer =
  | {
      readonly kind: "json";
      readonly status: number;
      readonly body: unknown;
      readonly headers?: { readonly [name: string]: string };
    }
  | {
      readonly kind: "text";
      readonly status: number;
      readonly text: string;
      readonly headers?: { readonly [name: string]: string };
      readonly afterSeconds?: number;
    }
  | { readonly kind: "redirect"; readonly to: string }
  | { readonly kind: "drop" }
  | { readonly kind: "hang" };

/** One request as it arrived. The key that it carried is left out. */
interface Received {
  readonly account: string | null;
  readonly method: string;
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}
/** A vendor's set-up for one account, as `POST /_simulator/accounts` takes it. */
export interface Registration {
  readonly account: string;
  readonly vendor: VendorSetup["vendor"];
  readonly api_key: string;
  /** RFC 3339; the account's clock when it is new. */
  readonly now?: string;
  readonly webhook_url?: string;
  /** Retell: the key with the webhook badge. DNC: the signing secret. */
  readonly webhook_secret?: string;
  readonly tool_url?: string;
  readonly tool_secret?: string;
  readonly tool_secret_header?: string;
  readonly retry_enabled?: boolean;
  readonly concurrency_limit?: number;
  readonly from_numbers?: readonly string[];
  readonly stores_transcripts?: boolean;
  readonly lists_registered?: boolean;
  readonly dnc_mode?: string;
  readonly dnc_listed?: readonly string[];
}

export interface SimulatorOptions {
  /** 0 = any free port. */
  readonly port?: number;
  /** The national registry that the do-not-call source answers from: a file, or the sets themselves. */
  readonly registry?: string | URL | Registry;
}
export interface Simulators {
  readonly origin: string;
  readonly port: number;
  register(registration: Registration): Account;
  account(id: string): Account;
  requests(account?: string): readonly Received[];
  deliveries(account?: string): readonly Delivery[];
  /** Mail that was delivered, to this address alone if one is given; oldest first. */
  mailbox(to?: string): readonly DeliveredMail[];
  /** What the next requests to send mail come to. */
  setMail(mode: MailMode, times?: number, retryAfterSeconds?: number): void;
  /** Google's and Microsoft's side of sign-in. */
  readonly identities: Pick<IdentityHouse, "registerClient" | "registerPerson">;
  close(): Promise<void>;
}

interface World {
  readonly accounts: Map<string, Account>;
  /** By vendor and key. */
  readonly keys: Map<string, { readonly account: Account; readonly setup: VendorSetup }>;
  readonly requests: Received[];
  readonly deliveries: Delivery[];
  readonly registry: Registry;
  readonly mail: MailRoom;
  readonly identities: IdentityHouse;
}
const maxBodyBytes = 16 * 1024 * 1024;
const maxKept = 50_000;

/** Retell, ElevenLabs, a do-not-call source, Resend, and Google's and Microsoft's sign-in on one loopback origin, in the vendors' own wire formats. */
export async function startSimulators(options: SimulatorOptions = {}): Promise<Simulators> {
  const { registry = { listed: new Set<string>(), areaCodes: new Set<string>() } } = options;
  const world: World = {
    accounts: new Map(),
    keys: new Map(),
    requests: [],
    deliveries: [],
    registry: typeof registry === "string" || registry instanceof URL ? readRegistry(registry) : registry,
    mail: mailRoom(),
    identities: identityHouse(),
  };
  const server = createServer((request, response) => {
    handle(world, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ error: { code: "simulator_broke", message: error instanceof Error ? error.message : "unknown" } }),
      );
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    register: (registration) => register(world, registration),
    account(id) {
      const account = world.accounts.get(id);
      if (account === undefined) throw new RangeError("no such account");
      return account;
    },
    requests: (account) => world.requests.filter((request) => account === undefined || request.account === account),
    mailbox: (to) => mailTo(world, to ?? null),
    identities: world.identities,
    setMail: (mode, times, retryAfterSeconds) => world.mail.set(mode, times, retryAfterSeconds),
    deliveries: (account) => world.deliveries.filter((delivery) => account === undefined || delivery.account === account),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function register(world: World, given: Registration): Account {
  if (!["retell", "elevenlabs", "http_dnc"].includes(given.vendor)) throw new RangeError("no such vendor");
  const mode = given.dnc_mode ?? "healthy";
  if (!dncModes.some((known) => known === mode)) throw new RangeError(`no such dnc_mode; known: ${dncModes.join(", ")}`);
  const record = (delivery: Delivery): void => keep(world.deliveries, delivery);
  const setup: VendorSetup = {
    vendor: given.vendor,
    apiKey: given.api_key,
    webhookUrl: given.webhook_url ?? null,
    webhookSecret: given.webhook_secret ?? (given.vendor === "retell" ? given.api_key : null),
    toolUrl: given.tool_url ?? null,
    toolSecret: given.tool_secret ?? null,
    toolSecretHeader: given.tool_secret_header ?? "x-dialgate-tool-secret",
    retryEnabled: given.retry_enabled ?? false,
    concurrencyLimit: given.concurrency_limit ?? 20,
    fromNumbers: given.from_numbers ?? null,
    storesTranscripts: given.stores_transcripts ?? true,
    listsRegistered: given.lists_registered ?? true,
    dncMode: mode,
    dncListed: new Set(given.dnc_listed ?? []),
  };
  const seconds = given.now === undefined ? Math.floor(Date.now() / 1000) : Math.floor(Date.parse(given.now) / 1000);
  if (Number.isNaN(seconds)) throw new RangeError("now is not an instant");
  const account =
    world.accounts.get(given.account) ??
    new Account(given.account, seconds, async (owner, call, step) => {
      if (call.vendor === "retell") await retellStep(owner, call, step, record);
      else await elevenlabsStep(owner, call, step, record);
    });
  world.accounts.set(account.id, account);
  world.keys.set(`${setup.vendor} ${setup.apiKey}`, { account, setup });
  return account;
}

function keep<T>(kept: T[], entry: T): void {
  kept.push(entry);
  if (kept.length > maxKept) kept.splice(0, kept.length - maxKept);
}

async function handle(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const raw = await readBody(request);
  const url = new URL(request.url ?? "/", "http://simulator.invalid");
  const method = request.method ?? "GET";
  const signIn = world.identities.request(method, url, `http://${request.headers.host}`, raw);
  if (signIn !== null) {
    // Without the query and the body: codes and secrets are in them.
    keep(world.requests, { account: null, method, path: url.pathname, headers: {}, body: "" });
    return send(response, signIn);
  }
  let body: unknown = null;
  try {
    body = raw === "" ? null : JSON.parse(raw);
  } catch {
    return send(response, { kind: "json", status: 400, body: { status: "error", message: "not JSON" } });
  }
  if (url.pathname.startsWith("/_simulator/")) return send(response, await admin(world, method, url, body));
  if (url.pathname === "/mailbox" && method === "GET")
    return send(response, { kind: "json", status: 200, body: { data: mailTo(world, url.searchParams.get("to")) } });
  if (/^\/emails(\/|$)/.test(url.pathname)) {
    const { authorization: _, ...headers } = request.headers as { readonly [name: string]: string };
    keep(world.requests, { account: null, method, path: url.pathname, headers, body: raw });
    return send(response, world.mail.request(method, url.pathname, request.headers, body));
  }
  const vendor = vendorOf(url.pathname);
  const key = vendor === "elevenlabs" ? request.headers["xi-api-key"] : request.headers.authorization?.replace(/^Bearer /, "");
  const known = world.keys.get(`${vendor} ${String(key)}`);
  const { authorization: _, "xi-api-key": __, ...headers } = request.headers as { readonly [name: string]: string };
  keep(world.requests, { account: known?.account.id ?? null, method, path: url.pathname + url.search, headers, body: raw });
  if (known === undefined) return send(response, vendor === "elevenlabs" ? elevenlabsUnauthorized : retellUnauthorized);
  const { account, setup } = known;
  if (vendor === "http_dnc") return send(response, dncRequest(account, setup, world.registry, request.headers, raw, body));
  if (vendor === "elevenlabs")
    return send(response, elevenlabsRequest(account, setup, method, url.pathname, url.searchParams, body));
  return send(response, await retellRequest(account, setup, method, url.pathname, body));
}

const mailTo = ({ mail }: World, to: string | null) =>
  mail.delivered.filter((one) => to === null || one.to.some((address) => address.toLowerCase() === to.toLowerCase()));

function vendorOf(path: string): VendorSetup["vendor"] {
  if (path.startsWith("/v1/convai/")) return "elevenlabs";
  return path.startsWith("/v1/dnc/") ? "http_dnc" : "retell";
}

const instant = (seconds: number | null) => (seconds === null ? null : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`);

/** The simulator's own endpoints, for the demo, the tests and a test org's clock. */
async function admin(world: World, method: string, url: URL, body: unknown): Promise<Answer> {
  const ok = (data: unknown, status = 200): Answer => ({ kind: "json", status, body: data });
  const filter = url.searchParams.get("account");
  const of = <T extends { readonly account: string | null }>(all: readonly T[]) =>
    all.filter((entry) => filter === null || entry.account === filter);
  try {
    if (method === "POST" && url.pathname === "/_simulator/accounts") {
      const account = register(world, body as Registration);
      return ok({ account: account.id, now: instant(account.now) }, 201);
    }
    if (method === "POST" && url.pathname === "/_simulator/mail") {
      const { mode, times, retry_after: retryAfter } = body as { mode: MailMode; times?: number; retry_after?: number };
      world.mail.set(mode, times, retryAfter);
      return ok({ mode });
    }
    if (method === "POST" && url.pathname === "/_simulator/sign_in/clients") {
      world.identities.registerClient(body as SignInClient);
      return ok({ client_id: (body as SignInClient).client_id }, 201);
    }
    if (method === "POST" && url.pathname === "/_simulator/sign_in/people") {
      world.identities.registerPerson(body as SignInPerson);
      return ok({ email: (body as SignInPerson).email }, 201);
    }
    if (method === "GET" && url.pathname === "/_simulator/requests") return ok({ data: of(world.requests) });
    if (method === "GET" && url.pathname === "/_simulator/deliveries") return ok({ data: of(world.deliveries) });
    if (method === "GET" && url.pathname === "/_simulator/calls") return ok({ data: callsOf(world, filter) });
    const id = /^\/_simulator\/accounts\/([^/]+)\/clock$/.exec(url.pathname)?.[1];
    const account = id === undefined ? undefined : world.accounts.get(decodeURIComponent(id));
    if (account === undefined) return ok({ error: { code: "not_found" } }, 404);
    let fired = 0;
    if (method === "POST") {
      const to = Math.floor(Date.parse(String((body as { readonly to?: unknown } | null)?.to)) / 1000);
      if (Number.isNaN(to)) return ok({ error: { code: "to_malformed" } }, 400);
      fired = await account.advance(to);
    }
    return ok({ now: instant(account.now), next_event_at: instant(account.nextEventAt()), fired });
  } catch (error) {
    if (error instanceof RangeError) return ok({ error: { code: "refused", message: error.message } }, 409);
    throw error;
  }
}

/** The truth about every call, which no vendor would tell: what tests and the demo compare the worker's records with. */
function callsOf(world: World, filter: string | null): unknown[] {
  return [...world.accounts.values()].flatMap((account) =>
    filter !== null && account.id !== filter
      ? []
      : [...account.calls.values()].map((call) => ({
          account: account.id,
          id: call.id,
          vendor: call.vendor,
          attempt_id: call.attemptId,
          to: call.to,
          scenario: call.scenario.name,
          status: call.status,
          reason: call.reason,
          created_at: instant(call.createdAt),
          rang_at: instant(call.rangAt),
          answered_at: instant(call.answeredAt),
          ended_at: instant(call.endedAt),
        })),
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new RangeError("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (answer.kind === "hang") return;
  if (answer.kind === "drop") {
    response.socket?.destroy();
    return;
  }
  if (answer.kind === "redirect") {
    response.writeHead(302, { location: answer.to }).end();
    return;
  }
  if (answer.kind === "text") {
    const { afterSeconds = 0 } = answer;
    if (afterSeconds > 0) await new Promise((resolve) => setTimeout(resolve, afterSeconds * 1000));
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers }).end(answer.text);
    return;
  }
  if (answer.status === 204) {
    response.writeHead(204).end();
    return;
  }
  response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers }).end(JSON.stringify(answer.body));
}
