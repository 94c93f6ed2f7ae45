/** Nothing personal leaves in logs, error reports or errors: canaries are planted wherever a value comes in, then everything said is searched. */
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { heldPeppers, seedOrg, type SeededOrg } from "../../dev/seed.ts";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { leads, sellers } from "../../src/db/schema/index.ts";
import { faultOf } from "../../src/http/on-error.ts";
import { sealMail } from "../../src/domain/mail/mail.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import { readJson } from "../../src/providers/read-json.ts";
import { retell } from "../../src/providers/voice/retell.ts";
import { elevenlabs } from "../../src/providers/voice/elevenlabs.ts";
import { eq } from "drizzle-orm";
import * as z from "zod";
import { orgNow } from "../http/api.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { newId } from "../support/world.ts";
import { testPeppers } from "../support/peppers.ts";

const phones = ["+13035550142", "13035550142", "3035550142", "(303) 555-0142", "303-555-0142", "303.555.0142", "303 555 0142", "+1 303 555 0142", "1-303-555-0142", "tel:+13035550142", "00 1 303 555 0142", "+1(303)555-0142"]; // prettier-ignore
const words = ["zebra.canary@example.com", "Quillfeather-Canary", "canary transcript: stop calling me", "canary-secret-key-0123456789", "eyJjYW5hcnkiOjF9.canaryjwt.sig", "078-05-1120", "4111111111111111"]; // prettier-ignore
const canaries = [...phones, ...words];
const line = canaries.join(" ");
const silent = (text: string, what: string) => {
  for (const canary of canaries) expect(text.includes(canary), `${what} says ${canary}: ${text.slice(0, 2_000)}`).toBe(false);
};
/** An error as any logger could print it. */
const everything = (error: unknown): string =>
  [inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error), String(error), error instanceof Error ? `${error.message} ${error.stack} ${inspect(error.cause)}` : ""].join("\n"); // prettier-ignore

let db: TestDatabase;
let transport: Transport;
let org: SeededOrg;
const key = Buffer.alloc(32, 9);
const secret = randomBytes(32).toString("base64");
beforeAll(async () => {
  db = await openTestDatabase();
  transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  org = await seedOrg(transport, await apiKeyHasher(new Uint8Array(key)), {
    name: "Acme",
    now: orgNow,
    peppers: await heldPeppers(`1:${secret}`),
  });
}, 60_000);
afterAll(() => db.close());
afterEach(() => vi.restoreAllMocks());

describe("a statement that fails", () => {
  const say = (text: string, ...params: unknown[]) => ({ name: "test.statement", text, params });
  const failing: [state: string, ...ReturnType<typeof say>[]][] = [
    ["22P02", say("select $1::uuid", line)],
    ["22P02", say("select $1::integer", words[1])],
    ["22P02", say("select $1::jsonb", `{"a": ${line}`)],
    ["22007", say("select $1::timestamptz", line)],
    ["22003", say("select $1::smallint", "13035550142")],
    ["22001", say("insert into tried (narrow) values ($1)", line)],
    ["22021", say("select $1::text", `${line}\u0000`)],
    ["23505", say("insert into tried (once) values ($1)", line), say("insert into tried (once) values ($1)", line)],
    ["23514", say("insert into tried (ranged) values ($1)", line)],
    ["23502", say("insert into tried (once, needed) values ($1, null)", line)],
    ["42501", say("create table more as select $1::text", line)],
    ["P0001", say(`do $$ begin raise exception '${line}' using detail = '${line}', hint = '${line}'; end $$`)],
    ["42601", say(`select '${line}' from from`)],
    ["42703", say(`select "${line}"`)],
    ["42P01", say(`select * from "${words[1]}"`)],
    ["22012", say("select 1 / length(replace($1, $1, ''))", line)],
  ]; // prettier-ignore
  beforeAll(async () => {
    await db.admin(
      "create table tried (narrow varchar(3), once text unique, ranged text check (ranged = 'a'), needed text not null default 'x')",
    );
    await db.admin("grant insert on tried to dialgate_app");
  });
  test.each(failing)("%s: neither the error nor its report repeats a value", async (state, ...statements) => {
    for (const run of [
      () => transport.batch(statements),
      () =>
        transport.transaction(async (one) => {
          for (const statement of statements) await one(statement);
        }),
    ]) {
      const error = await run().then(() => null, (thrown: unknown) => thrown); // prettier-ignore
      expect(error, "the statement did not fail").toMatchObject({ name: "DbError", sqlstate: state });
      silent(everything(error), state);
      silent(JSON.stringify(faultOf(error as Error, "req_1")), `${state}'s report`);
    }
  });

  test("through drizzle: the same", async () => {
    const handle = new SystemDb(transport, newId, testPeppers).asOrg(org.orgId, { type: "job", id: "x" }, "req_1", orgNow);
    const tries = [
      () => handle.find(leads, eq(leads.id, line), { limit: 1 }),
      () => handle.change({ action: "seller.updated", subject: "x" }, (w) => w.insert(sellers, { id: line, registeredName: line, tradeNames: [], address: null, doNotCallNumber: null, san: null, sanAreaCodes: [], createdAt: orgNow })),
      () => handle.change({ action: "seller.updated", subject: "x" }, (w) => w.update(sellers, eq(sellers.id, line), { registeredName: line })),
    ]; // prettier-ignore
    for (const one of tries) {
      const error = await one().then(() => null, (thrown: unknown) => thrown); // prettier-ignore
      expect(error).toMatchObject({ name: "DbError" });
      silent(everything(error), "drizzle");
    }
  });
});

