/** Two orgs with rows in every tenant table, made through the API and its work, and a way to see whether one touched the other. */
import type pg from "pg";
import { haltForDnc } from "../../src/domain/scrubs/halt-for-dnc.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { claimDue, mint } from "../dispatch/mint.ts";
import { consentText, type House, type LiveOrg, openHouse } from "../support/live-house.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { newId, type World } from "../support/world.ts";

export interface TenantTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns that the app role may update: any other is refused before a row is looked at. */
  readonly updatable: readonly string[];
  /** Columns that refer to another tenant table's row. */
  readonly references: boolean;
}
export type Admin = (text: string, params?: readonly unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/** Every table with an org_id, from the catalog: what a later migration adds is in it without anyone remembering. */
export async function tenantTables(admin: Admin): Promise<TenantTable[]> {
  const { rows } = await admin(`
    select format('%I.%I', n.nspname, c.relname) as name,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
      array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege('dialgate_app', c.oid, a.attnum, 'update') order by a.attnum) as updatable,
      exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and cardinality(f.conkey) > 1) as references
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)
    order by 1`);
  return rows as unknown as TenantTable[];
}

export async function rowsOfOrg(admin: Admin, table: string, orgId: string): Promise<Record<string, unknown>[]> {
  const { rows } = await admin(`select to_jsonb(t) as row from ${table} t where t.org_id = $1`, [orgId]);
  return rows.map((row) => row["row"] as Record<string, unknown>);
}

/** By what the one org's rows would be known in an answer: ids, hashes and words that the other has not. */
export async function marksOf(
  admin: Admin,
  tables: readonly TenantTable[],
  orgId: string,
  other: string,
): Promise<ReadonlySet<string>> {
  const [marks, known] = [await idsAndHashes(admin, tables, orgId), await idsAndHashes(admin, tables, other)];
  // The digest of the same file, or of none, is the same for both.
  return marks.difference(known);
}

async function idsAndHashes(admin: Admin, tables: readonly TenantTable[], orgId: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { name } of tables) {
    for (const row of await rowsOfOrg(admin, name, orgId)) {
      for (const value of Object.values(row)) {
        if (typeof value !== "string") continue;
        if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) found.add(value);
        if (/^\\x[0-9a-f]{32,}$/.test(value)) found.add(value.slice(2));
        // Numbers, the name of the org and where its clock goes: the answers that hold no id are known by these.
        if (/^\+1\d{10}$|^Org [A-Z]/.test(value)) found.add(value);
        if (/^203\d-/.test(value)) found.add(value.slice(0, 19));
      }
    }
  }
  return found;
}

/** Says in the transaction's own setting `test.touched` that a row of the org was written, whoever wrote it. */
export async function watchWrites(admin: Admin, tables: readonly TenantTable[], orgId: string): Promise<void> {
  await admin(`create function public.watch_writes() returns trigger language plpgsql as $$ begin
    if coalesce(new.org_id, old.org_id) = '${orgId}' or old.org_id = '${orgId}' then perform set_config('test.touched', tg_table_name, false); end if;
    return null; end $$`);
  await admin("grant execute on function public.watch_writes() to public");
  for (const { name } of tables) {
    await admin(
      `create trigger watch_writes after insert or update or delete on ${name} for each row execute function public.watch_writes()`,
    );
  }
}

/** One backend of the app role. What it does is rolled back, so that every try meets the same rows. */
export interface Tried {
  readonly rows: readonly (readonly unknown[])[];
  /** A table of the watched org that was written, or null. */
  readonly touched: string | null;
  readonly sqlstate: string | null;
}
export async function tryAs(
  client: pg.Client,
  orgId: string | null,
  statements: readonly { readonly text: string; readonly params: readonly unknown[] }[],
): Promise<Tried> {
  let undone = false;
  try {
    // In as few trips as there are answers to wait for: thousands are tried.
    await client.query(orgId === null ? "begin" : `begin; select org_id from app.bind(${client.escapeLiteral(orgId)}, now())`);
    const rows: unknown[][] = [];
    for (const { text, params } of statements) {
      rows.push(...(await client.query<unknown[]>({ text, values: [...params], rowMode: "array" })).rows);
    }
    const asked = (await client.query(
      "select nullif(current_setting('test.touched', true), '') as touched; rollback",
    )) as unknown as pg.QueryResult<{ touched: string | null }>[];
    undone = true;
    return { rows, touched: asked[0]?.rows[0]?.touched ?? null, sqlstate: null };
  } catch (thrown) {
    return { rows: [], touched: null, sqlstate: String((thrown as { code?: unknown }).code ?? "none") };
  } finally {
    if (!undone) await client.query("rollback");
  }
}

