/** What a 5xx tells the caller to do with its Idempotency-Key is true: the same key works, or it says that nobody knows. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DbError } from "../../src/db/db-error.ts";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { publicId } from "../../src/lib/ids.ts";
import { type Known, statements } from "../isolation/statements.ts";
import { testPeppers } from "../support/peppers.ts";
import { type Api, type Caller, openApi } from "./api.ts";

/** What happens to the driver's work; nothing by default. */
type Hook = (names: string, send: () => Promise<unknown>) => Promise<unknown>;
let between: { readonly batch?: Hook; readonly transaction?: Hook } = {};
let api: Api;
let acme: Caller;
beforeAll(async () => {
  api = await openApi();
  acme = await api.seed();
  const inner = neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
  const pass: Hook = (_, send) => send();
  const transport: Transport = {
    batch: (statements) => {
      const names = statements.map(({ name }) => name).join(" ");
      return (between.batch ?? pass)(names, () => inner.batch(statements)) as ReturnType<Transport["batch"]>;
    },
    transaction: <R>(work: Parameters<typeof inner.transaction<R>>[0]) =>
      (between.transaction ?? pass)("transaction", () => inner.transaction(work)) as Promise<R>,
  };
  Object.assign(api.deps, { system: new SystemDb(transport, api.deps.newId, testPeppers) } satisfies Partial<HttpDeps>);
  await api.db.admin(`create function public.fails() returns trigger language plpgsql as $$
    begin raise exception 'x' using errcode = tg_argv[0]; end $$`);
});
afterAll(() => api.close());

const unanswered = (statement: string) => new DbError({ sqlstate: null, constraint: null, table: null, statement });
const seller = { registered_name: "Acme Solar LLC" };
let count = 0;
const newKey = () => `key-${(count += 1)}`;
const post = (key: string, path = "/v1/sellers", body: unknown = seller) => acme.post(path, body, { "idempotency-key": key });
const sellers = async () => (await api.db.admin("select 1 from sellers where org_id = $1", [acme.orgId])).rows.length;
/** Runs the request while each insert into the table fails in this way. */
async function whileFailing<T>(table: string, sqlstate: string, work: () => Promise<T>): Promise<T> {
  await api.db.admin(`create trigger fails before insert on ${table} for each row execute function public.fails('${sqlstate}')`);
  try {
    return await work();
  } finally {
    await api.db.admin(`drop trigger fails on ${table}`);
  }
}
const lead = () => ({ phone: `+1303555${String((count += 1)).padStart(4, "0")}`, state: "CO" });

test("a lead that was taken is answered as taken, also where its sender's key ended in that moment", async () => {
  const org = await api.seed();
  between = {
    transaction: async (_, send) => {
      const done = await send();
      await api.db.admin("update api_keys set revoked_at = now() where id = $1", [org.keyId]);
      return done;
    },
  };
  const taken = await org.post("/v1/leads", lead());
  between = {};
  expect(taken.status, taken.text).toBe(201);
  expect((await org.get("/v1/leads")).status).toBe(401);
});

test("a credential that ends after its request has acted leaves the key taken, for its successor too", async () => {
  const org = await api.seed();
  const { json: rotated } = await org.post(`/v1/api_keys/${(await org.get("/v1/me")).json.machine.id as string}/rotate`, {});
  const key = newKey();
  const body = { lead_id: publicId("lead", api.deps.newId()), campaign_id: publicId("campaign", api.deps.newId()) };
  let calls = 0;
  const callNow: HttpDeps["callNow"] = async (handle, { leadId }) => {
    await handle.change({ action: "customer_data_accessed", subject: publicId("lead", leadId) }, async () => undefined);
    calls += 1;
    await api.db.admin("update api_keys set revoked_at = now() where id = $1", [org.keyId]);
    return { kind: "placed", attemptId: leadId } as Awaited<ReturnType<HttpDeps["callNow"]>>;
  };
  const before = api.deps.callNow;
  Object.assign(api.deps, { callNow });
  const cut = await org.post("/v1/calls", body, { "idempotency-key": key });
  expect([cut.status, cut.json.code]).toEqual([401, "unauthorized"]);
  const headers = { authorization: `Bearer ${rotated.secret as string}`, "idempotency-key": key };
  expect((await org.post("/v1/calls", body, headers)).json.code).toBe("idempotency_key_in_flight");
  await api.db.admin("update idempotency_keys set created_at = created_at - interval '2 minutes' where org_id = $1", [org.orgId]);
  expect((await org.post("/v1/calls", body, headers)).json.code).toBe("idempotency_state_unknown");
  expect(calls).toBe(1);
  Object.assign(api.deps, { callNow: before });
});

