import { Client, neon, NeonDbError, neonConfig } from "@neondatabase/serverless";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
let sql: ReturnType<typeof neon<false, false>>;

beforeAll(async () => {
  db = await openTestDatabase();
  neonConfig.fetchEndpoint = () => db.endpoint.url;
  neonConfig.wsProxy = () => db.endpoint.webSocketProxy;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineConnect = false;
  neonConfig.pipelineTLS = false;
  sql = neon(db.connectionString);
});
beforeEach(() => db.endpoint.resetRequests());
afterAll(() => db?.close());

async function webSocketClient(): Promise<Client> {
  const client = new Client({ connectionString: db.connectionString });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

test("the driver reads every kind of value as it would from Neon", async () => {
  const [row] =
    await sql`select ${5}::int as number, ${"Zoë 🛑"}::text as text, ${null}::text as nothing, '\\x00ff'::bytea as bytes,
    ${[1, 2]}::int[] as list, ${{ a: [1, "b"] }}::jsonb as json, 12345678901234567890.12::numeric as numeric, true as yes, '2026-01-02T03:04:05Z'::timestamptz as at`;
  expect(row).toEqual({
    number: 5,
    text: "Zoë 🛑",
    nothing: null,
    bytes: Buffer.from([0, 255]),
    list: [1, 2],
    json: { a: [1, "b"] },
    numeric: "12345678901234567890.12",
    yes: true,
    at: new Date("2026-01-02T03:04:05Z"),
  });
  const full = await sql.query("select 1 as one, 2 as two", [], { fullResults: true, arrayMode: true });
  expect(full).toMatchObject({
    command: "SELECT",
    rowCount: 1,
    rows: [[1, 2]],
    rowAsArray: true,
    fields: [{ name: "one", dataTypeID: 23, format: "text" }, { name: "two" }],
  });
});

test("a batch is one request and one transaction, of the isolation that was asked for", async () => {
  const mode =
    "select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as read_only, current_setting('transaction_deferrable') as deferrable";
  for (const [isolationLevel, level] of [
    ["ReadCommitted", "read committed"],
    ["RepeatableRead", "repeatable read"],
    ["Serializable", "serializable"],
  ] as const) {
    const [, rows] = await sql.transaction([sql`select set_config('app.org_id', 'bound', true)`, sql.query(mode)], {
      isolationLevel,
      readOnly: true,
      deferrable: true,
    });
    expect(rows).toEqual([{ level, read_only: "on", deferrable: "on" }]);
  }
  const [, inside] = await sql.transaction([
    sql`select set_config('app.org_id', 'bound', true)`,
    sql`select current_setting('app.org_id') as org`,
  ]);
  expect(inside).toEqual([{ org: "bound" }]);
  expect(await sql`select current_setting('app.org_id', true) as org`).not.toEqual([{ org: "bound" }]);
  expect(db.endpoint.requests()).toMatchObject({ batch: 4, single: 1, webSocket: 0, total: 5, statements: 9 });
});

test("a batch that fails leaves nothing, and its error has the fields that Postgres gave it", async () => {
  await db.admin("create table if not exists public.probe (id integer primary key, note text not null)");
  await db.admin("grant select, insert on public.probe to dialgate_app");
  const failed = sql.transaction([sql`insert into probe values (1, 'first')`, sql`insert into probe values (1, 'again')`]);
  const error = await failed.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NeonDbError);
  expect(error).toMatchObject({
    code: "23505",
    severity: "ERROR",
    constraint: "probe_pkey",
    table: "probe",
    schema: "public",
    detail: "Key (id)=(1) already exists.",
  });
  expect(await sql`select from probe`).toEqual([]);
});

test("what one request set in its session is gone in the next, over either transport", async () => {
  await sql`set app.org_id = 'left behind'`;
  expect(await sql`select coalesce(current_setting('app.org_id', true), '') as org`).toEqual([{ org: "" }]);
  const first = await webSocketClient();
  await first.query("set app.org_id = 'left behind'");
  const second = await webSocketClient();
  expect((await second.query("select coalesce(current_setting('app.org_id', true), '') as org")).rows).toEqual([{ org: "" }]);
  expect(await sql`select current_user as role`).toEqual([{ role: "dialgate_app" }]);
  await Promise.all([first.end(), second.end()]);
});

