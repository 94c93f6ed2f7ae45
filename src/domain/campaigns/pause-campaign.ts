import { and, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { campaigns } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Campaign } from "./create-campaign.ts";

/** When this has committed, no dial of the campaign leaves, also none that was permitted before. */
export async function pauseCampaign(
  org: OrgDb,
  id: string,
  reason: string | null,
): Promise<Result<Campaign, "campaign_unknown" | "not_running">> {
  return org.change({ action: "campaign.paused", subject: publicId("campaign", id) }, async (w) => {
    await w.rows(bumpOrg());
    const running = and(eq(campaigns.id, id), eq(campaigns.status, "running"));
    const [paused] = await w.update(campaigns, running ?? eq(campaigns.id, id), {
      status: "paused",
      statusReason: reason ?? "paused_by_person",
    });
    if (paused !== undefined) return ok(paused);
    w.withdrawEntry();
    return refuse((await w.findOne(campaigns, eq(campaigns.id, id))) === null ? "campaign_unknown" : "not_running");
  });
}
