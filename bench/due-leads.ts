/** An org of any size with due leads, most of its overdue ones behind closed windows, and the blocks that its claim touches. */
import { claimEnrolments } from "../src/db/queries/dispatch.ts";
import { inOrg } from "../src/db/in-org.ts";
import type { OrgDb } from "../src/db/org-db.ts";
import type { Transport } from "../src/db/transport.ts";
import type { TestDatabase } from "../test/support/database.ts";
import { benchNow, newId, openHouse } from "./house.ts";

const openProfiles = 14;
const closedProfiles = 6;
const dueInOpen = 1_400;
const batch = 500;

export interface DueOrg {
  readonly org: OrgDb;
  /** How many are overdue behind closed windows. */
  overdueClosed(): Promise<number>;
  /** Shared blocks of finding a batch of due leads: the claim's own selects, which lock nothing. */
  findBlocks(): Promise<{ found: number; blocks: number }>;
  /** Shared blocks of one claim of a batch as it runs, leases written. */
  claimBlocks(): Promise<{ claimed: number; blocks: number }>;
}

export async function openDueOrg(db: TestDatabase, transport: Transport, leads: number): Promise<DueOrg> {
  const { org, orgId, sellerId } = await openHouse(transport);
  const [connectionId, campaignId] = [newId(), newId()];
  await db.admin("update calling_policies set max_concurrency = 100000 where org_id = $1", [orgId]);
  await db.admin(
    `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, created_at)
       values ($1, $2, 'voice', 'retell', 'bench', '{}', 'active', 'raw', 100000, 1000000, 60, $3)`,
    [orgId, connectionId, benchNow],
  );
  await db.admin(
    `insert into campaigns (org_id, id, name, seller_id, connection_id, status, purpose, debt_collection, from_number, ring_seconds, variables, retry_on,
       retry_after_seconds, max_concurrency, created_at) values ($1, $2, 'bench', $3, $4, 'running', 'marketing', false, '+12125550100', 30, '{}', '{}', 60, 100000, $5)`,
    [orgId, campaignId, sellerId, connectionId, benchNow],
  );
  await fill(db, orgId, campaignId, leads);
  const selects = await claimSelects(db);
  return {
    org,
    overdueClosed: () => overdueClosed(org),
    findBlocks: () => findBlocks(org, selects, connectionId),
    async claimBlocks() {
      const statement = claimEnrolments(newId(), batch, 125, 60, 45);
      const plan = await explained(org, statement.text, statement.params);
      const token = statement.params[0];
      const { rows } = await db.admin(
        "select sum(cardinality(k.enrolment_ids))::int as n from leases k where k.org_id = $1 and k.token = $2",
        [orgId, token],
      );
      return { claimed: Number(rows[0]?.["n"]), blocks: plan.blocks };
    },
  };
}

/** Every twentieth lead stands in the same hour profile; the last six profiles are closed and all of theirs are overdue. */
async function fill(db: TestDatabase, orgId: string, campaignId: string, leads: number): Promise<void> {
  const profiles = openProfiles + closedProfiles;
  const due = `case when g.n % ${profiles} >= ${openProfiles} or g.n <= ${(dueInOpen * profiles) / openProfiles} then
    timestamptz '${benchNow}' - interval '1 hour' - g.n * interval '1 millisecond' else timestamptz '${benchNow}' + interval '5 days' + g.n * interval '1 ms' end`;
  const id = (kind: number): string => `(lpad('${kind}', 8, '0') || '-0000-7000-8000-' || lpad(to_hex(g.n), 12, '0'))::uuid`;
  const profile = `(lpad('4', 8, '0') || '-0000-7000-8000-' || lpad(to_hex(g.n % ${profiles}), 12, '0'))::uuid`;
  const org = `uuid '${orgId}'`;
  // The references hold by construction; checking each of six million would be all that this does.
  await db.admin(`do $fill$ begin
    perform set_config('session_replication_role', 'replica', true);
    insert into hour_profiles (org_id, id, campaign_id, candidate_states, open, next_change_at, next_due_at)
      select ${org}, ${id(4)}, '${campaignId}', 'S' || g.n, g.n < ${openProfiles}, timestamptz '${benchNow}' + interval '1 hour', timestamptz '${benchNow}' - interval '3 hours'
        from generate_series(0, ${profiles - 1}) as g(n);
    insert into persons (org_id, id, e164_hmac, pepper_version)
      select ${org}, ${id(1)}, sha256(int8send(g.n)), 1 from generate_series(1::bigint, ${leads}) as g(n);
    insert into leads (org_id, id, person_id, e164, candidate_states, status, created_at)
      select ${org}, ${id(2)}, ${id(1)}, '+1' || (2120000000 + g.n), 'S', 'eligible', '${benchNow}' from generate_series(1::bigint, ${leads}) as g(n);
    insert into enrolments (org_id, id, campaign_id, lead_id, person_id, profile_id, state, due_at)
      select ${org}, ${id(3)}, '${campaignId}', ${id(2)}, ${id(1)}, ${profile}, 'waiting', ${due} from generate_series(1::bigint, ${leads}) as g(n);
  end $fill$`);
  for (const table of ["hour_profiles", "persons", "leads", "enrolments"]) await db.admin(`vacuum analyze ${table}`);
}

