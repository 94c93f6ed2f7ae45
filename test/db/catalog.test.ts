import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PgliteDatabase, startPglite } from "../../dev/database/pglite.ts";
import { type CatalogFault, catalogFaults } from "./catalog-faults.ts";
import { untaggedIn } from "./untagged-uses.ts";

const folder = fileURLToPath(new URL("seeded-bad-migrations/", import.meta.url));
const seeded = (await readdir(folder)).filter((name) => name.endsWith(".sql")).toSorted();

let db: PgliteDatabase;
let healthy: CatalogFault[];
beforeAll(async () => {
  db = await startPglite();
  healthy = await catalogFaults(db.admin);
});
afterAll(() => db?.close());

/** What the check says of the database after a further migration, which is taken back. */
const faultsAfter = (script: string): Promise<CatalogFault[]> =>
  db.asOwner(async (owner) => {
    await owner.exec(`begin; set local role dialgate_migrator; ${script}; set local role postgres`);
    return catalogFaults((text, params = []) => owner.query<Record<string, unknown>>(text, [...params]));
  });

test("the migrated database has no fault between its tenants", () => {
  expect(healthy).toEqual([]);
});

test("the catalog was read: it knows tenant tables, policies, composite references, doors and definers", async () => {
  const { rows } = await db.admin(`
    select (select count(*) from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attname = 'org_id' and c.relkind = 'r')::integer as tenant_tables,
      (select count(*) from pg_policy)::integer as policies,
      (select count(*) from pg_constraint where contype = 'f' and cardinality(conkey) > 1)::integer as composite_references,
      (select count(*) from pg_proc where prosecdef)::integer as definers`);
  console.log(`catalog: ${JSON.stringify(rows[0])}`);
  expect(rows[0]?.["tenant_tables"]).toBeGreaterThan(25);
  expect(rows[0]?.["policies"]).toBeGreaterThan(25);
  expect(rows[0]?.["composite_references"]).toBeGreaterThan(15);
  expect(rows[0]?.["definers"]).toBeGreaterThan(5);
});

describe("each bad migration turns the check red, by its own name and no other", () => {
  test.each(seeded)("%s", async (name) => {
    const script = await readFile(`${folder}${name}`, "utf8");
    const expected = /^-- expects: (\w+)$/m.exec(script)?.[1];
    const known = new Set(healthy.map((fault) => JSON.stringify(fault)));
    const found = (await faultsAfter(script)).filter((fault) => !known.has(JSON.stringify(fault)));
    expect([...new Set(found.map((fault) => fault.name))]).toEqual([expected]);
  });

  test("and is gone again before the next", async () => {
    expect(await catalogFaults(db.admin)).toEqual(healthy);
  });

  test("there are seeds for every kind of fault that a migration can bring", () => {
    expect(seeded.length).toBeGreaterThanOrEqual(20);
  });
});

