/** The transport over plain TCP, so that what is measured is the statements and not a local proxy. Counts round trips. */
import pg from "pg";
import type { Answer, Statement, Transport } from "../src/db/transport.ts";

export interface CountedTransport extends Transport {
  roundTrips: number;
  /** The names of each request's statements, in order. */
  readonly statements: (readonly string[])[];
  close(): Promise<void>;
}

export function pgTransport(connectionString: string, connectionsMax = 4): CountedTransport {
  // Neon's HTTP endpoint takes a batch as one request: here its statements leave together, and each is not waited for.
  const pool = new pg.Pool({ connectionString, max: connectionsMax, pipeline: true } as pg.PoolConfig);
  const types = { getTypeParser };
  const send = async (client: pg.PoolClient, statement: Statement): Promise<Answer> => {
    const result = await client.query({
      text: statement.text,
      values: [...statement.params],
      rowMode: "array",
      types: types as never,
    });
    return { columns: result.fields.map((field) => field.name), rows: result.rows as unknown[][] };
  };
  const transport: CountedTransport = {
    roundTrips: 0,
    statements: [],
    async batch(statements) {
      transport.roundTrips += 1;
      transport.statements.push(statements.map((statement) => statement.name));
      const client = await pool.connect();
      try {
        const begun = client.query("begin");
        const answers = statements.map((statement) => send(client, statement));
        // Of a transaction that failed nothing is committed, whatever is asked.
        const ended = client.query("commit");
        await Promise.allSettled([begun, ...answers, ended]);
        return await Promise.all(answers);
      } finally {
        client.release();
      }
    },
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query("begin");
        const result = await work((statement) => {
          transport.roundTrips += 1;
          transport.statements.push([statement.name]);
          return send(client, statement);
        });
        await client.query("commit");
        return result;
      } catch (error) {
        await client.query("rollback");
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
  return transport;
}

function getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (oid === 1184) return (text) => (text.endsWith("infinity") ? text : text.replace(" ", "T").replace(/\+00$/, "Z"));
  if (oid === 17) return (text) => Buffer.from(text.slice(2), "hex");
  if (oid === 20 || oid === 1700) return Number;
  return pg.types.getTypeParser(oid, format ?? "text");
}
