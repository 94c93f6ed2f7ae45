import type { OrgDb } from "../db/org-db.ts";
import { readDialFacts } from "../db/queries/dial-facts.ts";
import { gatherFacts } from "../domain/decisions/gather-facts.ts";
import type { Decision } from "../gates/gate.ts";
import { publicId } from "../lib/ids.ts";
import { decideLeads } from "./decide.ts";
import type { DispatchDeps } from "./deps.ts";
import { place, type PlaceOutcome } from "./place.ts";
import { record, type Recorded } from "./record.ts";
import { watchRings } from "./watch-rings.ts";

export type CalledNow =
  | { readonly kind: "placed"; readonly attemptId: string; readonly place: PlaceOutcome; readonly recorded: DecidedNow }
  /** No permit was minted. The decision may say `allow`: then `outcome` says what stood in the way. */
  | { readonly kind: "refused"; readonly recorded: DecidedNow }
  | { readonly kind: "unknown_lead" }
  | { readonly kind: "unknown_campaign" };

export interface DecidedNow extends Recorded {
  readonly decision: Decision;
  readonly snapshotDigest: string;
}

/** One lead, now, the same way as any other dial: every gate, a committed decision, a permit, one call. */
export async function callNow(deps: DispatchDeps, org: OrgDb, asked: { leadId: string; campaignId: string }): Promise<CalledNow> {
  org.about([publicId("lead", asked.leadId)]);
  const source = { kind: "leads", campaignId: asked.campaignId, leadIds: [asked.leadId] } as const;
  const { bound, answers } = await org.query(...readDialFacts(source));
  const { versions, leads, campaigns } = gatherFacts(answers);
  if (leads.length === 0) return { kind: "unknown_lead" };
  if (campaigns.length === 0) return { kind: "unknown_campaign" };
  const decided = await decideLeads(deps.desk, bound.now, campaigns, leads);
  const [answer] = await record(org, { at: bound.now, token: null, versions, campaigns, decided });
  const [lead] = decided;
  if (answer === undefined || lead === undefined) return { kind: "unknown_lead" };
  const recorded = { ...answer, decision: lead.decision, snapshotDigest: lead.recorded.digest };
  if (recorded.permit === null) return { kind: "refused", recorded };
  await watchRings(deps, bound.orgId, bound.now, [recorded.permit]);
  const placed = await place(deps, org, recorded.permit);
  return { kind: "placed", attemptId: recorded.permit.attemptId, place: placed, recorded };
}