describe("where nothing was done for certain, the detail says so and the same key works", () => {
  test.each([
    ["40001", 503],
    ["40P01", 503],
    ["40002", 503],
    ["23514", 500],
    ["22003", 500],
  ])("%s", async (sqlstate, status) => {
    const before = await sellers();
    const key = newKey();
    const failed = await whileFailing("sellers", sqlstate, () => post(key));
    expect(failed).toMatchObject({ status, json: { detail: expect.stringContaining("Nothing was done") } });
    expect(failed.json.detail).toContain("the same Idempotency-Key");
    const repeated = await post(key);
    expect(repeated).toMatchObject({ status: 201 });
    expect((await post(key)).text, "and is done once").toBe(repeated.text);
    expect(await sellers()).toBe(before + 1);
  });

  test("the audit entry of the change fails: nothing of it stands", async () => {
    const before = await sellers();
    const key = newKey();
    expect((await whileFailing("audit.entry", "40001", () => post(key))).status).toBe(503);
    expect(await sellers()).toBe(before);
    expect((await post(key)).status).toBe(201);
  });

  test("peppers that this worker does not hold", async () => {
    const [key, body] = [newKey(), lead()];
    await api.db.admin("insert into pepper_versions (version, canary_hmac) values (9, '\\x09')");
    const halted = await post(key, "/v1/leads", body);
    expect(halted.json).toMatchObject({
      status: 503,
      code: "platform_halted",
      detail: expect.stringContaining("Nothing was done"),
    });
    await api.db.admin("delete from pepper_versions where version = 9");
    expect((await post(key, "/v1/leads", body)).status).toBe(201);
  });

  test("the database could not be reached before the transaction began", async () => {
    const key = newKey();
    between = { transaction: () => Promise.reject(unanswered("connect")) };
    const failed = await post(key);
    between = {};
    expect(failed.json).toMatchObject({ status: 503, code: "database_unavailable" });
    expect(failed.json.detail).toBe("Nothing was done. Try again, with the same Idempotency-Key.");
    expect((await post(key)).status).toBe(201);
  });
});

describe("where nobody knows, the detail says so and the same key does nothing", () => {
  test.each(["08006", "08007", "53200", "57014", "57P01", "40003", "58030", "XX000"])("%s", async (sqlstate) => {
    const before = await sellers();
    const key = newKey();
    const failed = await whileFailing("sellers", sqlstate, () => post(key));
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(failed.json.detail).toMatch(/Nobody knows whether this was done\. Look up .* use a new Idempotency-Key/);
    expect((await post(key)).json).toMatchObject({ status: 409, code: "idempotency_state_unknown" });
    expect(await sellers()).toBe(before);
    expect((await post(newKey())).status).toBe(201);
  });

  test("no answer to the commit: it was done, and is not done again", async () => {
    const before = await sellers();
    const key = newKey();
    between = {
      transaction: async (_, send) => {
        await send();
        throw unanswered("commit");
      },
    };
    const failed = await post(key);
    between = {};
    expect(failed.json).toMatchObject({ status: 503, detail: expect.stringContaining("Nobody knows") });
    expect((await post(key)).json).toMatchObject({ status: 409, code: "idempotency_state_unknown" });
    expect(await sellers()).toBe(before + 1);
  });
});

describe("where the key itself is in doubt", () => {
  const detail = expect.stringMatching(/^Nothing was done\. .*the same Idempotency-Key.*idempotency_state_unknown/);
  const losing = (name: string, isSent: boolean) => ({
    batch: async (names: string, send: () => Promise<unknown>) => {
      if (!names.includes(name)) return send();
      if (isSent) await send();
      throw unanswered(names);
    },
  });
  test("its taking was not answered: nothing was done, and what the same key answers is safe", async () => {
    const before = await sellers();
    const [never, taken] = [newKey(), newKey()];
    between = losing("idempotency_keys.claim", false);
    expect((await post(never)).json).toMatchObject({ status: 503, code: "database_unavailable", detail });
    between = losing("idempotency_keys.claim", true);
    expect((await post(taken)).json).toMatchObject({ status: 503, code: "database_unavailable", detail });
    between = {};
    expect(await sellers()).toBe(before);
    expect((await post(never)).status).toBe(201);
    expect((await post(taken)).json).toMatchObject({ code: "idempotency_key_in_flight" });
    await api.db.admin("update idempotency_keys set created_at = now() - interval '61 seconds' where key = $1", [taken]);
    expect((await post(taken)).json).toMatchObject({ code: "idempotency_state_unknown" });
  });
  test("its release was not answered", async () => {
    const key = newKey();
    between = losing("idempotency_keys.release", false);
    const failed = await whileFailing("sellers", "40001", () => post(key));
    between = {};
    expect(failed.json).toMatchObject({ status: 503, code: "database_unavailable", detail });
  });
});

test("a function that may change something is asked by its name: so does a handle know that it may have", async () => {
  const { rows } = await api.db.admin(
    "select proname from pg_proc where pronamespace = 'app'::regnamespace and provolatile = 'v'",
  );
  const asks = new RegExp(`\\bapp\\.(${rows.map((row) => row["proname"]).join("|")})\\(`);
  const anything = new Proxy({} as Known, { get: () => acme.orgId });
  const asking = Object.values(statements)
    .flatMap((make) => make(anything))
    .filter(({ text }) => asks.test(text));
  expect(asking.length).toBeGreaterThan(15);
  expect(asking.filter(({ name }) => !name.startsWith("app."))).toEqual([]);
});
