/** Two orgs with rows in every tenant table, and the means to tell whether the one has seen or touched the other's. */
import { openHouse, type House, type LiveOrg, consentText } from "../support/live-house.ts";
import type { TestDatabase } from "../support/database.ts";
import { publicId } from "../../src/lib/ids.ts";
import { haltForDnc } from "../../src/domain/scrubs/halt-for-dnc.ts";
import { run } from "../../src/dispatch/run.ts";
import { uuidOf } from "../../src/lib/ids.ts";

export interface TenantTable {
  readonly name: string;
  /** Columns that the app role may update, and what else it may do; anything else is refused before a row is looked at. */
  readonly updatable: readonly string[];
  readonly columns: readonly string[];
}

/** Every table with an org_id, from the catalog: what a later migration adds is in it without anyone remembering. */
export async function tenantTables(db: Pick<TestDatabase, "admin">): Promise<TenantTable[]> {
  const { rows } = await db.admin(`
    select format('%I.%I', n.nspname, c.relname) as name,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege('dialgate_app', c.oid, a.attnum, 'update') order by a.attnum) as updatable
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)
    order by 1`);
  return rows as unknown as TenantTable[];
}

export const orgsRows = async (
  db: Pick<TestDatabase, "admin">,
  table: string,
  orgId: string,
): Promise<Record<string, unknown>[]> =>
  (await db.admin(`select to_jsonb(t) as row from ${table} t where org_id = $1`, [orgId])).rows.map(
    (row) => row["row"] as Record<string, unknown>,
  );

/** Changes with any write to any row of the org, also one that leaves its values as they were. */
export function footprintSql(tables: readonly TenantTable[]): string {
  const each = tables.map(
    ({ name }) => `select '${name} ' || t.ctid || ' ' || t.xmin || ' ' || t.xmax as row from ${name} t where t.org_id = $1`,
  );
  return `select md5(string_agg(u.row, ',' order by u.row)) as footprint, count(*)::int as n from (${each.join(" union all ")}) u`;
}
export async function footprint(db: Pick<TestDatabase, "admin">, tables: readonly TenantTable[], orgId: string): Promise<string> {
  // xmax is also written by a lock that was released: what counts is the row's own version.
  const text = footprintSql(tables).replaceAll(" || ' ' || t.xmax", "");
  return String((await db.admin(text, [orgId])).rows[0]?.["footprint"]);
}

/** Everything by which a row of the org would be known: ids, hashes, numbers and marked words. */
export async function marksOf(
  db: Pick<TestDatabase, "admin">,
  tables: readonly TenantTable[],
  orgId: string,
): Promise<Set<string>> {
  const marks = new Set<string>();
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  for (const { name } of tables) {
    for (const row of await orgsRows(db, name, orgId)) {
      for (const value of Object.values(row)) {
        if (typeof value !== "string") continue;
        if (uuid.test(value) || /^\\x[0-9a-f]{16,}$/.test(value)) marks.add(value.replace("\\x", ""));
      }
    }
  }
  return marks;
}

export interface Tenants {
  readonly house: House;
  readonly a: LiveOrg;
  readonly b: LiveOrg;
  readonly tables: readonly TenantTable[];
  readonly db: TestDatabase;
}

export async function openTenants(): Promise<Tenants> {
  const house = await openHouse();
  const db = house.api.db;
  const [a, b] = [await house.open("Acme"), await house.open("Borealis")];
  for (const org of [a, b]) await fill(house, org, org === a ? "212" : "312");
  const tables = await tenantTables(db);
  return { house, a, b, tables, db };
}

/** Through the API and its work first; straight into the table only what no step of today writes. */
async function fill(house: House, org: LiveOrg, areaCode: string): Promise<void> {
  const { db } = house.api;
  const phone = (suffix: string, exchange = "234") => ({
    phone: `+1${areaCode}${exchange}${suffix}`,
    state: areaCode === "212" ? "NY" : "IL",
  });
  const [, , stopped] = await org.leads([phone("0001"), phone("0006"), phone("0003"), phone("0001", "235"), phone("0007")]);
  await org.importFile(
    `Phone,First,Mail,Notes,State,At,Text\n+1${areaCode}2360001,Bo,b@example.com,n,NY,2026-10-01T12:00:00Z,"${consentText}"\nbroken,,,,,,\n`,
  );
  await house.work(org);
  const campaign = await org.launch(org.retell);
  await house.work(org);
  await house.vendorsLive(org, 600);
  await org.post("/v1/suppressions", { phones: [phone("0099").phone] }, { "idempotency-key": "one" });
  await org.post("/v1/dnc_acknowledgements", { lists: ["national"], by: "Dana" });
  await org.post("/v1/halts", { reason: "state_halted", note: "x", state: "WY" });
  // What is due stays due: work of each kind is there for whoever asks.
  await org.leads([phone("0001", "237"), phone("0001", "238"), phone("0001", "239")]);
  await org.launch(org.elevenlabs);
  await house.work(org);
  await org.importFile("Phone,First,Mail,Notes,State,At,Text\n");
  await org.post("/v1/suppressions", { phones: [phone("0001", "237").phone] });
  await haltForDnc(org.org, uuidOf("connection", org.dnc) ?? "", "unavailable");
  const by = [org.orgId];
  await db.admin(
    `insert into person_aliases (org_id, e164_hmac, person_id, pepper_version)
       select org_id, sha256(e164_hmac || uuid_send(org_id)), id, 2 from persons where org_id = $1`,
    by,
  );
  await db.admin("update test_clocks set status = 'advancing', target = now + interval '1 hour' where org_id = $1", by);
  await db.admin("update webhook_inbox set state = 'pending', lease_until = null where org_id = $1", by);
  await db.admin("update outbox set done_at = null, due_at = clock_timestamp(), lease_until = null where org_id = $1", by);
  await db.admin(
    "update dial_attempts set settle_after = clock_timestamp() - interval '1 s' where org_id = $1 and state in ('placed', 'unknown', 'dialing')",
    by,
  );
  await db.admin("update leads set scrub_due_at = '-infinity' where org_id = $1", by);
  await db.admin("update imports set lease_until = null where org_id = $1", by);
  void run;
  void publicId;
  void campaign;
  void stopped;
}
