import type { CampaignFactsRow } from "../db/queries/dial-facts.ts";
import type { LeadFacts } from "../domain/decisions/gather-facts.ts";
import { buildSnapshots, type RecordedSnapshot, type SnapshotDesk } from "../domain/decisions/snapshot.ts";
import { decide } from "../gates/decide.ts";
import type { Decision } from "../gates/gate.ts";
import { gates, mandatoryGates } from "../gates/registry.ts";
import type { Instant } from "../lib/instant.ts";

export interface DecidedLead {
  readonly lead: LeadFacts;
  readonly recorded: RecordedSnapshot;
  readonly decision: Decision;
}

/** Every gate for every lead, in memory, at one instant of the org's clock. */
export async function decideLeads(
  desk: SnapshotDesk,
  at: Instant,
  campaigns: readonly CampaignFactsRow[],
  leads: readonly LeadFacts[],
): Promise<DecidedLead[]> {
  const snapshots = await buildSnapshots(desk, at, campaigns, leads);
  const batch = new Map<string, unknown>();
  return leads.map((lead, index) => {
    const recorded = snapshots[index] as RecordedSnapshot;
    return { lead, recorded, decision: decide(gates, recorded.snapshot, { mandatory: mandatoryGates, batch }) };
  });
}
