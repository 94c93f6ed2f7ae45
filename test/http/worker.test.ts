import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { heldPeppers, seedOrg, type SeededOrg } from "../../dev/seed.ts";
import { type Simulators, startSimulators } from "../../dev/simulators/simulators.ts";
import { neonTransport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { sealMail } from "../../src/domain/mail/mail.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { memoryNamespace } from "../support/object-storage.ts";
import { testPeppers } from "../support/peppers.ts";
import { newId } from "../support/world.ts";
import { orgNow } from "./api.ts";

const key = Buffer.alloc(32, 9);
let db: TestDatabase;
let org: SeededOrg;
let env: Record<string, unknown>;
let simulators: Simulators;
const sent: { queue: string; body: unknown }[] = [];
const queue = (name: string) => ({
  send: async (body: unknown) => void sent.push({ queue: name, body }),
  sendBatch: async (messages: Iterable<{ body: unknown }>) => {
    for (const { body } of messages) sent.push({ queue: name, body });
  },
});

beforeAll(async () => {
  db = await openTestDatabase();
  simulators = await startSimulators();
  const address = `127.0.0.1:${db.endpoint.port}`;
  org = await seedOrg(neonTransport(db.connectionString, { address }), await apiKeyHasher(new Uint8Array(key)), {
    name: "Acme",
    now: orgNow,
    peppers: await heldPeppers(`1:${key.toString("base64")}`),
  });
  env = {
    ENVIRONMENT: "development",
    DATABASE_URL: db.connectionString,
    NEON_LOCAL_ENDPOINT: address,
    PUBLIC_ORIGIN: "http://127.0.0.1:8787",
    SIMULATOR_ORIGIN: "http://127.0.0.1:9",
    RESEND_ORIGIN: simulators.origin,
    NUMBER_PEPPERS: `1:${key.toString("base64")}`,
    KEY_ENCRYPTION_KEYS: `1:${key.toString("base64")}`,
    API_KEY_PEPPER: key.toString("base64"),
    RATE_LIMITER: memoryNamespace(),
    FLOOD: { limit: async () => ({ success: true }) },
    WEBHOOK_FLOOD: { limit: async () => ({ success: true }) },
    UPLOADS: { put: async () => null, get: async () => null, head: async () => null, delete: async () => undefined },
    ...Object.fromEntries(
      ["DIAL_QUEUE", "IMPORT_QUEUE", "INBOX_QUEUE", "OUTBOX_QUEUE", "CLOCK_QUEUE"].map((name) => [name, queue(name)]),
    ),
  };
});
afterAll(async () => {
  await simulators.close();
  await db.close();
});

/** A worker of its own, as a new isolate is. */
async function isolate() {
  vi.resetModules();
  return (await import("../../src/worker.ts")).default;
}
const context = { waitUntil: (work: Promise<unknown>) => void pending.push(work) };
const pending: Promise<unknown>[] = [];
const request = (path: string, init: RequestInit = {}) =>
  new Request(`http://127.0.0.1:8787${path}`, {
    ...init,
    headers: { authorization: `Bearer ${org.apiKey}`, "content-type": "application/json" },
  });
const message = (body: unknown) => ({
  body,
  ack: vi.fn<() => void>(),
  retry: vi.fn<(options?: { delaySeconds?: number }) => void>(),
});

describe("the worker", () => {
  test("serves a request as the app role, and hands work to its queue after the answer", async () => {
    const worker = await isolate();
    expect((await worker.fetch(request("/healthz"), env, context)).status).toBe(200);
    const account = await worker.fetch(request("/v1/account"), env, context);
    expect(await account.json()).toMatchObject({ object: "account", name: "Acme", now: orgNow });
    await worker.fetch(
      request("/v1/suppressions", { method: "POST", body: JSON.stringify({ phones: ["+13035550142"] }) }),
      env,
      context,
    );
    await Promise.all(pending);
    expect(sent).toContainEqual({ queue: "OUTBOX_QUEUE", body: { org_id: org.orgId, work: "outbox" } });
  });

  test("the tick sends one message for each organisation that has work, and the consumer does it", async () => {
    const worker = await isolate();
    await worker.fetch(
      request("/v1/test_clock/advance", { method: "POST", body: JSON.stringify({ seconds: 3600 }) }),
      env,
      context,
    );
    sent.length = 0;
    await worker.scheduled({}, env);
    expect(sent).toContainEqual({ queue: "CLOCK_QUEUE", body: { org_id: org.orgId, work: "test_clock" } });
    const works = ["dial", "permits", "inbox", "outbox", "reconcile", "import", "scrub", "standing"].map((work) =>
      message({ org_id: org.orgId, work }),
    );
    await worker.queue({ messages: works }, env);
    for (const one of works) expect(one.ack, JSON.stringify(one.body)).toHaveBeenCalledOnce();
  });

  test("the tick sends one message for mail that is due, of no organisation, and the consumer sends it", async () => {
    const worker = await isolate();
    const keyring = await importKeyring({ V1: key.toString("base64") }, "V1");
    const nobody = { send: () => Promise.reject(new Error("not asked")) };
    const deps = { newId, publicOrigin: "http://127.0.0.1:8787", sealLetter: sealedLetters(keyring, nobody).seal };
    const system = new SystemDb(
      neonTransport(db.connectionString, { address: env["NEON_LOCAL_ENDPOINT"] as string }),
      newId,
      testPeppers,
    );
    const mail = (to: string) => sealMail(deps, { kind: "too_many_failures", params: { when: orgNow }, to });
    sent.length = 0;
    await worker.scheduled({}, env);
    expect(sent.filter(({ body }) => JSON.stringify(body).includes("mail"))).toEqual([]);
    await system.query(await mail("ann@example.com"));
    await worker.scheduled({}, env);
    expect(sent.filter(({ queue: name }) => name === "OUTBOX_QUEUE")).toEqual([
      { queue: "OUTBOX_QUEUE", body: { work: "mail" } },
    ]);
    // The same tick takes away what has ended long ago.
    const long = await mail("old@example.com");
    await system.query(long);
    await db.admin("update mails set sealed = null, lane = null, sent_at = now() - interval '31 days' where id = $1", [
      long.params[0],
    ]);
    await worker.scheduled({}, env);
    expect((await db.admin("select id from mails where id = $1", [long.params[0]])).rows).toEqual([]);
    const one = message({ work: "mail" });
    await worker.queue({ messages: [one] }, env);
    expect(one.ack).toHaveBeenCalledOnce();
    expect(simulators.mailbox().map(({ to, from }) => ({ to, from }))).toEqual([
      { to: ["ann@example.com"], from: "Dialgate <mail@dialgate.example>" },
    ]);
    // Told to wait it comes back by itself; what is given up is reported, by name alone.
    sent.length = 0;
    await system.query(await mail("ann@example.com"));
    simulators.setMail("rate_limited", 1, 2);
    await worker.queue({ messages: [message({ work: "mail" })] }, env);
    expect(sent).toEqual([{ queue: "OUTBOX_QUEUE", body: { work: "mail" } }]);
    await db.admin("update mails set due_at = clock_timestamp() where sealed is not null");
    simulators.setMail("invalid", 1);
    const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await worker.queue({ messages: [message({ work: "mail" })] }, env);
    expect(said.mock.calls.map(([line]) => JSON.parse(String(line)).error)).toEqual(["MailGivenUp"]);
    expect(JSON.stringify(said.mock.calls)).not.toContain("ann@");
    said.mockRestore();
  });

  test("a message that is not ours is dropped, and work that fails is tried again without holding up the rest", async () => {
    const worker = await isolate();
    const strange = [null, "text", { org_id: org.orgId, work: "unknown" }, { org_id: "'; drop table", work: "dial" }].map(
      message,
    );
    const failing = message({ org_id: "019a9b2c-7d00-7000-8000-00000000dead", work: "dial" });
    const fine = message({ org_id: org.orgId, work: "permits" });
    const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await worker.queue({ messages: [...strange, failing, fine] }, env);
    for (const one of strange) expect(one.ack).toHaveBeenCalledOnce();
    expect(failing.retry).toHaveBeenCalledWith({ delaySeconds: 30 });
    expect(fine.ack).toHaveBeenCalledOnce();
    expect(said).toHaveBeenCalledOnce();
    said.mockRestore();
  });

  test("with a role that could read past the walls serves nothing and does no work", async () => {
    await db.admin("create or replace function app.unsafe_role() returns boolean stable language sql as 'select true'");
    const worker = await isolate();
    const answer = await worker.fetch(request("/v1/account"), env, context);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "unsafe_database_role" });
    await expect(worker.scheduled({}, env)).rejects.toThrow(/read past the walls/);
    await expect(worker.queue({ messages: [message({ org_id: org.orgId, work: "dial" })] }, env)).rejects.toThrow(
      /read past the walls/,
    );
  });

  test("with a wrong environment fails loudly, by the variable's name", async () => {
    const worker = await isolate();
    await expect(worker.fetch(request("/healthz"), { ...env, API_KEY_PEPPER: "short" }, context)).rejects.toThrow(
      /API_KEY_PEPPER/,
    );
  });
});
