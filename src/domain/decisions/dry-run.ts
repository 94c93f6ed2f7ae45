import type { OrgDb } from "../../db/org-db.ts";
import { readDialFacts } from "../../db/queries/dial-facts.ts";
import { decide } from "../../gates/decide.ts";
import type { Decision } from "../../gates/gate.ts";
import { gates, mandatoryGates } from "../../gates/registry.ts";
import type { Snapshot } from "../../gates/snapshot.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { gatherFacts } from "./gather-facts.ts";
import { buildSnapshots, type SnapshotDesk } from "./snapshot.ts";

export interface DryRun {
  readonly decision: Decision;
  readonly snapshot: Snapshot;
  readonly snapshotDigest: string;
}

/**
 * What the gates would answer for a lead of a campaign at an instant (the org's now when none is given), on today's
 * facts. Mints nothing and records nothing. One request.
 */
export async function dryRun(
  org: OrgDb,
  desk: SnapshotDesk,
  question: { readonly leadId: string; readonly campaignId: string; readonly at: Instant | null },
): Promise<Result<DryRun, "lead_unknown" | "campaign_unknown">> {
  org.about([publicId("lead", question.leadId)]);
  const source = { kind: "leads", campaignId: question.campaignId, leadIds: [question.leadId] } as const;
  const { bound, answers } = await org.query(...readDialFacts(source));
  const { leads, campaigns } = gatherFacts(answers);
  if (leads.length === 0) return refuse("lead_unknown");
  if (campaigns.length === 0) return refuse("campaign_unknown");
  const [recorded] = await buildSnapshots(desk, question.at ?? bound.now, campaigns, leads);
  if (recorded === undefined) return refuse("lead_unknown");
  const decision = decide(gates, recorded.snapshot, { mandatory: mandatoryGates });
  return ok({ decision, snapshot: recorded.snapshot, snapshotDigest: recorded.digest });
}