interface ClaimSelects {
  readonly profiles: string;
  readonly enrolments: string;
}

/** The selects as they stand in the database's own function, so that what is measured is what runs. */
async function claimSelects(db: TestDatabase): Promise<ClaimSelects> {
  const { rows } = await db.admin("select prosrc from pg_proc where oid = 'app.claim_enrolments'::regproc");
  const body = String(rows[0]?.["prosrc"]);
  const profiles = /for prof in\s+(select [\s\S]*?)\s+loop\b/.exec(body)?.[1];
  const enrolments = /into ids, lead_ids, person_ids from \(\s*(select [\s\S]*?)\) d;/.exec(body)?.[1];
  if (profiles === undefined || enrolments === undefined)
    throw new Error("app.claim_enrolments no longer has the two selects that are measured");
  return {
    profiles: put(profiles, {
      "conn.id": "$1",
      stirred: "'{}'::uuid[]",
      taken_campaigns: "'{}'::uuid[]",
      taken_counts: "'{}'::bigint[]",
    }),
    enrolments: put(enrolments, { "prof.id": "$1", "least(room - taken, camp_room)": "$2", leased: "'{}'::uuid[]" }),
  };
}

function put(text: string, values: Readonly<Record<string, string>>): string {
  let made = text;
  for (const [name, value] of Object.entries(values)) {
    if (!made.includes(name)) throw new Error(`app.claim_enrolments no longer names ${name}`);
    made = made.replaceAll(name, value);
  }
  return made;
}

async function findBlocks(org: OrgDb, selects: ClaimSelects, connectionId: string): Promise<{ found: number; blocks: number }> {
  const listed = await explained(org, selects.profiles, [connectionId]);
  const profiles = await org.rows<{ id: string }>({ name: "bench.profiles", text: selects.profiles, params: [connectionId] });
  let { blocks } = listed;
  let found = 0;
  for (const { id } of profiles) {
    if (found >= batch) break;
    const looked = await explained(org, selects.enrolments, [id, batch - found]);
    blocks += looked.blocks;
    found += looked.rows;
  }
  return { found, blocks };
}

interface Plan {
  readonly "Actual Rows": number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
}

/** Runs it and reads its plan: blocks of its execution, whether they were in the cache or not; planning is left out. */
async function explained(org: OrgDb, text: string, params: readonly unknown[]): Promise<{ rows: number; blocks: number }> {
  const [answer] = await org.rows<Record<string, unknown>>({
    name: "bench.explain",
    text: `explain (analyze, buffers, timing off, format json) ${text}`,
    params,
  });
  const given = answer?.["QUERY PLAN"];
  const [{ Plan: plan }] = (typeof given === "string" ? JSON.parse(given) : given) as [{ Plan: Plan }];
  return { rows: plan["Actual Rows"], blocks: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] };
}

async function overdueClosed(org: OrgDb): Promise<number> {
  const [counted] = await org.rows<{ n: number }>({
    name: "bench.overdue",
    text: `select count(*)::int as n from enrolments e join hour_profiles p on ${inOrg("p")} and p.id = e.profile_id and not p.open
      where ${inOrg("e")} and e.due_at <= app.now()`,
    params: [],
  });
  return counted?.n ?? 0;
}
