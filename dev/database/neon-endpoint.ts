/**
 * Neon's own HTTP (`POST /sql`) and WebSocket (`/v2`) protocol in front of any Postgres wire server, so that the worker
 * uses `@neondatabase/serverless` unchanged. The HTTP half is a client of that server like any other: it can neither see
 * nor commit a transaction that a WebSocket client has open.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import pg from "pg";
import { WebSocketServer, type WebSocket } from "ws";
import { frontendMessages, ProtocolViolation } from "./wire.ts";

export interface NeonEndpointOptions {
  readonly host?: string;
  readonly port?: number;
  /** The wire server; user, password and database come with each request. */
  readonly target: { readonly host: string; readonly port: number };
  /** Added to each request, as a distance to the database would. */
  readonly delayMilliseconds?: number;
  readonly connectionsMax?: number;
}

/** What the worker waited for: an HTTP request, single or batch, is one; on a WebSocket each awaited message is one. */
export interface Requests {
  readonly total: number;
  readonly single: number;
  readonly batch: number;
  readonly webSocket: number;
  /** Statements inside the HTTP requests. */
  readonly statements: number;
  /** The statements of the last 100 HTTP requests, without their parameters. */
  readonly recent: readonly (readonly string[])[];
}

export interface NeonEndpoint {
  readonly port: number;
  /** For `neonConfig.fetchEndpoint`. */
  readonly url: string;
  /** For `neonConfig.wsProxy`. */
  readonly webSocketProxy: string;
  requests(): Requests;
  resetRequests(): void;
  delay(milliseconds: number): void;
  /** The next HTTP request is carried out and its answer lost, as when a connection breaks after COMMIT. */
  loseNextAnswer(): void;
  /**
   * What `POST /sql` answers, for a client in this process: without a socket between them a request costs a fifth less.
   * @throws TypeError as `fetch` does, where the answer is lost
   */
  fetch(init: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

const bodyBytesMax = 64 * 1024 * 1024;
const poolsMax = 8;
const isolationLevels: Record<string, string> = {
  ReadUncommitted: "read uncommitted",
  ReadCommitted: "read committed",
  RepeatableRead: "repeatable read",
  Serializable: "serializable",
};

type Header = (name: string) => string | undefined;
interface SqlAnswer {
  readonly status: number;
  readonly body: unknown;
}
interface Query {
  readonly query: string;
  readonly params?: readonly unknown[];
}
interface State {
  readonly target: NeonEndpointOptions["target"];
  readonly connectionsMax: number;
  readonly pools: Map<string, pg.Pool>;
  counted: { single: number; batch: number; webSocket: number; statements: number; recent: string[][] };
  delayMilliseconds: number;
  loseAnswers: number;
}

export async function startNeonEndpoint({
  host = "127.0.0.1",
  port = 0,
  target,
  delayMilliseconds = 0,
  connectionsMax = 20,
}: NeonEndpointOptions): Promise<NeonEndpoint> {
  const state: State = { target, connectionsMax, pools: new Map(), counted: nothing(), delayMilliseconds, loseAnswers: 0 };
  const server = createServer((request, response) => {
    serveSql(state, request, response).catch((error: unknown) =>
      answer(response, { status: 500, body: { message: textOf(error) } }),
    );
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: bodyBytesMax });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const path = URL.parse(request.url ?? "/", "http://endpoint")?.pathname;
    if (path !== "/v2" && path !== "/v1") return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (client) => carryWire(state, client));
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the endpoint has no port");
  return {
    port: address.port,
    url: `http://${host}:${address.port}/sql`,
    webSocketProxy: `${host}:${address.port}/v2`,
    requests: () => ({ ...state.counted, total: state.counted.single + state.counted.batch + state.counted.webSocket }),
    resetRequests: () => void (state.counted = nothing()),
    delay: (milliseconds) => void (state.delayMilliseconds = milliseconds),
    loseNextAnswer: () => void state.loseAnswers++,
    async fetch(init) {
      const headers = new Headers(init.headers);
      init.signal?.throwIfAborted();
      const aborted = new Promise<never>((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
      });
      const answered = await Promise.race([
        answerTo(state, (name) => headers.get(name) ?? undefined, String(init.body)),
        aborted,
      ]);
      if (answered === null) throw new TypeError("fetch failed");
      return Response.json(answered.body, { status: answered.status });
    },
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await Promise.all([...state.pools.values()].map((pool) => pool.end()));
    },
  };
}

