/** The dial up to its permit, step by step, for tests that stop between the steps. */
import type { OrgDb } from "../../src/db/org-db.ts";
import { type Claim, claim } from "../../src/dispatch/claim.ts";
import { decideLeads } from "../../src/dispatch/decide.ts";
import { judgeWindows } from "../../src/dispatch/judge-windows.ts";
import { type DecidedBatch, record, type Recorded } from "../../src/dispatch/record.ts";
import { newId, type World } from "../support/world.ts";

export type Permit = NonNullable<Recorded["permit"]>;

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

export async function mint(world: World, org: OrgDb = world.org, max = 500): Promise<readonly Recorded[]> {
  return record(org, await decideDue(world, org, max));
}

export async function mintOne(world: World): Promise<Permit> {
  const [recorded] = await mint(world);
  if (recorded?.permit == null) throw new Error(`no permit was minted: ${recorded?.outcome}`);
  return recorded.permit;
}
