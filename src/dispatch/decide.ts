import type { CampaignFactsRow } from "../db/queries/dial-facts.ts";
import type { LeadFacts } from "../domain/decisions/gather-facts.ts";
import { snapshotsAt, type RecordedSnapshot, type SnapshotDesk } from "../domain/decisions/snapshot.ts";
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
export const decideLeads = (
  desk: SnapshotDesk,
  at: Instant,
  campaigns: readonly CampaignFactsRow[],
  leads: readonly LeadFacts[],
): Promise<DecidedLead[]> => decider(desk, at, campaigns)(leads);

/** The same for leads that come a few at a time: what they have in common is worked out once. */
export function decider(
  desk: SnapshotDesk,
  at: Instant,
  campaigns: readonly CampaignFactsRow[],
): (leads: readonly LeadFacts[]) => Promise<DecidedLead[]> {
  const snapshotsOf = snapshotsAt(desk, at, campaigns);
  const batch = new Map<string, unknown>();
  return async (leads) => {
    const snapshots = await snapshotsOf(leads);
    return leads.map((lead, index) => {
      const recorded = snapshots[index] as RecordedSnapshot;
      return { lead, recorded, decision: decide(gates, recorded.snapshot, { mandatory: mandatoryGates, batch }) };
    });
  };
}