export const shows = (rows: unknown, marks: ReadonlySet<string>): string | null => {
  const text = JSON.stringify(rows, (_, value: unknown) =>
    value instanceof Uint8Array ||
    (typeof value === "object" && value !== null && (value as { type?: unknown }).type === "Buffer")
      ? Buffer.from((value as { data?: number[] }).data ?? (value as Uint8Array)).toString("hex")
      : value,
  );
  for (const mark of marks) if (text.includes(mark)) return mark;
  return null;
};

export interface Tenants {
  readonly house: House;
  readonly a: LiveOrg;
  readonly b: LiveOrg;
}

export async function openTenants(): Promise<Tenants> {
  const house = await openHouse();
  const [a, b] = [await house.open("Org Acme"), await house.open("Org Borealis")];
  await fill(house, a, "212", "NY", "2031-02-03T04:05:06Z");
  await fill(house, b, "312", "IL", "2032-02-03T04:05:06Z");
  return { house, a, b };
}

/** Through the API and its work first; straight into a table only what no step of today writes, and what makes work due. */
async function fill(house: House, org: LiveOrg, areaCode: string, state: string, target: string): Promise<void> {
  const phone = (exchange: number, suffix = "0001") => `+1${areaCode}${exchange}${suffix}`;
  const lead = (exchange: number, suffix?: string) => ({ phone: phone(exchange, suffix), state, external_id: `crm-${exchange}` });
  await org.leads([lead(234), lead(234, "0006"), lead(234, "0003"), lead(235), lead(234, "0007")]);
  await org.importFile(
    `Phone,First,Mail,Notes,State,At,Text\n${phone(236)},Bo,b@example.com,n,${state},2026-10-01T12:00:00Z,"${consentText}"\nbroken,,,,,,\n`,
  );
  await house.work(org);
  await org.launch(org.retell);
  await house.work(org);
  await house.vendorsLive(org, 600);
  await org.leads([240, 241, 242, 243, 244, 245].map((exchange) => lead(exchange)));
  await house.work(org);
  await org.launch(org.elevenlabs);
  await house.work(org);
  await org.post("/v1/suppressions", { phones: [phone(240)] }, { "idempotency-key": "first" });
  await org.post("/v1/dnc_acknowledgements", { lists: ["national"], by: "Dana" });
  await org.post("/v1/counsel_positions", {
    rule_id: "dnc-list/WY",
    counsel: "Reyes & Holt LLP",
    document_sha256: "ab".repeat(32),
    dated_at: "2026-11-01T00:00:00Z",
    until: "2027-10-01T00:00:00Z",
    by: "Dana",
  });
  await org.post("/v1/halts", { reason: "state_halted", note: "x", state: "WY" });
  const queue = { org: org.org, deps: house.dispatch } as unknown as World;
  await org.leads([250, 251].map((exchange) => lead(exchange)));
  await house.work({ ...org });
  await org.launch(org.retell);
  await mint(queue);
  await org.leads([260, 261].map((exchange) => lead(exchange)));
  await org.launch(org.retell);
  await claimDue(queue);
  await org.importFile("Phone,First,Mail,Notes,State,At,Text\n");
  await addPeople(house, org);
  await addIssuers(house, org);
  await makeWorkDue(house, org, target);
  await house.api.db.admin(
    `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, created_at)
       select org_id, 'ffffffff-0000-4000-8000-000000000000', kind, vendor, 'gone', config, 'disabled', inbox_keeps, 1, 1, 1, created_at from connections
         where org_id = $1 and kind = 'dnc' limit 1`,
    [org.orgId],
  );
  await haltForDnc(org.org, uuidOf("connection", org.dnc) ?? "", "unavailable");
}

