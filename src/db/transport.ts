import { Client, neon, neonConfig, types } from "@neondatabase/serverless";
import { bytesOfHex } from "../lib/bytes.ts";
import { dbErrorOf } from "./db-error.ts";

/** One statement. The name is what errors and counts know it by: it never holds a value. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly params: readonly unknown[];
  /**
   * It alone is no read that is noted: of the protocol, and no look at the org's rows; or it finds the ids of whom the note is
   * to name, and the read follows.
   */
  readonly bookkeeping?: true;
}
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** How statements reach Postgres. The rest of the folder does not know which it is. */
export interface Transport {
  /** One request and one transaction, in order: all statements commit or none does. */
  batch(statements: readonly Statement[]): Promise<Answer[]>;
  /** A transaction in which later statements depend on earlier answers; each `run` is a round trip. */
  transaction<R>(work: (run: (statement: Statement) => Promise<Answer>) => Promise<R>): Promise<R>;
}

/** A local stack that speaks Neon's protocol over plain HTTP; `env.ts` refuses it for anything but loopback. */
export interface LocalEndpoint {
  /** host:port */
  readonly address: string;
}

const requestTimeoutMs = 30_000;

/** The Neon driver: HTTP for batches, a WebSocket for transactions, opened and closed inside one call. */
export function neonTransport(connectionString: string, local?: LocalEndpoint): Transport {
  if (local !== undefined) {
    neonConfig.fetchEndpoint = () => `http://${local.address}/sql`;
    neonConfig.wsProxy = () => `${local.address}/v2`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineTLS = false;
    neonConfig.pipelineConnect = false;
  }
  // A batch reads each query's own `types`; the connection's are for single queries alone (driver 1.2.0).
  const http = neon(connectionString, { arrayMode: true, fullResults: true });
  return {
    async batch(statements) {
      const queries = statements.map((statement) => http.query(statement.text, [...statement.params], { types: parsers }));
      try {
        const signal = AbortSignal.timeout(requestTimeoutMs);
        const results = await http.transaction(queries, { fetchOptions: { signal } });
        return results.map(answerOf);
      } catch (thrown) {
        throw dbErrorOf(thrown, statements.map((statement) => statement.name).join("+"));
      }
    },
    async transaction(work) {
      const client = new Client({ connectionString, connectionTimeoutMillis: 10_000, query_timeout: requestTimeoutMs });
      // A socket that dies between statements says so here; the statement under way rejects by itself.
      client.on("error", () => undefined);
      const run = async (statement: Statement): Promise<Answer> => {
        try {
          const query = { text: statement.text, values: [...statement.params], rowMode: "array" as const, types: parsers };
          return answerOf(await client.query(query));
        } catch (thrown) {
          throw dbErrorOf(thrown, statement.name);
        }
      };
      try {
        await client.connect();
      } catch (thrown) {
        throw dbErrorOf(thrown, "connect");
      }
      try {
        await run({ name: "begin", text: "begin", params: [] });
        const result = await work(run);
        await run({ name: "commit", text: "commit", params: [] });
        return result;
      } catch (thrown) {
        await run({ name: "rollback", text: "rollback", params: [] }).catch(() => undefined);
        throw thrown;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}

function answerOf(result: { fields: readonly { name: string }[]; rows: readonly unknown[] }): Answer {
  return { columns: result.fields.map((field) => field.name), rows: result.rows as unknown[][] };
}

/** An answer's rows as objects, for statements written by hand. */
export function rowsOf<Row>(answer: Answer): Row[] {
  const { columns } = answer;
  return answer.rows.map((row) => {
    const made: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index++) made[columns[index] as string] = row[index];
    return made as Row;
  });
}

const timestamptz = 1184;
const bytea = 17;
const int8 = 20;
const numeric = 1700;
/**
 * Instants as RFC 3339 in UTC, bytea as bytes, int8 and numeric as numbers (every count here stays below 2^53),
 * everything else as the driver reads it.
 */
const parsers = {
  getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
    if (oid === timestamptz) return instantText;
    if (oid === bytea) return (text) => bytesOfHex(text.slice(2));
    if (oid === int8 || oid === numeric) return Number;
    return types.getTypeParser(oid, format ?? "text") as (text: string) => unknown;
  },
};

function instantText(text: string): string {
  if (text.endsWith("infinity")) return text;
  // Sessions are bound to UTC, so the zone is always +00.
  return text.replace(" ", "T").replace(/\+00$/, "Z");
}