const nothing = (): State["counted"] => ({ single: 0, batch: 0, webSocket: 0, statements: 0, recent: [] });
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function serveSql(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "POST" || new URL(request.url ?? "/", "http://endpoint").pathname !== "/sql")
    return answer(response, { status: 404, body: { message: "not found" } });
  const body = await readBody(request);
  if (body === undefined) return answer(response, { status: 413, body: { message: `more than ${bodyBytesMax} bytes` } });
  const answered = await answerTo(state, (name) => headerOf(request, name), body);
  if (answered === null) return void response.destroy();
  answer(response, answered);
}

/** Null: it was carried out, and its answer is lost. */
async function answerTo(state: State, header: Header, body: string): Promise<SqlAnswer | null> {
  const connectionString = header("neon-connection-string");
  if (!connectionString) return { status: 400, body: { message: "missing header Neon-Connection-String" } };
  let asked: Query & { queries?: Query[] };
  try {
    asked = JSON.parse(body) as typeof asked;
  } catch {
    return { status: 400, body: { message: "the body is not JSON" } };
  }
  const queries = asked.queries ?? [asked];
  if (!queries.every(({ query }) => typeof query === "string")) return { status: 400, body: { message: "a query is missing" } };
  count(state, queries, asked.queries !== undefined);
  if (state.delayMilliseconds > 0) await pause(state.delayMilliseconds);
  const lost = state.loseAnswers > 0 && state.loseAnswers-- > 0;
  const answered = await resultsOf(state, header, connectionString, queries, asked.queries !== undefined);
  return lost ? null : answered;
}

async function resultsOf(
  state: State,
  header: Header,
  connectionString: string,
  queries: readonly Query[],
  batch: boolean,
): Promise<SqlAnswer> {
  const shape = { arrays: header("neon-array-mode") === "true", raw: header("neon-raw-text-output") === "true" };
  try {
    const results = await run(poolFor(state, connectionString), connectionString, queries, batch ? beginOf(header) : undefined);
    const shaped = results.map((result) => resultBody(result, shape));
    return { status: 200, body: batch ? { results: shaped } : shaped[0] };
  } catch (error) {
    if (error instanceof pg.DatabaseError) return { status: 400, body: errorBody(error) };
    return { status: 500, body: { message: textOf(error) } };
  }
}

function count(state: State, queries: readonly Query[], batch: boolean): void {
  state.counted[batch ? "batch" : "single"]++;
  state.counted.statements += queries.length;
  state.counted.recent.push(queries.map(({ query }) => query));
  if (state.counted.recent.length > 100) state.counted.recent.shift();
}

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function beginOf(header: Header): string {
  const level = isolationLevels[header("neon-batch-isolation-level") ?? ""];
  const readOnly = header("neon-batch-read-only");
  const deferrable = header("neon-batch-deferrable");
  const modes = [
    ...(level === undefined ? [] : [`isolation level ${level}`]),
    ...(readOnly === undefined ? [] : [readOnly === "true" ? "read only" : "read write"]),
    ...(deferrable === undefined ? [] : [deferrable === "true" ? "deferrable" : "not deferrable"]),
  ];
  return `begin ${modes.join(", ")}`;
}

function poolFor(state: State, connectionString: string): pg.Pool {
  const kept = state.pools.get(connectionString);
  if (kept) return kept;
  if (state.pools.size >= poolsMax) {
    const [oldest] = state.pools.keys();
    if (oldest !== undefined) {
      void state.pools.get(oldest)?.end();
      state.pools.delete(oldest);
    }
  }
  const url = new URL(connectionString);
  const pool = new pg.Pool({
    ...state.target,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    max: state.connectionsMax,
    connectionTimeoutMillis: 30_000,
    query_timeout: 120_000,
    // A request's statements leave together: each waited for by itself is most of what a request costs on one machine.
    pipeline: true,
  } as pg.PoolConfig);
  // An idle connection that the server closes is replaced at the next request.
  pool.on("error", () => undefined);
  state.pools.set(connectionString, pool);
  return pool;
}

