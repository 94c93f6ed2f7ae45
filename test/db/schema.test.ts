import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as schema from "../../src/db/schema/index.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const declared = Object.values(schema).filter((value) => value instanceof PgTable);

test("every table that the code declares has the migrated columns, their types, nulls and primary key", async () => {
  expect(declared.length).toBeGreaterThan(20);
  for (const table of declared) {
    const { name, schema: inSchema, columns, primaryKeys } = getTableConfig(table);
    const { rows } = await db.admin(
      `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull",
        coalesce(a.attnum = any (i.indkey::smallint[]), false) as "inKey"
       from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
       where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by 1`,
      [`${inSchema ?? "public"}.${name}`],
    );
    const keys = new Set(primaryKeys.flatMap((key) => key.columns.map((column) => column.name)));
    const inCode = columns.map((column) => ({
      name: column.name,
      type: typeName(column.getSQLType()),
      notNull: column.notNull,
      inKey: column.primary || keys.has(column.name),
    }));
    const sorted = inCode.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    expect({ name, columns: sorted }).toEqual({ name, columns: rows });
  }
});

/** Postgres prints the long names. */
function typeName(type: string): string {
  return type.replace(/^timestamptz/, "timestamp with time zone").replace(/^double$/, "double precision");
}

test("every table of the migrations that is not the audit log's or the migrations' own is declared in the code", async () => {
  const { rows } = await db.admin(
    "select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1",
  );
  expect(declared.map((table) => getTableConfig(table).name).toSorted()).toEqual(rows.map((row) => row["name"]));
});