test("an HTTP request neither sees nor commits what a WebSocket transaction has open; it waits for its turn", async () => {
  await db.admin("create table if not exists public.turn (id integer)");
  await db.admin("grant select, insert on public.turn to dialgate_app");
  const client = await webSocketClient();
  await client.query("begin");
  await client.query("insert into turn values (1)");
  let answered = false;
  const other = sql`select count(*)::int as rows from turn`.then((rows) => {
    answered = true;
    return rows;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(answered).toBe(false);
  await client.query("rollback");
  expect(await other).toEqual([{ rows: 0 }]);
  await client.end();
});

test("forty clients at once each get their own answers", async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, webSocketClient));
  const overSockets = clients.map(async (client, index) => {
    for (let turn = 0; turn < 10; turn++) {
      const value = index * 100 + turn;
      await client.query("begin");
      expect((await client.query("select $1::int as value", [value])).rows).toEqual([{ value }]);
      await client.query("commit");
    }
    await client.end();
  });
  const overHttp = Array.from({ length: 100 }, async (_, value) =>
    expect(await sql`select ${value}::int as value`).toEqual([{ value }]),
  );
  await Promise.all([...overSockets, ...overHttp]);
});

test("a connection that breaks off inside a transaction leaves the database to the others", async () => {
  const client = await webSocketClient();
  await client.query("begin");
  await client.query("select 1");
  (client as unknown as { connection: { stream: { socket?: { close(): void }; end(): void } } }).connection.stream.end();
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
});

test("a transaction that is left idle for 5 s is rolled back and named, without the values in it", async () => {
  const client = await webSocketClient();
  const named = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.query("begin");
  await client.query("select 'someone'");
  expect(await sql`select 2 as two`).toEqual([{ two: 2 }]);
  const error = await named;
  expect(error.message).toMatch(/rolled back: the transaction that began with "begin" was idle for 5 s/);
  expect(error.message).not.toContain("someone");
}, 15_000);

test("it counts what a client waited for, adds the distance that it was told, and can lose an answer after the commit", async () => {
  const client = await webSocketClient();
  db.endpoint.resetRequests();
  await client.query("begin");
  await client.query("select 1");
  await client.query("commit");
  expect(db.endpoint.requests()).toMatchObject({ webSocket: 3, total: 3 });
  await client.end();

  db.endpoint.delay(100);
  const started = performance.now();
  await sql`select 1`;
  db.endpoint.delay(0);
  expect(performance.now() - started).toBeGreaterThanOrEqual(99);

  await db.admin("create table if not exists public.lost (id integer)");
  await db.admin("grant select, insert on public.lost to dialgate_app");
  db.endpoint.loseNextAnswer();
  await expect(sql`insert into lost values (1)`).rejects.toThrow("fetch failed");
  expect(await sql`select id from lost`).toEqual([{ id: 1 }]);
  expect(db.endpoint.requests().recent.at(-1)).toEqual(["select id from lost"]);
});

test("what is no request of Neon's is refused as Neon refuses it", async () => {
  const post = (headers: Record<string, string>, body: string) => fetch(db.endpoint.url, { method: "POST", headers, body });
  expect((await fetch(db.endpoint.url)).status).toBe(404);
  expect((await post({}, "{}")).status).toBe(400);
  const named = { "neon-connection-string": db.connectionString };
  expect((await post(named, "not json")).status).toBe(400);
  expect((await post(named, "{}")).status).toBe(400);
  const plain = await post(named, JSON.stringify({ query: "select 1 as one, true as yes, 9007199254740993 as big", params: [] }));
  expect(await plain.json()).toMatchObject({ rows: [{ one: 1, yes: true, big: "9007199254740993" }] });
});
