import { untaggedIn } from "./untagged-uses.ts";

/**
 * What the walls between tenants need of the database, read from its own catalog and from no list of tables: a table that
 * a later migration adds is held to it without anyone remembering.
 */
export type CatalogFaultName =
  | "no_row_security"
  | "row_security_not_forced"
  | "policy_missing"
  | "policy_of_another_form"
  | "key_without_org"
  | "reference_without_org"
  | "tenant_data_without_org"
  | "view_without_security_invoker"
  | "materialised_view"
  | "leakproof_function"
  | "definer_without_search_path"
  | "definer_of_another_owner"
  | "public_may_execute"
  | "public_grant"
  | "door_not_listed"
  | "door_missing"
  | "app_role_owns"
  | "app_role_grant"
  | "audit_write_grant"
  | "role_passes_walls"
  | "column_unclassified"
  | "untagged_use";

export interface CatalogFault {
  readonly name: CatalogFaultName;
  readonly object: string;
}

export type CatalogQuery = (text: string, params?: readonly unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/** The closed list: every way past the binding to an org. Org ids and row keys come out of them, never a person's data. */
export const doors: readonly string[] = [
  "door.api_key(key_id uuid, key_hash bytea) TABLE(org_id uuid)",
  "door.due_orgs(work text, real_now timestamp with time zone, orgs_max integer) TABLE(org_id uuid)",
  "door.invitation(by_hash bytea) TABLE(org_id uuid, id uuid)",
  "door.invited_lately(to_address text, by_user uuid, address_since timestamp with time zone, address_max integer, user_since timestamp with time zone, user_max integer) TABLE(to_address_at timestamp with time zone, by_user_at timestamp with time zone)",
  "door.operator_grants(of_operator uuid, up_to uuid, grants_max integer) TABLE(org_id uuid, id uuid, role text, reason text, created_at timestamp with time zone, expires_at timestamp with time zone, ended_at timestamp with time zone, org_name text)",
  "door.token_issuer(issuer_id uuid) TABLE(org_id uuid)",
  "door.user_orgs(of_user uuid, orgs_max integer) TABLE(org_id uuid, role text, name text, livemode boolean)",
  "door.webhook_connection(connection_id uuid) TABLE(org_id uuid)",
];

const ours = "nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\\_%'";
const tables = `
  select c.oid, n.nspname || '.' || c.relname as name, c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relacl, n.nspname,
    (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped) as org_column
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and ${ours}`;
const functions = `
  select p.oid, p.proowner, p.proacl, p.prosecdef, p.proleakproof, p.proconfig, n.nspname, p.prokind,
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours}
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`;

/** Each answers the objects that are at fault, in one column `object`. */
const faultQueries: Partial<Record<CatalogFaultName, string>> = {
  no_row_security: `select t.name as object from (${tables}) t where t.org_column is not null and not t.relrowsecurity`,
  row_security_not_forced: `select t.name as object from (${tables}) t where t.org_column is not null and not t.relforcerowsecurity`,
  policy_missing: `
    select t.name as object from (${tables}) t where t.org_column is not null
      and not exists (select from pg_policy p where p.polrelid = t.oid and p.polcmd = '*' and p.polroles = '{0}')`,
  // One policy for everyone with both expressions in the one form, and at most the doors' look beside it.
  policy_of_another_form: `
    select t.name || ' ' || p.polname as object from (${tables}) t join pg_policy p on p.polrelid = t.oid
    where t.org_column is not null
      and (p.polpermissive and p.polcmd = '*' and p.polroles = '{0}' and ${standardForm("p.polqual")} and ${standardForm("p.polwithcheck")}) is not true
      and (p.polpermissive and p.polcmd = 'r' and p.polroles = array['dialgate_door'::regrole::oid]
        and pg_get_expr(p.polqual, p.polrelid) = 'true' and p.polwithcheck is null) is not true`,
  // Uniqueness across orgs tells one org what another has; a key that starts with the org is the index its rows need.
  key_without_org: `
    select t.name || ' ' || i.indexrelid::regclass as object from (${tables}) t join pg_index i on i.indrelid = t.oid
    where t.org_column is not null and i.indisunique
      and (not t.org_column = any (i.indkey::smallint[]) or (i.indisprimary and i.indkey[0] <> t.org_column))
    union all
    select t.name from (${tables}) t where t.org_column is not null
      and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)`,
  // Referential checks pass row security by: only a composite key keeps a child from another org's parent.
  reference_without_org: `
    select t.name || ' ' || k.conname as object from (${tables}) t
    join pg_constraint k on k.conrelid = t.oid and k.contype = 'f' join (${tables}) r on r.oid = k.confrelid
    where t.org_column is not null and r.org_column is not null
      and not exists (select from unnest(k.conkey, k.confkey) as u(mine, theirs) where u.mine = t.org_column and u.theirs = r.org_column)`,
  // A table may be without an org when it holds nothing of one.
  tenant_data_without_org: `
    select t.name || '.' || a.attname as object from (${tables}) t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where t.org_column is null and col_description(t.oid, a.attnum) ~ '^(subject|org)\\M'`,
  view_without_security_invoker: `
    select n.nspname || '.' || c.relname as object from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'v' and ${ours} and not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)`,
  materialised_view: `
    select n.nspname || '.' || c.relname as object from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm' and ${ours}`,
  // Leakproof functions run before the policy, on other orgs' rows.
  leakproof_function: `select f.name as object from (${functions}) f where f.proleakproof`,
  definer_without_search_path: `
    select f.name as object from (${functions}) f where f.prosecdef
      and not exists (select from unnest(f.proconfig) as u(setting) where u.setting ~ '^search_path=pg_catalog(, *pg_temp)?$')`,
  // Owned by the migrator, a definer sees no row under FORCE and says nothing; owned by anyone more, it sees too much.
  definer_of_another_owner: `
    select f.name as object from (${functions}) f
    where f.prosecdef and f.proowner not in ('dialgate_door'::regrole, 'dialgate_audit'::regrole)`,
  public_may_execute: `
    select f.name as object from (${functions}) f
    where exists (select from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) x where x.grantee = 0)`,
  public_grant: `
    select t.name || ' ' || x.privilege_type as object from (${tables}) t cross join lateral aclexplode(t.relacl) x where x.grantee = 0
    union all
    select n.nspname || ' ' || x.privilege_type from pg_namespace n cross join lateral aclexplode(n.nspacl) x where ${ours} and x.grantee = 0`,
  app_role_owns: `
    select 'pg_class ' || c.relname as object from pg_class c where c.relowner = 'dialgate_app'::regrole
    union all select 'pg_proc ' || p.proname from pg_proc p where p.proowner = 'dialgate_app'::regrole
    union all select 'pg_namespace ' || n.nspname from pg_namespace n where n.nspowner = 'dialgate_app'::regrole
    union all select 'pg_type ' || t.typname from pg_type t where t.typowner = 'dialgate_app'::regrole`,
  app_role_grant: `
    select t.name || ' ' || x.privilege_type as object from (${tables}) t cross join lateral aclexplode(t.relacl) x
    where x.grantee = 'dialgate_app'::regrole and (x.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or x.is_grantable)
    union all
    select n.nspname || ' ' || x.privilege_type from pg_namespace n cross join lateral aclexplode(n.nspacl) x
    where ${ours} and x.grantee = 'dialgate_app'::regrole and (x.privilege_type <> 'USAGE' or x.is_grantable)`,
  audit_write_grant: `
    select t.name || ' ' || x.privilege_type || ' to ' || x.grantee::regrole as object from (${tables}) t cross join lateral aclexplode(t.relacl) x
    where t.nspname = 'audit' and x.grantee <> t.relowner and x.privilege_type <> 'SELECT'
    union all
    select t.name || '.' || a.attname || ' ' || x.privilege_type from (${tables}) t join pg_attribute a on a.attrelid = t.oid
      cross join lateral aclexplode(a.attacl) x
    where t.nspname = 'audit' and x.grantee <> t.relowner and x.privilege_type <> 'SELECT'`,
  role_passes_walls: `
    select r.rolname as object from pg_roles r where r.rolname like 'dialgate\\_%' and (r.rolsuper or r.rolbypassrls)
    union all
    select m.member::regrole || ' in ' || m.roleid::regrole from pg_auth_members m
    where m.member in ('dialgate_app'::regrole, 'dialgate_door'::regrole, 'dialgate_audit'::regrole)
      or (m.member = 'dialgate_migrator'::regrole and m.inherit_option)`,
  column_unclassified: `
    select t.name || '.' || a.attname as object from (${tables}) t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where coalesce(col_description(t.oid, a.attnum), '') !~ '^(subject|account|org|secret|system)\\M'`,
};

/** Postgres 17 and 18 print the same expression, but for spaces. */
function standardForm(expression: string): string {
  const printed = `(org_id = ( SELECT (NULLIF(current_setting('app.org_id'::text, true), ''::text))::uuid AS "nullif"))`;
  return `regexp_replace(pg_get_expr(${expression}, p.polrelid), '\\s', '', 'g') = '${printed.replace(/\s/g, "").replaceAll("'", "''")}'`;
}

export async function catalogFaults(query: CatalogQuery): Promise<CatalogFault[]> {
  const faults: CatalogFault[] = [];
  for (const [name, text] of Object.entries(faultQueries)) {
    const { rows } = await query(text);
    for (const row of rows) faults.push({ name: name as CatalogFaultName, object: String(row["object"]) });
  }
  return [...faults, ...(await doorFaults(query)), ...(await untaggedUses(query))];
}

async function doorFaults(query: CatalogQuery): Promise<CatalogFault[]> {
  const { rows } = await query(`
    select f.name || ' ' || pg_get_function_result(f.oid) as door from (${functions}) f
    where f.nspname = 'door' or f.proowner = 'dialgate_door'::regrole`);
  const found = new Set(rows.map((row) => String(row["door"])));
  return [
    ...[...found].filter((door) => !doors.includes(door)).map((object) => ({ name: "door_not_listed", object }) as const),
    ...doors.filter((door) => !found.has(door)).map((object) => ({ name: "door_missing", object }) as const),
  ];
}

/**
 * Wall one inside SQL functions: each look at a tenant table under an alias says `alias.org_id = (select app.org())`, the
 * one phrase that a test can take away use by use. Doors have no org yet and are left out.
 */
async function untaggedUses(query: CatalogQuery): Promise<CatalogFault[]> {
  const tenant = new Set(
    (await query(`select t.name from (${tables}) t where t.org_column is not null`)).rows.map((row) => String(row["name"])),
  );
  const { rows } = await query(`select f.name, p.prosrc as body from (${functions}) f join pg_proc p on p.oid = f.oid
    where f.nspname <> 'door' and f.prokind = 'f' and p.prolang in (select l.oid from pg_language l where l.lanname in ('sql', 'plpgsql'))`);
  return rows.flatMap(({ name, body }) =>
    untaggedIn(String(body), tenant).map((alias) => ({ name: "untagged_use", object: `${String(name)} ${alias}` }) as const),
  );
}
