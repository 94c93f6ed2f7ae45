/** The real chain over the real driver: a request as a client sends it, an answer as a client gets it. */
import { randomBytes } from "node:crypto";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import type { FaultReport } from "../../src/http/on-error.ts";
import { snapshotDesk } from "../../src/domain/decisions/snapshot.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { knownIssuers } from "../../src/http/known-issuers.ts";
import { isolateMemory } from "../../src/http/isolate-memory.ts";
import { apiKeyHasher, apiKeyMint } from "../../src/lib/api-key.ts";
import { phoneMemo } from "../../src/lib/phone.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { recoveryCodes } from "../../src/lib/recovery-code.ts";
import { sessionMint } from "../../src/lib/session-token.ts";
import { webauthnChallenges } from "../../src/lib/webauthn-challenge.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { githubLeaks } from "../../src/providers/leaks/github.ts";
import { adaptersOf } from "../../src/providers/registry.ts";
import { sealCredential } from "../../src/providers/seal-credential.ts";
import { tokenKeys } from "../../src/providers/token-keys.ts";
import { totpSecrets } from "../../src/providers/totp/totp-secrets.ts";
import { vendors } from "../../src/providers/vendors.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { uuidV7 } from "../../src/lib/uuid-v7.ts";
import { seedOrg, type SeededOrg, type SeedInput } from "../../dev/seed.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { type Mailbox, openMailbox } from "../support/mailbox.ts";
import { testPeppers } from "../support/peppers.ts";
import { doneThoughRefused, noteAnswer } from "../support/told-events.ts";
import { generous, memoryLimits } from "../support/rate-limits.ts";

export const orgNow = "2026-11-18T15:00:00Z" as Instant;
export const realNow = "2026-11-20T09:00:00Z" as Instant;
const pepper = new Uint8Array(32).fill(7);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
  readonly json: any;
}
export interface Api {
  readonly db: TestDatabase;
  readonly deps: HttpDeps;
  readonly faults: FaultReport[];
  readonly woken: { orgId: string; work: string }[];
  readonly mailbox: Mailbox;
  seed(input?: Partial<SeedInput>): Promise<Caller>;
  send(
    method: string,
    path: string,
    init?: { key?: string; body?: unknown; raw?: string | Uint8Array | ReadableStream; headers?: Record<string, string> },
  ): Promise<Answer>;
  close(): Promise<void>;
}
export interface Caller extends SeededOrg {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  patch(path: string, body: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
}

/** Nobody listens there: a test that needs a provider passes its own. */
const nowhere = "http://127.0.0.1:9";

export async function openApi(
  over: Partial<HttpDeps> = {},
  simulator = nowhere,
  wrap: (transport: Transport) => Transport = (transport) => transport,
  database?: TestDatabase,
): Promise<Api> {
  const db = database ?? (await openTestDatabase());
  const transport = wrap(neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` }));
  const newId = () => uuidV7(Date.now(), randomBytes(10));
  const system = new SystemDb(transport, newId, testPeppers);
  const faults: FaultReport[] = [];
  const hashApiKey = await apiKeyHasher(new Uint8Array(32).fill(9));
  const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
  const adapters = adaptersOf({
    keyring,
    simulatorOrigin: simulator,
    fetch: (url: string, init: RequestInit) => fetch(url, init),
    now: () => realNow,
  });
  const desk = snapshotDesk(zoneBook(), phoneMemo());
  const mailbox = openMailbox(system, keyring);
  const woken: { orgId: string; work: string }[] = [];
  const files = new Map<string, Uint8Array>();
  const deps: HttpDeps = {
    system,
    now: () => realNow,
    newId,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    publicOrigin: "https://api.dialgate.test",
    magicLinkMinutes: 15,
    hashApiKey,
    mintApiKey: apiKeyMint(newId, randomBytes, hashApiKey),
    mintSession: sessionMint(newId, randomBytes, hashApiKey),
    leakSigner: githubLeaks(new Map()),
    challenges: webauthnChallenges(randomBytes, hashApiKey),
    recoveryCodes: recoveryCodes(randomBytes, hashApiKey),
    totpSecrets: totpSecrets(keyring, randomBytes),
    numbers: await numberHasher(new Map([[1, pepper]])),
    roleIsSafe: async () => true,
    vendors,
    sealCredential: (identity, purposes, fields) => sealCredential(keyring, identity, purposes, fields),
    sealLetter: mailbox.sealLetter,
    identityProviders: {},
    adapters,
    tokenKeys: tokenKeys({ keyring, fetch: () => Promise.reject(new Error("no network")), ownOrigins: [] }),
    knownIssuers: knownIssuers(),
    knownSessions: isolateMemory(),
    knownUses: isolateMemory(),
    desk,
    files: memoryFiles(files),
    callNow: (org, asked) =>
      callNow(
        {
          system,
          now: () => realNow,
          milliseconds: Date.now,
          newId,
          desk,
          voice: adapters.voice,
          lookLater: async () => undefined,
          sleep: async () => undefined,
        },
        org,
        asked,
      ),
    wake: async (orgId, work) => void woken.push({ orgId, work }),
    wakeMail: async () => void woken.push({ orgId: "", work: "mail" }),
    checkDatabase: async () => void (await system.unsafeRole()),
    report: (fault) => void faults.push(fault),
    quotas: generous,
    rateLimits: memoryLimits(),
    flood: async () => true,
    ...over,
  };
  const app = createApp();
  const send: Api["send"] = async (method, path, { key, body, raw, headers = {} } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await app.request(
      path,
      {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent as string, duplex: "half" }),
      },
      deps,
    );
    const text = await response.text();
    noteAnswer(deps, response, `${method} ${path}`);
    const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
  };
  return {
    db,
    deps,
    faults,
    woken,
    mailbox,
    send,
    async seed(input = {}) {
      const org = await seedOrg(transport, hashApiKey, { name: "Acme Solar", now: orgNow, peppers: testPeppers, ...input });
      const key = org.apiKey;
      return {
        ...org,
        get: (path, headers = {}) => send("GET", path, { key, headers }),
        post: (path, body, headers = {}) => send("POST", path, { key, body, headers }),
        patch: (path, body) => send("PATCH", path, { key, body }),
        delete: (path) => send("DELETE", path, { key }),
      };
    },
    close: async () => {
      const faults = await doneThoughRefused(deps, db.admin);
      await db.close();
      if (faults.length > 0) throw new Error(faults.join("\n"));
    },
  };
}

function memoryFiles(files: Map<string, Uint8Array>): HttpDeps["files"] {
  return {
    async put(key, bytes, length) {
      const whole = new Uint8Array(await new Response(bytes).arrayBuffer());
      if (whole.length !== length) throw new RangeError("the body ended early");
      files.set(key, whole);
    },
    async read(key, fromByte) {
      const whole = files.get(key);
      return whole === undefined ? null : new Blob([whole.slice(fromByte)]).stream();
    },
  };
}