describe("the tag of wall one is looked for at every use of a tenant table", () => {
  const tenant = new Set(["public.leads", "public.persons"]);
  const tag = (alias: string): string => `${alias}.org_id = (select app.org())`;

  test.each([
    ["select 1 from public.leads l", ["l (1 uses)"]],
    [`select 1 from public.leads l where ${tag("l")}`, []],
    [`select 1 from public.leads l join public.persons p on p.id = l.person_id where ${tag("l")}`, ["p (1 uses)"]],
    [`select 1 from public.leads l where ${tag("l")} and exists (select 1 from public.leads l)`, ["l (1 uses)"]],
    [`select 1 from public.leads l where ${tag("l")} and ${tag("l")} and exists (select 1 from public.leads l)`, ["l (1 uses)"]],
    [`select 1 from public.leads l where ${tag("l")} union select 1 from public.leads l`, ["l (1 uses)"]],
    [`select 1 from public.persons p, public.leads l where ${tag("p")}`, ["l (1 uses)"]],
    [`select 1 from persons p, leads l where ${tag("p")}`, ["l (1 uses)"]],
    [`select 1 from persons p join leads l on l.person_id = p.id, leads x where ${tag("p")} and ${tag("l")}`, ["x (1 uses)"]],
    [`select 1 from persons p, lateral (select 1 from leads l) x where ${tag("p")}`, ["l (1 uses)"]],
    ['select 1 from "leads" l', ["l (1 uses)"]],
    ['select 1 from "public"."leads" as "l"', ["l (1 uses)"]],
    [`select 1 from "public"."leads" as "l" where ${tag('"l"')}`, []],
    [`select 1 from leads l join persons al on ${tag("al")}`, ["l (1 uses)"]],
    [`select 1 from leads l join persons al on ${tag("al")} where ${tag("l")}`, []],
    ["select 1 from (leads l join persons p on p.id = l.person_id)", ["l (1 uses)", "p (1 uses)"]],
    [`select 1 from (leads l join persons p on ${tag("p")})`, ["l (1 uses)"]],
    [`select 1 from ((leads l join persons p on ${tag("p")})) where ${tag("l")}`, []],
    [`select 1 from leads l where (${tag("l")} or true)`, ["l (1 uses)"]],
    [`select 1 from leads l where true or ${tag("l")}`, ["l (1 uses)"]],
    [`select 1 from leads l where ((${tag("l")} and l.note = '') or l.id = $1)`, ["l (1 uses)"]],
    [`select 1 from leads l where ${tag("l")} and (l.note = '' or l.id = $1)`, []],
    [`select 1 from leads l where not ${tag("l")}`, ["l (1 uses)"]],
    [`select 1 from leads l where not (${tag("l")})`, ["l (1 uses)"]],
    [`select ${tag("l")} from leads l`, ["l (1 uses)"]],
    [`select count(*) filter (where ${tag("l")}) from leads l`, ["l (1 uses)"]],
    ["merge into leads l using (select 1 as id) s on s.id = l.id when matched then delete", ["l (1 uses)"]],
    ["merge into leads using persons p on p.id = leads.person_id when matched then delete", ["leads (1 uses)", "p (1 uses)"]],
    [`merge into leads l using (select 1 as id) s on ${tag("l")} when matched then delete`, []],
    ["insert into leads (org_id, id) values (app.org(), $1) on conflict (id) do update set note = ''", ["leads (1 uses)"]],
    [
      "insert into leads as l (org_id, id) values (app.org(), $1) on conflict on constraint k do update set note = ''",
      ["l (1 uses)"],
    ],
    [`insert into leads as l (org_id, id) values (app.org(), $1) on conflict (id) do update set note = '' where ${tag("l")}`, []],
    [
      `insert into leads as l (org_id, id) values (app.org(), $1) on conflict (id) do update set note = '' where ${tag("l")} or true`,
      ["l (1 uses)"],
    ],
    ["insert into leads (org_id, id) values (app.org(), $1) on conflict (org_id, id) do update set note = ''", []],
    [
      "insert into leads (org_id, id) values (app.org(), $1) on conflict (id) where org_id is not null do update set note = ''",
      ["leads (1 uses)"],
    ],
    ["insert into leads (org_id, id) values (app.org(), $1) on conflict do nothing", []],
    ["insert into leads (org_id, id) select p.org_id, p.id from persons p", ["p (1 uses)"]],
    ["table leads", ["leads (1 uses)"]],
    ["with x as (table public.leads) select 1 from x", ["leads (1 uses)"]],
    ["select 1 from only (leads)", ["leads (1 uses)"]],
    ["select 1 from leads tablesample system (1)", ["leads (1 uses)"]],
    ["update public.leads set note = ''", ["leads (1 uses)"]],
    [`update public.leads x set note = '' where ${tag("x")}`, []],
    ["delete from public.leads d using public.persons p where d.person_id = p.id", ["d (1 uses)", "p (1 uses)"]],
    ["select 1 from leads l, public.persons p", ["l (1 uses)", "p (1 uses)"]],
    ["with x as (select 1) select 1 from x", []],
    // A name of WITH hides no table: in doubt it is a fault.
    ["with leads as (select * from leads) select * from leads l", ["l (1 uses)", "leads (1 uses)"]],
    ["with leads as (select 1) select 1 from leads", ["leads (1 uses)"]],
    [`select 1 from leads l where (${tag("l")}) is not null`, ["l (1 uses)"]],
    [`select 1 from leads l where ${tag("l")} is not null`, ["l (1 uses)"]],
    [`select 1 from leads l where (${tag("l")} and l.note = '') = false`, ["l (1 uses)"]],
    [`select 1 from leads l where true = (${tag("l")})`, ["l (1 uses)"]],
    [`select 1 from leads l where coalesce(${tag("l")}, true)`, ["l (1 uses)"]],
    [`select 1 from leads l where case when ${tag("l")} then true else true end`, ["l (1 uses)"]],
    // Within a subquery it may hold nothing: counted, there is a row whatever it says.
    [`select 1 from leads l where exists (select 1 from persons p where ${tag("p")} and ${tag("l")})`, ["l (1 uses)"]],
    [`select 1 from leads l where exists (select count(*) where ${tag("l")})`, ["l (1 uses)"]],
    [`select 1 from leads l where exists (select 1 where ${tag("l")} union select 1)`, ["l (1 uses)"]],
    [`select 1 from leads l where l.note = E'\\' where ${tag("l")} --'`, ["l (1 uses)"]],
    ["copy leads to stdout", ["leads (1 uses)"]],
    ["truncate table leads", ["leads (1 uses)"]],
    ["lock table public.leads in share mode", ["leads (1 uses)"]],
    [`select 1 from leads l left join persons p on ${tag("l")} and ${tag("p")}`, ["l (1 uses)"]],
    [`select 1 from leads l left outer join persons p on ${tag("p")} where ${tag("l")}`, []],
    [`select 1 from leads l right join persons p on ${tag("l")} and ${tag("p")}`, ["p (1 uses)"]],
    [`select 1 from leads l full join persons p on ${tag("l")} and ${tag("p")}`, ["l (1 uses)", "p (1 uses)"]],
    [`select 1 from leads l join persons p on ${tag("l")} and ${tag("p")}`, []],
    ["insert into public.leads (org_id) values (app.org())", []],
    [`-- ${tag("l")}\nselect '${tag("l")}' from public.leads l`, ["l (1 uses)"]],
    ["select 1 from public.leads l where l.org_id = any (orgs)", ["l (1 uses)"]],
  ])("%s", (body, expected) => {
    expect(untaggedIn(body, tenant)).toEqual(expected);
  });
});