/** A member, someone who is invited and has an account, and an operator who has used their grant. */
async function addPeople({ api }: House, { orgId }: LiveOrg): Promise<void> {
  const { db } = api;
  const [member, operator, invited] = [await makePerson(db), await makePerson(db), await makePerson(db)];
  await makeMember(db, orgId, member.userId, "owner");
  await db.admin(
    `insert into invitations (org_id, id, email, role, token_hash, invited_by, created_at, expires_at)
       values ($1, $2, $4, 'viewer', sha256(uuid_send($2)), $3, now(), now() + interval '7 days')`,
    [orgId, newId(), member.userId, invited.email],
  );
  await db.admin(
    `insert into credential_networks (org_id, credential_id, network, first_seen_at)
       select org_id, id, '192.0.2.0/24', now() from api_keys where org_id = $1`,
    [orgId],
  );
  await db.admin("insert into operators (user_id, since, note) values ($1, now() - interval '1 minute', 'test')", [
    operator.userId,
  ]);
  const grantId = newId();
  await db.admin(
    `insert into support_grants (org_id, id, operator_id, role, reason, created_at, expires_at)
       values ($1, $2, $3, 'viewer', 'test', now(), now() + interval '1 hour')`,
    [orgId, grantId, operator.userId],
  );
  await db.admin(
    `insert into api_keys (org_id, id, name, secret_hash, scopes, created_at, sponsor_id)
       values ($1, $2, 'theirs', sha256(uuid_send($2)), '{leads:read}', now(), $3)`,
    [orgId, newId(), member.userId],
  );
  await db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, sponsor_id)
       values ($1, $2, 'theirs', 'https://idp.test', 'ES256', 'https://idp.acme-solar.com/jwks.json', '{leads:read}', now(), $3)`,
    [orgId, newId(), member.userId],
  );
  const session = await makeSession(db, api.deps.hashApiKey, operator.userId, api.deps.now());
  const inside = { "dialgate-org": publicId("org", orgId), "dialgate-support-grant": publicId("supportGrant", grantId) };
  const answer = await api.send("GET", "/v1/sellers", { headers: { ...session.headers, ...inside } });
  if (answer.status !== 200) throw new Error(answer.text);
}

/** Who signs tokens: by a key, and by a set of them that is due to be fetched. And a key that has rotated itself. */
async function addIssuers({ api }: House, org: LiveOrg): Promise<void> {
  const { db } = api;
  const { json: own } = await org.post("/v1/api_keys", { name: "Own", scopes: ["api_keys:write"] });
  const rotated = await api.send("POST", `/v1/api_keys/${own.id}/rotate`, { key: own.secret, body: {} });
  if (rotated.status !== 201) throw new Error(rotated.text);
  const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  const scopes = ["leads:read"];
  await org.post("/v1/token_issuers", { name: "CRM", issuer: "https://crm.test", alg: "EdDSA", public_key: key, scopes });
  await db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, jwks)
       values ($1, $2, 'Set', 'https://idp.test', 'ES256', 'https://idp.acme-solar.com/jwks.json', '{leads:read}', now(), '[]')`,
    [org.orgId, newId()],
  );
}