describe("a report", () => {
  test("is built of names and places, whatever the error carries", () => {
    const forged = `x\n    at ${line} (file.ts:1:1)\n    at async ${phones[1]} (/a:1:1)`;
    const made = [
      new Error(forged),
      new TypeError(line, { cause: new Error(line) }),
      new AggregateError([new Error(line)], line),
      Object.assign(new Error("x"), { name: line, detail: line, stack: `Error: ${line}\n    at ${line}` }),
      Object.assign(new Error(forged), { message: "replaced afterwards" }),
      (() => {
        try {
          return JSON.parse(`x\n    at ${phones[0]} (a:1:1)`) as never;
        } catch (thrown) {
          return thrown as Error;
        }
      })(),
    ];
    for (const error of made) silent(JSON.stringify(faultOf(error, "req_1")), error.name);
    // It still says where.
    expect(faultOf(new Error(line), "req_1").frames[0]).toMatch(/silence\.test\.ts:\d+:\d+/);
  });

  test("JSON that a vendor sent ill-formed is no error that could repeat it", () => {
    expect(readJson(z.object({}), new TextEncoder().encode(`{"a": ${line}`))).toBeNull();
    expect(readJson(z.object({ a: z.int() }), new TextEncoder().encode(JSON.stringify({ a: line })))).toBeNull();
  });

  test.each([400, 401, 402, 404, 422, 429, 500, 503])("a vendor that echoes the request in a %i is not quoted", async (status) => {
    const config = { agent_id: "a1", agent_phone_number_id: "p1", from_number: "+12085550100" };
    const call = { attemptId: "att_1", toNumber: phones[0] ?? "", fromNumber: "+12085550100", ringSeconds: 20, variables: { first_name: words[1] ?? "" }, recordingEnabled: true };
    const fetch = async (_: string, init: RequestInit) => Response.json({ error: { code: line, message: `${line} ${String(init.body)}` }, detail: line, message: line }, { status, statusText: "canary" });
    const wiring = (settings: object) => ({ settings: { origin: "https://vendor.example", config: settings }, open: <R>(_: unknown, work: (secret: Record<string, string>) => Promise<R>) => work({ api_key: words[3] ?? "" }), fetch });
    const { agent_phone_number_id: _, ...forRetell } = config;
    for (const provider of [retell(wiring(forRetell) as never), elevenlabs(wiring(config) as never)]) {
      silent(JSON.stringify([await provider.place(call), await provider.lookup("att_1"), await provider.get("call_1"), await provider.stop("call_1"), await provider.check()]), provider.vendor);
    }
  }); // prettier-ignore
});

