/** Whoever reaches a port of the local database by mistake, or on purpose, ends their own connection and nothing else. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frontendMessages, ProtocolViolation } from "../../dev/database/wire.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const started = Buffer.concat([int32(28), int32(3 << 16), Buffer.from("user\0dialgate_app\0\0\0")]);
const message = (type: string, body: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(type), int32(Buffer.byteLength(body) + 4), Buffer.from(body)]);
const sync = message("S", "");

/** Sends the bytes and waits until the server has closed the connection; what it said before that. */
async function sent(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  const heard: Buffer[] = [];
  socket.on("data", (data) => heard.push(data));
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  return Buffer.concat(heard).toString("latin1");
}

async function stillServes(): Promise<void> {
  const client = new pg.Client({ connectionString: db.connectionString, connectionTimeoutMillis: 5_000 });
  await client.connect();
  expect((await client.query("select current_user as role")).rows).toEqual([{ role: "dialgate_app" }]);
  await client.end();
}

describe("a connection whose bytes are not Postgres' protocol is closed, and the next one is served", () => {
  const port = () => Number(new URL(db.connectionString).port);

  test.each<[string, Buffer]>([
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")],
    ["HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
    ["a TLS client that asks nobody first", Buffer.from("16030100f1010000ed0303", "hex")],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
    ["random bytes", Buffer.concat([Buffer.from([0xfe]), randomBytes(64)])],
    ["a length of nothing", int32(0)],
    ["a negative length", int32(-1)],
    ["a length without room for the version", Buffer.concat([int32(5), Buffer.from("x")])],
    ["a start of 200 MiB", int32(200 * 1024 * 1024)],
    ["version 2", Buffer.concat([int32(8), int32(2 << 16)])],
    ["an HTTP request after the start", Buffer.concat([started, Buffer.from("GET / HTTP/1.1\r\n\r\n")])],
    ["a message of an unknown type after the start", Buffer.concat([started, message("z", "abc")])],
    ["a password that nobody asked for", Buffer.concat([started, message("p", "secret\0")])],
    ["an impossible length after the start", Buffer.concat([started, Buffer.from("Q"), int32(-5)])],
    ["a length of three after the start", Buffer.concat([started, Buffer.from("Q"), int32(3)])],
  ])("%s", async (_, bytes) => {
    expect(await sent(port(), bytes)).toContain("C08P01");
    await stillServes();
  });

  test("encryption is declined, whichever kind is asked for, and the start that follows is taken", async () => {
    const ask = (code: number) => Buffer.concat([int32(8), int32(code)]);
    const heard = await sent(port(), Buffer.concat([ask(80_877_104), ask(80_877_103), started, message("X", "")]));
    expect(heard).toMatch(/^NNR/);
  });

  test("the same over the WebSocket in front of it", async () => {
    const socket = new WebSocket(`ws://${db.endpoint.webSocketProxy}`);
    await once(socket, "open");
    socket.send(Buffer.from("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    const [closed] = (await once(socket, "close", { signal: AbortSignal.timeout(5_000) })) as [CloseEvent];
    expect(closed.code).toBe(1002);
    const upgrade = "GET // HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    expect(await sent(db.endpoint.port, Buffer.from(upgrade))).toContain("404");
    await stillServes();
  });
});

test("an answer to a password is a message where the server behind asks for one, and nowhere else", () => {
  const answer = message("p", "secret\0");
  const kinds = (options: Parameters<typeof frontendMessages>[0]) => {
    const read = frontendMessages(options);
    return [...read(started), ...read(answer)].map(({ kind }) => kind);
  };
  expect(kinds({ passwords: true })).toEqual(["startup", "part"]);
  expect(() => kinds({})).toThrow(ProtocolViolation);
});

test.each<[string, Buffer]>([
  ["a query without its end", message("Q", "select 1")],
  ["a query that is no text", Buffer.concat([message("Q", Buffer.from([0xff, 0xfe, 0])), sync])],
  ["a statement that is cut", Buffer.concat([message("P", "x"), sync])],
  ["a binding that counts more than it holds", Buffer.concat([message("B", Buffer.from([0, 0, 0xff, 0xff])), sync])],
  ["a function call", Buffer.concat([message("F", Buffer.concat([int32(-1), Buffer.alloc(6)])), sync])],
  ["a description of nothing", Buffer.concat([message("D", "Z\0"), sync])],
  ["a copy that nobody began", Buffer.concat([message("d", "x"), message("c", ""), message("f", "\0"), sync])],
])("%s is answered or its connection closed, and the next one is served", async (_, bytes) => {
  const port = Number(new URL(db.connectionString).port);
  await sent(port, Buffer.concat([started, bytes, message("X", "")]));
  await stillServes();
});
