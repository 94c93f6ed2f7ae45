/** The house's statements straight to Postgres, each transaction under a name of its own and as slow as the test wants it. */
import pg from "pg";
import type { Answer, Statement, Transport } from "../../src/db/transport.ts";

export interface Linger {
  /** Shown in pg_stat_activity while the transaction is open. */
  readonly name: string;
  /** Milliseconds that a transaction stays open, locks held, before its audit entry or its end. */
  readonly milliseconds: () => number;
  /** Told of every transaction that will commit next. */
  readonly xid?: (xid: string) => void;
}

const parsers = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === 1184) return (text: string) => (text.endsWith("infinity") ? text : text.replace(" ", "T").replace(/\+00$/, "Z"));
    if (oid === 20 || oid === 1700) return Number;
    return pg.types.getTypeParser(oid, format as "text");
  },
};

const answered = async (client: pg.ClientBase, statement: Statement): Promise<Answer> => {
  const query = { text: statement.text, values: [...statement.params], rowMode: "array" as const, types: parsers as never };
  const { fields, rows } = await client.query<unknown[]>(query);
  return { columns: fields.map((field) => field.name), rows };
};

/** Within whatever transaction the connection has open; its owner ends it. */
export function connectionTransport(client: pg.ClientBase): Transport {
  return {
    transaction: (work) => work((statement) => answered(client, statement)),
    async batch(statements) {
      const answers: Answer[] = [];
      for (const statement of statements) answers.push(await answered(client, statement));
      return answers;
    },
  };
}

export function pgTransport(pool: pg.Pool, linger: Linger): Transport {
  const transaction: Transport["transaction"] = async (work) => {
    const client = await pool.connect();
    let broken: Error | undefined;
    const run = async (statement: Statement): Promise<Answer> => {
      if (statement.name === "audit.append_many") await sleep(linger.milliseconds());
      return answered(client, statement);
    };
    try {
      await client.query(`begin; set local timezone = 'UTC'; set local application_name = '${linger.name}'`);
      const result = await work(run);
      if (linger.xid !== undefined)
        linger.xid((await client.query<{ xid: string }>("select pg_current_xact_id()::text as xid")).rows[0]?.xid ?? "");
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    transaction,
    batch: (statements) =>
      transaction(async (run) => {
        const answers: Answer[] = [];
        for (const statement of statements) answers.push(await run(statement));
        if (!statements.some(({ name }) => name === "audit.append_many" || name === "app.record_decisions"))
          await sleep(linger.milliseconds());
        return answers;
      }),
  };
}

export const sleep = (milliseconds: number): Promise<void> =>
  milliseconds <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds));
