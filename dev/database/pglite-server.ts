/**
 * A Postgres wire server over one PGlite session. Connections take turns: a turn lasts from a connection's first message
 * until the session reports that no transaction is open, so neither a transaction nor an unnamed prepared statement of
 * one connection is ever met by another. Whoever connects is the app role; only this process reaches the owner.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import {
  backendMessages,
  errorResponse,
  frontendMessages,
  type FrontendMessage,
  ProtocolViolation,
  simpleQuery,
} from "./wire.ts";

export interface PgliteServer {
  readonly port: number;
  /** Runs work as the owner, with the session to itself. */
  asOwner<T>(work: (db: PGlite) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PgliteServerOptions {
  readonly db: PGlite;
  readonly role: string;
  readonly host?: string;
  readonly port?: number;
  /** How long a transaction may wait for its client before it is rolled back. */
  readonly idleSeconds?: number;
}

const connectionsMax = 200;

export async function startPgliteServer({
  db,
  role,
  host = "127.0.0.1",
  port = 0,
  idleSeconds = 5,
}: PgliteServerOptions): Promise<PgliteServer> {
  const turns = takeTurns();
  const lastUser: { of?: Socket | undefined } = {};
  const sockets = new Set<Socket>();
  const greeting = await serverGreeting(db);
  let processId = 0;
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    if (sockets.size >= connectionsMax) {
      socket.end(errorResponse("FATAL", "53300", `more than ${connectionsMax} connections`));
      return;
    }
    sockets.add(socket);
    const session = serveConnection({
      db,
      role,
      turns,
      lastUser,
      socket,
      greeting,
      processId: ++processId,
      idleMilliseconds: idleSeconds * 1000,
    });
    socket.on("close", () => {
      sockets.delete(socket);
      void session.end();
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the database server has no port");
  return {
    port: address.port,
    asOwner: async (work) => {
      const turn = await turns.take();
      lastUser.of = undefined;
      try {
        await db.exec(`${forget}; set role postgres`);
        return await work(db);
      } finally {
        if (db.isInTransaction()) await db.exec("rollback");
        turn.giveBack();
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      const last = await turns.take();
      await db.close();
      last.giveBack();
    },
  };
}

/**
 * What a session of the server's own would not know of another. Not DISCARD ALL and not RESET ROLE: PGlite's session user
 * is the superuser, and both would return to it.
 */
const forget = "reset all; close all; unlisten *; deallocate all; discard temp; select pg_advisory_unlock_all()";

interface Connection {
  readonly db: PGlite;
  readonly role: string;
  readonly turns: Turns;
  /** Whose traces the session still carries. */
  readonly lastUser: { of?: Socket | undefined };
  readonly socket: Socket;
  readonly greeting: Buffer;
  readonly processId: number;
  readonly idleMilliseconds: number;
}

function serveConnection(connection: Connection): { end(): Promise<void> } {
  const { socket, turns } = connection;
  const read = frontendMessages();
  let turn: Turn | undefined;
  let waiting: Buffer[] = [];
  let opened = "";
  let idle: NodeJS.Timeout | undefined;
  let work: Promise<void> = Promise.resolve();
  let ended = false;

  const release = async (): Promise<void> => {
    clearTimeout(idle);
    const held = turn;
    turn = undefined;
    if (!held) return;
    try {
      if (connection.db.isInTransaction()) await ask(connection.db, simpleQuery("rollback"));
    } finally {
      held.giveBack();
    }
  };

  const idleTooLong = async (): Promise<void> => {
    await release();
    const seconds = connection.idleMilliseconds / 1000;
    socket.end(
      errorResponse("FATAL", "25P03", `rolled back: the transaction that began with "${opened}" was idle for ${seconds} s`),
    );
    socket.destroySoon();
  };

  const step = async (message: FrontendMessage): Promise<void> => {
    if (ended) return;
    clearTimeout(idle);
    if (message.kind === "ssl") return void socket.write("N");
    if (message.kind === "startup") return void socket.write(welcome(connection));
    if (message.kind === "cancel" || message.kind === "terminate") return void socket.end();
    waiting.push(message.bytes);
    if (message.kind !== "end") return;
    if (!turn) {
      turn = await turns.take();
      if (ended) return;
      opened = "";
      await takeRole(connection);
    }
    if (opened === "") opened = message.statement;
    const answer = await ask(connection.db, Buffer.concat(waiting));
    waiting = [];
    if (!ended) socket.write(answer.bytes);
    if (answer.status === "I") await release();
    else idle = setTimeout(() => void (work = work.then(idleTooLong)), connection.idleMilliseconds);
  };

  /** Null: what came is not Postgres' protocol. The connection ends, with the reason for whoever can read it. */
  const readable = (chunk: Buffer): FrontendMessage[] | null => {
    try {
      return read(chunk);
    } catch (thrown) {
      if (!(thrown instanceof ProtocolViolation)) throw thrown;
      socket.removeAllListeners("data");
      socket.end(errorResponse("FATAL", "08P01", thrown.message));
      socket.destroySoon();
      return null;
    }
  };

  socket.on("data", (chunk: Buffer) => {
    for (const message of readable(chunk) ?? []) {
      work = work
        .then(() => step(message))
        .catch((error: unknown) => {
          socket.destroy(error instanceof Error ? error : new Error(String(error)));
        });
    }
  });
  return {
    end: () => {
      ended = true;
      return (work = work.then(release));
    },
  };
}

/** A turn after another connection's starts as the app role with nothing left behind, and proves it. */
async function takeRole({ db, role, lastUser, socket }: Connection): Promise<void> {
  if (lastUser.of === socket) return;
  lastUser.of = socket;
  const { bytes } = await ask(db, simpleQuery(`${forget}; set role "${role}"; select current_user`));
  const rows = [...backendMessages(bytes)].filter(({ type }) => type === "D");
  if (rows.at(-1)?.body.subarray(6).toString("utf8") !== role) throw new Error("the session is not the app role");
}

function welcome({ greeting, processId }: Connection): Buffer {
  const key = Buffer.alloc(13);
  key.write("K");
  key.writeInt32BE(12, 1);
  key.writeInt32BE(processId, 5);
  return Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), greeting, key, Buffer.from([0x5a, 0, 0, 0, 5, 0x49])]);
}

/** The parameters that every Postgres names to a new client. */
async function serverGreeting(db: PGlite): Promise<Buffer> {
  const names = [
    "server_version",
    "server_encoding",
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
  ];
  const { rows } = await db.query<Record<string, string>>(
    `select ${names.map((name) => `current_setting('${name}') as "${name}"`).join(", ")}`,
  );
  return Buffer.concat(
    names.map((name) => {
      const body = Buffer.from(`${name}\0${rows[0]?.[name] ?? ""}\0`);
      const head = Buffer.alloc(5);
      head.write("S");
      head.writeInt32BE(body.length + 4, 1);
      return Buffer.concat([head, body]);
    }),
  );
}

async function ask(db: PGlite, request: Uint8Array): Promise<{ bytes: Buffer; status: string }> {
  const parts: Buffer[] = [];
  await db.execProtocolRawStream(request, { onRawData: (data) => void parts.push(Buffer.from(data)) });
  const bytes = Buffer.concat(parts);
  let status = "";
  for (const message of backendMessages(bytes)) if (message.type === "Z") status = message.body.toString("latin1");
  return { bytes, status };
}

interface Turn {
  giveBack(): void;
}
interface Turns {
  take(): Promise<Turn>;
}

/** First come, first served; the idle limit bounds how long any one can hold the rest up. */
function takeTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    take: () => {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      return before.then(() => ({ giveBack: resolve }));
    },
  };
}