async function makeWorkDue({ api: { db } }: House, { orgId }: LiveOrg, target: string): Promise<void> {
  for (const state of ["dialing", "unknown"]) {
    await db.admin(
      `update dial_attempts a set state = $2 from (select id from dial_attempts where org_id = $1 and state = 'placed' order by id limit 1) x
         where a.org_id = $1 and a.id = x.id`,
      [orgId, state],
    );
  }
  await db.admin(
    `update dial_attempts set ring_by = '2026-01-01', rang = false, stop_requested_at = null, dialing_at = clock_timestamp() - interval '30 h'
       where org_id = $1 and state = 'placed'`,
    [orgId],
  );
  await db.admin(
    "update dial_attempts set settle_after = clock_timestamp() - interval '1 s' where org_id = $1 and settle_after is not null",
    [orgId],
  );
  await db.admin("update permits p set expires_at = 'infinity' where org_id = $1 and consumed_at is null", [orgId]);
  await db.admin(
    `update permits p set expires_at = '2026-01-01' from (select attempt_id from permits where org_id = $1 and consumed_at is null order by attempt_id desc limit 1) x
       where p.org_id = $1 and p.attempt_id = x.attempt_id`,
    [orgId],
  );
  await db.admin("update test_clocks set status = 'advancing', target = $2 where org_id = $1", [orgId, target]);
  await db.admin("update webhook_inbox set state = 'pending', lease_until = null where org_id = $1", [orgId]);
  await db.admin(
    `insert into webhook_inbox (org_id, id, connection_id, dedupe_key, type, provider_call_id, received_at, body_digest, state, reason, lease_until)
       select a.org_id, $2, a.connection_id, 'call_unattributed:stop', 'stop_tool', 'call_unattributed', now(), '\\x00', 'pending', 'stop_unattributed', 'infinity'
       from dial_attempts a where a.org_id = $1 and a.state = 'placed' order by a.id limit 1`,
    [orgId, newId()],
  );
  await db.admin("update outbox set done_at = null, due_at = '2026-01-01', lease_until = null where org_id = $1", [orgId]);
  await db.admin("update leads set scrub_due_at = '-infinity' where org_id = $1", [orgId]);
  await db.admin("update leases set lease_until = 'infinity' where org_id = $1", [orgId]);
  await db.admin(
    "update hour_profiles set open = true, next_change_at = '2027-01-01', next_due_at = '2026-01-01' where org_id = $1",
    [orgId],
  );
  await db.admin(
    `update enrolments e set due_at = '2026-01-01' from (select id from enrolments where org_id = $1 and state = 'waiting' order by id limit 2) x
       where e.org_id = $1 and e.id = x.id`,
    [orgId],
  );
  await db.admin(
    `update enrolments e set reason = 'campaign_halted', due_at = (select t.now + interval '10 minutes' from test_clocks t where t.org_id = $1)
       from (select id from enrolments where org_id = $1 and state = 'waiting' and due_at <> '2026-01-01' order by id limit 1) x
       where e.org_id = $1 and e.id = x.id`,
    [orgId],
  );
  // One window that must be judged again, of a campaign whose others are open.
  await db.admin(
    `update hour_profiles p set next_change_at = '-infinity' from (select min(id::text)::uuid as id from hour_profiles h where org_id = $1
       and not exists (select 1 from enrolments e where e.org_id = $1 and e.profile_id = h.id and e.state = 'waiting' and e.due_at = '2026-01-01')) x
       where p.org_id = $1 and p.id = x.id`,
    [orgId],
  );
  await db.admin(
    `update persons p set stop_check = 'pending', stop_check_since = '2026-01-01'
       from (select id from persons where org_id = $1 order by id desc limit 1) x where p.org_id = $1 and p.id = x.id`,
    [orgId],
  );
  // Marked just now, with a place to judge; one more lead that intake refused; and a sweep that is under way.
  await db.admin(
    `insert into standing_marks (org_id, person_id, due_at) select distinct org_id, person_id, '2026-01-01'::timestamptz from enrolments
       where org_id = $1 and state in ('waiting', 'held') on conflict do nothing`,
    [orgId],
  );
  await db.admin("update standing_sweeps set after_person = '00000000-0000-0000-0000-000000000000' where org_id = $1", [orgId]);
  await db.admin(
    `update leads l set status = 'ineligible', ineligible_reason = 'consent_missing'
       from (select id from leads where org_id = $1 order by id desc limit 1) x where l.org_id = $1 and l.id = x.id`,
    [orgId],
  );
  await db.admin(
    `insert into stop_check_judgements (org_id, id, person_id, verdict, judged_by, reason, judged_at)
       select org_id, gen_random_uuid(), id, 'clear', 'Dana', 'x', '2026-01-01' from persons where org_id = $1 limit 1`,
    [orgId],
  );
  await db.admin(
    `insert into person_aliases (org_id, e164_hmac, person_id, pepper_version)
       select org_id, sha256(e164_hmac || uuid_send(org_id)), id, 2 from persons where org_id = $1`,
    [orgId],
  );
}