/** One request is one transaction. What an earlier request set in the session is gone before it, and its role is proved. */
async function run(
  pool: pg.Pool,
  connectionString: string,
  queries: readonly Query[],
  begin: string | undefined,
): Promise<pg.QueryArrayResult[]> {
  const role = decodeURIComponent(new URL(connectionString).username);
  const client = await pool.connect();
  let healthy = false;
  try {
    // In one trip. It begins behind SET, which takes no snapshot and so leaves the isolation level open.
    const first = ["reset all", `set role "${role}"`, ...(begin === undefined ? [] : [begin]), "select current_user"].join("; ");
    const opened = (await client.query(first)) as unknown as pg.QueryResult<{ current_user: string }>[];
    if (opened.at(-1)?.rows[0]?.current_user !== role) throw new Error("the connection is not its own role");
    const sent = queries.map(({ query, params }) =>
      client.query({ text: query, values: (params ?? []).map(asText), rowMode: "array", types: rawText }),
    );
    // Of a transaction that failed, the statements behind fail too, and its commit is a rollback.
    const ended = begin === undefined ? undefined : client.query("commit");
    await Promise.allSettled([...sent, ended]);
    const results = (await Promise.all(sent)) as pg.QueryArrayResult[];
    await ended;
    healthy = true;
    return results;
  } catch (error) {
    healthy = error instanceof pg.DatabaseError && error.severity === "ERROR";
    throw error;
  } finally {
    client.release(!healthy);
  }
}

const rawText = { getTypeParser: () => (value: string | Buffer) => value } as unknown as pg.CustomTypesConfig;

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function resultBody(result: pg.QueryArrayResult, { arrays, raw }: { arrays: boolean; raw: boolean }): Record<string, unknown> {
  const rows = (result.rows as (string | null)[][]).map((row) => {
    const values: unknown[] = raw ? row : row.map((value, column) => parsed(value, result.fields[column]?.dataTypeID));
    return arrays ? values : Object.fromEntries(values.map((value, column) => [result.fields[column]?.name ?? "", value]));
  });
  const fields = result.fields.map(({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier }) => ({
    name,
    dataTypeID,
    tableID,
    columnID,
    dataTypeSize,
    dataTypeModifier,
    format: "text",
  }));
  return { command: result.command, rowCount: result.rowCount, rowAsArray: arrays, fields, rows };
}

/** Without raw text Neon turns booleans, the smaller numbers and JSON into JSON values and leaves the rest as text. */
function parsed(value: string | null, type: number | undefined): unknown {
  if (value === null || type === undefined) return null;
  if (type === 16) return value === "t";
  if ([21, 23, 26, 700, 701].includes(type)) return Number(value);
  return type === 114 || type === 3802 ? (JSON.parse(value) as unknown) : value;
}

const errorFields = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

function errorBody(error: pg.DatabaseError): Record<string, unknown> {
  return { message: error.message, ...Object.fromEntries(errorFields.map((name) => [name, error[name] ?? null])) };
}

function answer(response: ServerResponse, { status, body }: SqlAnswer): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Carries the wire protocol between a WebSocket and the server, byte for byte. */
function carryWire(state: State, client: WebSocket): void {
  const server = connect({ ...state.target, noDelay: true });
  const read = frontendMessages({ passwords: true });
  let sent: Promise<void> = Promise.resolve();
  client.on("message", (data: Buffer, binary) => {
    if (!binary) return client.close(1003, "binary messages only");
    const awaited = awaitedIn(read, Buffer.from(data));
    if (awaited === null) return client.close(1002, "not the protocol of Postgres");
    state.counted.webSocket += awaited;
    sent = sent.then(async () => {
      if (awaited > 0 && state.delayMilliseconds > 0) await pause(state.delayMilliseconds);
      if (!server.destroyed) server.write(data);
    });
  });
  server.on("data", (chunk) => client.send(chunk));
  server.on("close", () => client.close());
  server.on("error", () => client.close(1011, "the database closed the connection"));
  client.on("error", () => server.destroy());
  client.on("close", () => void sent.then(() => server.end()));
}

/** How many of the messages wait for an answer; null: they are none of the protocol's. */
function awaitedIn(read: ReturnType<typeof frontendMessages>, data: Buffer): number | null {
  try {
    return read(data).filter((message) => message.kind === "end").length;
  } catch (thrown) {
    if (thrown instanceof ProtocolViolation) return null;
    throw thrown;
  }
}
