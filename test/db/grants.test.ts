/**
 * What the database lets each role do, word by word: a right that is given or widened is seen by whoever reviews the change.
 * After a change of rights on purpose: `npx vitest run --project node test/db/grants.test.ts -u`.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";

let db: TestDatabase;
beforeAll(async () => void (db = await openTestDatabase()));
afterAll(() => db?.close());

const roles = ["dialgate_app", "dialgate_door", "dialgate_audit", "dialgate_migrator", "public"];
const tables = `
  select g.role, n.nspname || '.' || c.relname as object, lower(g.privilege_type) as verb, null as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral (
      select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as role, x.privilege_type from aclexplode(c.relacl) x where x.grantee <> c.relowner) g
    where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all
  select g.role, n.nspname || '.' || c.relname, lower(g.privilege_type), string_agg(a.attname, ' ' order by a.attnum)
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace cross join lateral (
      select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as role, x.privilege_type from aclexplode(a.attacl) x where x.grantee <> c.relowner) g
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    group by g.role, n.nspname, c.relname, g.privilege_type`;
/** A function without a list of its own may be run by everybody: Postgres' default. */
const functions = `
  select g.role, n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as object,
      case when p.prosecdef then 'execute as ' || p.proowner::regrole else 'execute' end as verb
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace cross join lateral (
      select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as role
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee <> p.proowner) g
    where n.nspname in ('public', 'app', 'door', 'audit') and p.prokind in ('f', 'p')`;
const schemas = `
  select case x.grantee when 0 then 'public' else x.grantee::regrole::text end as role, n.nspname as object, lower(x.privilege_type) as verb
    from pg_namespace n cross join lateral aclexplode(n.nspacl) x where n.nspname in ('public', 'app', 'door', 'audit') and x.grantee <> n.nspowner`;

interface Right {
  readonly role: string;
  readonly object: string;
  readonly verb: string;
  readonly columns?: string | null;
}
/** One line for each object: `public.users: select, update (name)`. */
function spelled(rights: readonly Right[]): string[] {
  const byObject = Map.groupBy(rights, ({ object }) => object);
  return [...byObject].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([object, given]) => {
    const verbs = given.map(({ verb, columns }) => (columns == null ? verb : `${verb} (${columns})`));
    return `${object}: ${verbs.toSorted().join(", ")}`;
  });
} // prettier-ignore

test("each role's rights are those that were reviewed", async () => {
  const rights = (await Promise.all([schemas, tables, functions].map((sql) => db.admin(sql)))).flatMap(({ rows }) => rows as unknown as Right[]);
  expect(rights.filter(({ role }) => role === "dialgate_app").length).toBeGreaterThan(150);
  expect(rights.filter(({ role }) => !roles.includes(role)).map(({ role, object }) => `${role} ${object}`)).toEqual([]);
  const text = roles.map((role) => [`# ${role}`, ...spelled(rights.filter((right) => right.role === role)), ""].join("\n")).join("\n");
  await expect(text).toMatchFileSnapshot("rights.txt");
}); // prettier-ignore
