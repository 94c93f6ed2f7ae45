import { and, eq } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { wakeHalted } from "../../db/queries/campaigns.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { type ScrubbedSinceRow, scrubbedSinceDisconnect } from "../../db/queries/scrubs.ts";
import { callingPolicies, campaigns, connections } from "../../db/schema/index.ts";
import { isSales } from "../../gates/grants.ts";
import type { HaltFact } from "../../gates/snapshot.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Campaign } from "./create-campaign.ts";

type ResumeRefusal = "campaign_unknown" | "not_paused" | "connection_not_active" | "scrub_wanted";

/**
 * Who was refused because it stood still is judged again at once. After a do-not-call provider was disconnected only
 * another one's scrub reopens what lists bind (gates.md §4).
 */
export async function resumeCampaign(org: OrgDb, id: string): Promise<Result<Campaign, ResumeRefusal>> {
  return org.change({ action: "campaign.resumed", subject: publicId("campaign", id) }, async (w) => {
    const refused = (refusal: ResumeRefusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    await w.rows(bumpOrg());
    const found = await w.findOne(campaigns, eq(campaigns.id, id));
    if (found === null) return refused("campaign_unknown");
    const connection = await w.findOne(connections, eq(connections.id, found.connectionId));
    if (connection?.status !== "active") return refused("connection_not_active");
    if (await needsScrub(w, found)) return refused("scrub_wanted");
    const stillPaused = and(eq(campaigns.id, id), eq(campaigns.status, "paused"));
    const [resumed] = await w.update(campaigns, stillPaused ?? eq(campaigns.id, id), { status: "running", statusReason: null });
    if (resumed === undefined) return refused("not_paused");
    await w.rows(wakeHalted(id, "campaign_halted" satisfies HaltFact["reason"]));
    return ok(resumed);
  });
}

async function needsScrub(w: OrgWriter, campaign: Campaign): Promise<boolean> {
  const [disconnected] = await w.rows<ScrubbedSinceRow>(scrubbedSinceDisconnect());
  if (disconnected?.scrubbed !== false) return false;
  const policy = await w.findOne(callingPolicies, eq(callingPolicies.orgId, w.orgId));
  return isSales(campaign.purpose) || policy === null || policy.addedLists.length > 0;
}
