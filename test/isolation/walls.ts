/** Both walls between tenants, on whichever Postgres it is handed. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OrgDb } from "../../src/db/org-db.ts";
import * as schema from "../../src/db/schema/index.ts";
import { type Statement, type Transport } from "../../src/db/transport.ts";
import { reportAccess } from "../support/report.ts";
import { newId } from "../support/world.ts";
import { type Known, knownOf, statements, untried } from "./statements.ts";
import { type Admin, marksOf, rowsOfOrg, shows, type TenantTable, tenantTables, tryAs, watchWrites } from "./tenants.ts";
import { eq, is, sql } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { SystemDb } from "../../src/db/system-db.ts";
import { testPeppers } from "../support/peppers.ts";

export interface Ground {
  readonly admin: Admin;
  /** As the app role, straight to the backend. */
  readonly appUrl: string;
  readonly a: string;
  readonly b: string;
  close(): Promise<void>;
}
const phrase = /[a-z_]+\.org_id = \(select app\.org\(\)\)/g;
/** The text with each use of the phrase taken out, one at a time. */
function withoutOne(text: string): string[] {
  return [...text.matchAll(phrase)].map(({ index, 0: use }) => `${text.slice(0, index)}true${text.slice(index + use.length)}`);
}

export function walls(open: () => Promise<Ground>): void {
  let ground: Ground;
  let client: pg.Client;
  let tables: readonly TenantTable[];
  let marks: ReadonlySet<string>;
  let known: Known;
  const all = Object.entries(statements);
  const figures: Record<string, number> = {};
  beforeAll(async () => {
    ground = await open();
    tables = await tenantTables(ground.admin);
    marks = await marksOf(ground.admin, tables, ground.a, ground.b);
    known = await knownOf(ground.admin, ground.a);
    await watchWrites(ground.admin, tables, ground.a);
    client = new pg.Client({ connectionString: ground.appUrl });
    await client.connect();
  }, 300_000);
  afterAll(async () => {
    reportAccess("walls", figures);
    await client.end();
    await ground.close();
  });
  /** What of A's was seen or written, or null. */
  const leak = async (
    who: string | null,
    tried: readonly { text: string; params: readonly unknown[] }[],
  ): Promise<string | null> => {
    const { rows, touched } = await tryAs(client, who, tried);
    return touched ?? shows(rows, marks);
  };

  describe("two orgs", () => {
    test("have rows in every table with an org_id, and the owner of each sees them: the tests below look at something", async () => {
      expect(tables.length).toBeGreaterThan(30);
      for (const { name } of tables) {
        for (const org of [ground.a, ground.b]) {
          expect((await rowsOfOrg(ground.admin, name, org)).length, `${name} of ${org}`).toBeGreaterThan(0);
          const seen = await tryAs(client, org, [{ text: `select org_id from ${name}`, params: [] }]);
          expect(new Set(seen.rows.map(([id]) => id)), name).toEqual(new Set([org]));
        }
      }
    });

    test("every statement of db/queries is tried below, and does something for the org whose rows it names", async () => {
      expect(untried()).toEqual([]);
      const idle: string[] = [];
      for (const [name, make] of all) {
        const { rows, touched, sqlstate } = await tryAs(client, ground.a, make(known));
        if (
          sqlstate !== null ||
          (touched === null && shows(rows, marks) === null && !rows.flat().some((value) => Number(value) > 0))
        )
          idle.push(`${name} ${sqlstate}`);
      }
      expect(idle).toEqual([]);
    }, 120_000);
  });

  describe("wall two: row-level security, with SQL that names no org", () => {
    const wrong = (table: TenantTable, rowOfA: string): { verb: string; text: string; params: readonly unknown[] }[] => [
      { verb: "select", text: `select t.* from ${table.name} t`, params: [] },
      { verb: "select for update", text: `select t.* from ${table.name} t for update`, params: [] },
      { verb: "insert", text: `insert into ${table.name} select * from jsonb_populate_record(null::${table.name}, $1)`, params: [rowOfA] },
      { verb: "insert or ignore", text: `insert into ${table.name} select * from jsonb_populate_record(null::${table.name}, $1) on conflict do nothing`, params: [rowOfA] },
      ...table.updatable.map((column) => ({ verb: `update ${column}`, text: `update ${table.name} set ${column} = ${column}`, params: [] })),
      { verb: "give away", text: `update ${table.name} set org_id = $1`, params: [ground.a] },
      { verb: "delete", text: `delete from ${table.name}`, params: [] },
      { verb: "truncate", text: `truncate ${table.name} cascade`, params: [] },
    ]; // prettier-ignore

    test.each(["another org", "no org", "no org, on a connection that has just served the first"] as const)("bound to %s: nothing read, nothing written", async (who) => {
      const leaks: string[] = [];
      let tried = 0;
      for (const table of tables) {
        const [row] = await rowsOfOrg(ground.admin, table.name, ground.a);
        for (const { verb, text, params } of wrong(table, JSON.stringify(row))) {
          if (who.startsWith("no org, on")) {
            await client.query("begin");
            await client.query("select app.bind($1, now())", [ground.a]);
            expect((await client.query(`select 1 from ${table.name} limit 1`)).rowCount, table.name).toBe(1);
            await client.query("commit");
          }
          const { rows, touched, sqlstate } = await tryAs(client, who === "another org" ? ground.b : null, [{ text, params }]);
          tried += 1;
          const seen = touched ?? shows(rows, marks);
          if (seen !== null) leaks.push(`${table.name} ${verb}: ${seen}`);
          if (verb.startsWith("insert") && sqlstate !== "42501") leaks.push(`${table.name} ${verb}: ${sqlstate}`);
          if (who !== "another org" && rows.length > 0) leaks.push(`${table.name} ${verb}: ${rows.length} rows`);
        }
      }
      expect(leaks).toEqual([]);
      Object.assign(figures, { tenant_tables: tables.length, [`wrong_statements, bound to ${who}`]: tried, [`rows, bound to ${who}`]: leaks.length });
      console.log(`wall two, bound to ${who}: ${tried} statements on ${tables.length} tables, 0 rows`);
    }, 120_000); // prettier-ignore

    test("another org's rows cannot be referred to: a child of one's own takes no foreign parent", async () => {
      for (const table of tables.filter(({ references }) => references)) {
        // The one that names most: a parent that may be none is one of some rows alone.
        const named = (one: object) => Object.values(one).filter((value) => value !== null).length;
        const [row] = (await rowsOfOrg(ground.admin, table.name, ground.a)).toSorted((one, other) => named(other) - named(one));
        const mine = JSON.stringify({ ...row, org_id: ground.b });
        const { sqlstate } = await tryAs(client, ground.b, [
          { text: `insert into ${table.name} select * from jsonb_populate_record(null::${table.name}, $1)`, params: [mine] },
          { text: "set constraints all immediate", params: [] },
        ]);
        // An outright refusal, or no such parent for this org: a row that itself holds no parent may be in.
        if (sqlstate === null) expect(["public.incidents"], table.name).toContain(table.name);
        else expect(["23503", "42501"], table.name).toContain(sqlstate);
      }
    });
  });

  describe("each use of wall one's phrase taken away, one at a time, with row-level security in place", () => {
    test("in the statements of db/queries: another org still gets nothing", async () => {
      const leaks: string[] = [];
      let uses = 0;
      for (const [name, make] of all) {
        const whole = make(known);
        for (const [at, statement] of whole.entries()) {
          for (const text of withoutOne(statement.text)) {
            uses += 1;
            const seen = await leak(ground.b, whole.with(at, { ...statement, text }));
            if (seen !== null) leaks.push(`${name}: ${seen}`);
          }
        }
      }
      expect(leaks).toEqual([]);
      expect(uses).toBeGreaterThan(80);
      Object.assign(figures, { uses_taken_away_in_queries: uses, leaks_with_row_security_on: leaks.length });
      console.log(`wall one out of db/queries: ${uses} uses mutated, ${leaks.length} leaks`);
    }, 240_000);

    test("in the SQL functions: another org still gets nothing", async () => {
      const { uses, leaks, unreached } = await mutateFunctions(ground.b);
      expect(leaks).toEqual([]);
      // The binding itself is run before every statement; everything else runs through one.
      expect(unreached.filter((name) => !/^app\.(bind(_[a-z_]+)?|machine_refusal)$/.test(name))).toEqual([]);
      expect(uses).toBeGreaterThan(100);
      Object.assign(figures, { uses_taken_away_in_functions: uses, leaks_in_functions_with_row_security_on: leaks.length });
      console.log(`wall one out of SQL functions: ${uses} uses mutated, ${leaks.length} leaks`);
    }, 600_000);

    test("in the handle's own reads and writes: another org still gets nothing", async () => {
      const bare = (text: string) => text.replaceAll(/"[a-z_]+"\."org_id" = \(select app\.org\(\)\)/g, "true");
      expect(await handleLeaks(bare)).toEqual([]);
    }, 120_000);
  });

  describe("wall one: the handle and db/queries, with row-level security switched off", () => {
    beforeAll(async () => {
      for (const { name } of tables) {
        await ground.admin(`alter table ${name} no force row level security`);
        await ground.admin(`alter table ${name} disable row level security`);
      }
      const seen = await tryAs(client, ground.b, [{ text: "select org_id from leads", params: [] }]);
      expect(seen.rows.map(([id]) => id)).toContain(ground.a);
    });

    test("no statement of db/queries shows or touches another org's rows", async () => {
      const leaks: string[] = [];
      for (const [name, make] of all) {
        const seen = await leak(ground.b, make(known));
        if (seen !== null) leaks.push(`${name}: ${seen}`);
      }
      expect(leaks).toEqual([]);
      Object.assign(figures, { statements_with_row_security_off: all.length, leaks_with_row_security_off: leaks.length });
      console.log(`wall one alone: ${all.length} statements, 0 leaks`);
    }, 120_000);

    test("no method of the handle does", async () => {
      expect(await handleLeaks((text) => text)).toEqual([]);
    }, 120_000);

    test("with both walls down other orgs' rows do show: the tests above can fail", async () => {
      let leaking = 0;
      for (const [, make] of all) {
        const whole = make(known);
        for (const [at, statement] of whole.entries()) {
          for (const text of withoutOne(statement.text)) {
            if ((await leak(ground.b, whole.with(at, { ...statement, text }))) !== null) leaking += 1;
          }
        }
      }
      expect(leaking).toBeGreaterThan(10);
      const functions = await mutateFunctions(ground.b);
      expect(functions.leaks.length).toBeGreaterThan(5);
      const handle = await handleLeaks((text) => text.replaceAll(/"[a-z_]+"\."org_id" = \(select app\.org\(\)\)/g, "true"));
      expect(handle.length).toBeGreaterThan(30);
      Object.assign(figures, { control_leaks_in_queries: leaking, control_leaks_in_functions: functions.leaks.length });
      console.log(
        `both walls down: ${leaking} uses in db/queries and ${functions.leaks.length} in SQL functions leak when taken away`,
      );
    }, 600_000);
  });

  /** Each use of the phrase in each function, and every statement that runs through that function. */
  async function mutateFunctions(who: string): Promise<{ uses: number; leaks: string[]; unreached: string[] }> {
    const { rows } = await ground.admin(
      `select n.nspname || '.' || p.proname as name, pg_get_functiondef(p.oid) as text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('app', 'audit') and p.prokind = 'f' order by 1`,
    );
    const functions = rows as unknown as { name: string; text: string }[];
    const callers = (name: string, found = new Set([name])): Set<string> => {
      for (const one of functions) {
        if (!found.has(one.name) && one.text.includes(`${name}(`)) callers(one.name, found.add(one.name));
      }
      return found;
    };
    const leaks: string[] = [];
    const unreached: string[] = [];
    let uses = 0;
    for (const { name, text } of functions) {
      const through = callers(name);
      // A trigger runs through whoever writes its table.
      const run = /returns trigger/i.test(text)
        ? all
        : all.filter(([, make]) =>
            make(known).some((statement) => [...through].some((caller) => statement.text.includes(`${caller}(`))),
          );
      if (run.length === 0 && withoutOne(text).length > 0) unreached.push(name);
      for (const mutated of withoutOne(text)) {
        uses += 1;
        await ground.admin(mutated);
        for (const [statement, make] of run) {
          const seen = await leak(who, make(known));
          if (seen !== null) leaks.push(`${name} in ${statement}: ${seen}`);
        }
      }
      await ground.admin(text);
    }
    return { uses, leaks, unreached };
  }

  /** Every method of the handle on every table of the schema, asked for the first org's rows. */
  async function handleLeaks(rewrite: (text: string) => string): Promise<string[]> {
    const leaks: string[] = [];
    const touched: string[] = [];
    const transport = rollingBack(client, rewrite, touched);
    const org: OrgDb = new SystemDb(transport, newId, testPeppers).asOrg(
      ground.b,
      { type: "job", id: "test" },
      "req_test",
      "2026-11-20T09:00:00Z" as never,
    );
    for (const [name, table] of Object.entries(schema)) {
      if (!is(table, PgTable) || !("orgId" in table)) continue;
      const tenant = table as typeof schema.leads;
      const ofA = eq(tenant.orgId, ground.a);
      const everything = await org.find(tenant, undefined, { limit: 10_000 });
      if (everything.some((row) => row.orgId !== ground.b)) leaks.push(`${name} find`);
      if ((await org.findOne(tenant, ofA)) !== null) leaks.push(`${name} findOne`);
      const change = (work: Parameters<OrgDb["change"]>[1]) =>
        org.change({ action: "seller.updated", subject: "x" }, work).catch(() => undefined);
      await change(async (w) => {
        if ((await w.find(tenant, ofA, { limit: 10 })).length > 0) leaks.push(`${name} writer find`);
        if ((await w.update(tenant, ofA, { orgId: sql`org_id` } as never)).length > 0) leaks.push(`${name} update`);
      });
      await change(async (w) => {
        if ((await w.delete(tenant, ofA)) > 0) leaks.push(`${name} delete`);
      });
      await change(async (w) => {
        const row = await w.insert(tenant, { ...everything[0], orgId: ground.a } as never);
        if (row.orgId !== ground.b) leaks.push(`${name} insert`);
      });
    }
    return [...leaks, ...touched.map((table) => `${table} was written`)];
  }
}

/** The house's transport over one backend, which undoes whatever was done. */
function rollingBack(client: pg.Client, rewrite: (text: string) => string, touched: string[]): Transport {
  const run = async ({ text, params }: Statement) => {
    const { fields, rows } = await client.query<unknown[]>({ text: rewrite(text), values: [...params], rowMode: "array" });
    return { columns: fields.map((field) => field.name), rows };
  };
  const transaction: Transport["transaction"] = async (work) => {
    await client.query("begin");
    try {
      const result = await work(run);
      const { rows } = await client.query<{ touched: string | null }>(
        "select nullif(current_setting('test.touched', true), '') as touched",
      );
      if (rows[0]?.touched != null) touched.push(rows[0].touched);
      return result;
    } finally {
      await client.query("rollback");
    }
  };
  return {
    transaction,
    batch: (batch) =>
      transaction(async (one) => {
        const answers = [];
        for (const statement of batch) answers.push(await one(statement));
        return answers;
      }),
  };
}