describe("a run of the worker", () => {
  test("with canaries in every field, broken requests, forged webhooks and failing work says none of them", async () => {
    const said: unknown[][] = [];
    for (const method of ["log", "info", "warn", "error", "debug", "trace"] as const) vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void said.push(args));
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockImplementation((chunk) => (said.push([String(chunk)]), true));
    const pending: Promise<unknown>[] = [];
    const queue = { send: async () => undefined, sendBatch: async () => { throw new Error(line); } }; // prettier-ignore
    const env = {
      ENVIRONMENT: "development", DATABASE_URL: db.connectionString, NEON_LOCAL_ENDPOINT: `127.0.0.1:${db.endpoint.port}`, PUBLIC_ORIGIN: "http://127.0.0.1:8787",
      SIMULATOR_ORIGIN: "http://127.0.0.1:9", NUMBER_PEPPERS: `1:${secret}`, KEY_ENCRYPTION_KEYS: `1:${secret}`, API_KEY_PEPPER: key.toString("base64"),
      RATE_LIMITER: { idFromName: () => "id", get: () => ({ fetch: async () => { throw new Error(line); } }) },
      FLOOD: { limit: async () => { throw new Error(line); } }, WEBHOOK_FLOOD: { limit: async () => ({ success: true }) },
      UPLOADS: { put: async () => { throw new Error(line); }, get: async () => { throw new Error(line); }, head: async () => null, delete: async () => undefined },
      ...Object.fromEntries(["DIAL_QUEUE", "IMPORT_QUEUE", "INBOX_QUEUE", "OUTBOX_QUEUE", "CLOCK_QUEUE"].map((name) => [name, queue])),
    }; // prettier-ignore
    vi.resetModules();
    const worker = (await import("../../src/worker.ts")).default;
    const context = { waitUntil: (work: Promise<unknown>) => void pending.push(work) };
    const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const raw = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
      const request = new Request(`http://127.0.0.1:8787${path}`, { method, headers: { authorization: `Bearer ${org.apiKey}`, "content-type": "application/json", ...headers }, ...(raw === undefined ? {} : { body: raw }) });
      const response = await worker.fetch(request, env, context);
      return { status: response.status, json: (await response.json().catch(() => null)) as { id?: string } | null };
    }; // prettier-ignore
    const person = { phone: "+13035550142", first_name: words[1], last_name: words[1], email: words[0], notes: line, city: line.slice(0, 150), external_id: phones[3] };
    expect((await send("POST", "/v1/leads", person)).status).toBe(201);
    await send("POST", "/v1/leads", `{"phone": ${line}`);
    await send("POST", "/v1/leads", { ...person, [line]: line, state: 7 });
    await send("GET", `/v1/leads/${encodeURIComponent(line)}?external_id=${encodeURIComponent(line)}`);
    await send("GET", "/v1/leads", undefined, { authorization: `Bearer ${words[3]}` });
    const ours = { "sec-fetch-site": "same-origin", cookie: `__Host-dialgate-signin=${"c".repeat(42)}A` };
    // Nothing counts attempts here, so that none is made.
    expect((await send("POST", "/auth/link", { email: words[0] }, ours)).status).toBe(503);
    await send("POST", "/auth/link", { email: line, next: line }, ours);
    await send("POST", "/auth/link/open", { token: line.slice(0, 200) }, ours);
    await send("POST", "/auth/link/relay", { code: "0000-0000" }, { ...ours, "user-agent": words[1] ?? "" });
    await send("POST", "/v1/suppressions", { phones: ["+13035550142"], note: line.slice(0, 400) });
    await send("POST", "/v1/consent_events", { kind: "revocation", phone: "+13035550142", channel: words[2] });
    const seller = await send("POST", "/v1/sellers", { registered_name: words[1] });
    const connection = await send("POST", "/v1/connections", { vendor: "retell", name: words[1], config: { agent_id: "a1", from_number: "+12085550100" }, credential: { api_key: words[3] } });
    await send("POST", `/v1/connections/${connection.json?.id}/test`, {});
    await send("POST", `/webhooks/voice/${connection.json?.id}`, { event: "call_ended", call: { transcript: line } }, { "x-retell-signature": line.replaceAll(/[^\x20-\x7e]/g, "") });
    const announced = await send("POST", "/v1/imports", { seller_id: seller.json?.id, file_name: line.slice(0, 150), columns: { phone: "Phone" }, attestation: { purpose: "marketing", basis: "pewc" } }, { "idempotency-key": "k1" });
    await send("PUT", `/v1/imports/${announced.json?.id}/file`, line, { "content-type": "text/csv", "content-length": String(new TextEncoder().encode(line).length) });
    await db.admin("update imports set status = 'queued' where org_id = $1", [org.orgId]);
    // A row of this shape breaks the statement that reads it, with its words in the driver's message.
    await db.admin("alter table leads add constraint broken check (notes is null or length(notes) > 1000000) not valid");
    await send("POST", "/v1/leads", { ...person, phone: "+13035550143" });
    const queued = await sealMail(
      { newId, publicOrigin: env.PUBLIC_ORIGIN, sealLetter: sealedLetters(await importKeyring({ V1: secret }, "V1"), { send: () => Promise.reject(new Error(line)) }).seal },
      { kind: "support_opened", params: { orgName: words[1] ?? "", orgId: "org_01", grantId: "sgr_01", role: "viewer", operator: { name: "Ada", email: "ada@operators.test" }, reason: line, until: orgNow }, to: words[0] ?? "" },
    );
    await transport.batch([queued]);
    // Nothing listens where the mail goes.
    await worker.queue({ messages: [{ body: { work: "mail" }, ack: () => undefined, retry: () => undefined }] }, env);
    expect((await db.admin("select reason from mails")).rows).toEqual([{ reason: "connection_lost" }]);
    const message = (work: string) => ({ body: { org_id: org.orgId, work }, ack: () => undefined, retry: () => undefined });
    await worker.queue({ messages: ["dial", "import", "inbox", "outbox", "reconcile", "scrub", "permits", "test_clock"].map(message) }, env);
    await worker.queue({ messages: [{ body: line, ack: () => undefined, retry: () => undefined }] }, env);
    await worker.scheduled(null, env).catch(() => undefined);
    await Promise.all(pending);
    vi.restoreAllMocks();
    const text = said.map((args) => args.map((one) => (typeof one === "string" ? one : everything(one))).join(" ")).join("\n");
    expect(said.length, "nothing was said: nothing was tested").toBeGreaterThan(2);
    silent(text, "the console");
    expect(text).not.toContain(org.apiKey);
    expect(text).not.toContain(secret);
  }, 60_000); // prettier-ignore
});
