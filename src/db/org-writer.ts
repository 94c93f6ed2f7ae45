import { and, sql, type InferInsertModel, type InferSelectModel, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/pg-proxy";
import type { Instant } from "../lib/instant.ts";
import { tableInOrg } from "./in-org.ts";
import type { AuditEntry, AuditFacts, Bound, OrgTable } from "./org-db.ts";
import { rowsOf, type Answer, type Statement } from "./transport.ts";
import { unwrapDrizzle } from "./unwrap-drizzle.ts";

export type Row<T extends PgTable> = InferSelectModel<T>;
type NewRow<T extends OrgTable> = Omit<InferInsertModel<T>, "orgId">;
export type ListOptions = { readonly limit: number; readonly orderBy?: readonly SQL[] };

/** The open transaction of one change. */
export class OrgWriter {
  readonly orgId: string;
  readonly now: Instant;
  readonly livemode: boolean;
  readonly orgName: string | null;
  readonly #run: (statement: Statement) => Promise<Answer>;
  readonly #newId: () => string;
  readonly #entries: AuditEntry[];

  constructor(run: (statement: Statement) => Promise<Answer>, bound: Bound, newId: () => string, entries: AuditEntry[]) {
    this.#run = run;
    this.#newId = newId;
    this.#entries = entries;
    this.orgId = bound.orgId;
    this.now = bound.now;
    this.livemode = bound.livemode;
    this.orgName = bound.orgName;
  }

  newId(): string {
    return this.#newId();
  }

  /** Adds to the first entry's facts what is known only now. */
  note(facts: AuditFacts): void {
    const [entry] = this.#entries;
    if (entry !== undefined) this.#entries[0] = { ...entry, facts: { ...entry.facts, ...facts } };
  }
  /** A further audit entry of the same transaction. */
  also(entry: AuditEntry): void {
    this.#entries.push(entry);
  }
  /** The change came to something else, or to nothing: without any entry the transaction is rolled back. */
  withdrawEntry(): void {
    this.#entries.shift();
  }

  async rows<R>(statement: Statement): Promise<R[]> {
    return rowsOf<R>(await this.#run(statement));
  }
  async find<T extends OrgTable>(table: T, where: SQL | undefined, options: ListOptions): Promise<Row<T>[]> {
    return selectRows(builder(this.#run, "find"), table, where, options);
  }
  async findOne<T extends OrgTable>(table: T, where: SQL): Promise<Row<T> | null> {
    return (await this.find(table, where, { limit: 1 }))[0] ?? null;
  }
  async insert<T extends OrgTable>(table: T, row: NewRow<T>): Promise<Row<T>> {
    const values = { ...row, orgId: this.orgId } as InferInsertModel<T>;
    const [inserted] = (await unwrapDrizzle(builder(this.#run, "insert").insert(table).values(values).returning())) as Row<T>[];
    if (inserted === undefined) throw new Error("an insert returned no row");
    return inserted;
  }
  /** The rows that changed: none is how a lost race or another org's row looks, and the caller must say which. */
  async update<T extends OrgTable>(table: T, where: SQL, set: Partial<NewRow<T>>): Promise<Row<T>[]> {
    const scoped = and(tableInOrg(table.orgId), where);
    // drizzle's own generics do not survive a table parameter.
    const db = builder(this.#run, "update");
    return (await unwrapDrizzle(
      db
        .update(table)
        .set(set as never)
        .where(scoped)
        .returning(),
    )) as Row<T>[];
  }
  async delete<T extends OrgTable>(table: T, where: SQL): Promise<number> {
    const scoped = and(tableInOrg(table.orgId), where);
    const deleted = builder(this.#run, "delete")
      .delete(table)
      .where(scoped)
      .returning({ one: sql`1` });
    return ((await unwrapDrizzle(deleted)) as unknown[]).length;
  }
}

/** drizzle as a builder and row mapper over our own transport. */
export function builder(run: (statement: Statement) => Promise<Answer>, verb: string) {
  return drizzle(async (text, params) => ({ rows: (await run({ name: verb, text, params })).rows as unknown[][] }));
}

export async function selectRows<T extends OrgTable>(
  db: ReturnType<typeof builder>,
  table: T,
  where: SQL | undefined,
  { limit, orderBy }: ListOptions,
): Promise<Row<T>[]> {
  const query = db
    .select()
    .from(table as PgTable)
    .where(and(tableInOrg(table.orgId), where));
  return (await unwrapDrizzle((orderBy === undefined ? query : query.orderBy(...orderBy)).limit(limit))) as Row<T>[];
}
