/** The dial up to its permit, step by step, for tests that stop between the steps. */
import type { OrgDb } from "../../src/db/org-db.ts";
import { type Claim, claim } from "../../src/dispatch/claim.ts";
import { type DecidedLead, decideLeads } from "../../src/dispatch/decide.ts";
import { judgeWindows } from "../../src/dispatch/judge-windows.ts";
import { type DecidedBatch, type Permit, record, type Recorded } from "../../src/dispatch/record.ts";
import type { Decision } from "../../src/gates/gate.ts";
import { newId, type World } from "../support/world.ts";

/** Claims what is due; the windows are judged first where they must be. */
export async function claimDue(world: World, org: OrgDb = world.org, max = 500): Promise<Claim> {
  const first = await claim(org, newId(), max);
  if (first.edges.length === 0 || first.leads.length > 0) return first;
  await judgeWindows(org, world.deps.desk, first.bound.now, first.edges);
  return claim(org, newId(), max);
}

export async function decideDue(world: World, org: OrgDb = world.org, max = 500): Promise<DecidedBatch> {
  const batch = await claimDue(world, org, max);
  return {
    ...batch,
    at: batch.bound.now,
    decided: await decideLeads(world.deps.desk, batch.bound.now, batch.campaigns, batch.leads),
  };
}

export async function mint(world: World, org: OrgDb = world.org, max = 500): Promise<(Recorded & { decision: Decision })[]> {
  const batch = await decideDue(world, org, max);
  const recorded = await record(org, batch);
  return recorded.map((each, at) => ({ ...each, decision: (batch.decided[at] as DecidedLead).decision }));
}

export async function mintOne(world: World): Promise<Permit> {
  const [recorded] = await mint(world);
  if (recorded?.permit == null) throw new Error(`no permit was minted: ${recorded?.outcome}`);
  return recorded.permit;
}

/** A further running campaign with the same leads, over the world's connection or another. */
export async function addCampaign(world: World, connectionId: string = world.connectionId): Promise<string> {
  const id = newId();
  await world.sql(
    `insert into campaigns (org_id, id, name, seller_id, connection_id, status, purpose, debt_collection, from_number, ring_seconds, variables, retry_on,
       retry_after_seconds, max_concurrency, created_at)
     select org_id, $3, name, seller_id, $4, status, purpose, debt_collection, from_number, ring_seconds, variables, retry_on, retry_after_seconds,
       max_concurrency, created_at from campaigns where org_id = $1 and id = $2`,
    [world.orgId, world.campaignId, id, connectionId],
  );
  await world.org.rows({ name: "enrol", text: "select app.enrol_campaign($1, null)", params: [id] });
  return id;
}

/** States whose windows are open at noon, in which a set of so many candidate states can be made. */
const openStates = "CT DC GA IL IN MA MD MI MN MO NC NJ NY OH PA SC TN TX VA WI".split(" ");

/** The campaign's enrolments in equal shares over so many hour profiles, whatever the leads' own places. */
export async function spreadOver(world: World, profiles: number): Promise<void> {
  const pairs = openStates.flatMap((one, at) => openStates.slice(at).map((other) => (one === other ? one : `${one},${other}`)));
  await world.sql("update hour_profiles set candidate_states = id::text where org_id = $1", [world.orgId]);
  await world.sql(
    `insert into hour_profiles (org_id, id, campaign_id, candidate_states, next_due_at)
       select $1, gen_random_uuid(), $2, u.states, '-infinity' from unnest($3::text[]) as u(states)`,
    [world.orgId, world.campaignId, pairs.slice(0, profiles)],
  );
  await world.sql(
    `update enrolments e set profile_id = p.id
       from (select id, row_number() over (order by id) as place from enrolments where org_id = $1) n,
         (select id, row_number() over (order by id) - 1 as place from hour_profiles where org_id = $1 and candidate_states = any ($3)) p
       where e.org_id = $1 and e.id = n.id and p.place = n.place % $2`,
    [world.orgId, profiles, pairs.slice(0, profiles)],
  );
  await world.sql("delete from hour_profiles where org_id = $1 and candidate_states <> all ($2)", [world.orgId, pairs]);
}
