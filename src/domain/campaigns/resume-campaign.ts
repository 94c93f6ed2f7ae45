import { and, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { wakeHalted } from "../../db/queries/campaigns.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { campaigns, connections } from "../../db/schema/index.ts";
import type { HaltFact } from "../../gates/snapshot.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Campaign } from "./create-campaign.ts";

/** Who was refused because it stood still is judged again at once. */
export async function resumeCampaign(
  org: OrgDb,
  id: string,
): Promise<Result<Campaign, "campaign_unknown" | "not_paused" | "connection_not_active">> {
  return org.change({ action: "campaign.resumed", subject: publicId("campaign", id) }, async (w) => {
    const refused = (refusal: "campaign_unknown" | "not_paused" | "connection_not_active") => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    await w.rows(bumpOrg());
    const found = await w.findOne(campaigns, eq(campaigns.id, id));
    if (found === null) return refused("campaign_unknown");
    const connection = await w.findOne(connections, eq(connections.id, found.connectionId));
    if (connection?.status !== "active") return refused("connection_not_active");
    const stillPaused = and(eq(campaigns.id, id), eq(campaigns.status, "paused"));
    const [resumed] = await w.update(campaigns, stillPaused ?? eq(campaigns.id, id), { status: "running", statusReason: null });
    if (resumed === undefined) return refused("not_paused");
    await w.rows(wakeHalted(id, "campaign_halted" satisfies HaltFact["reason"]));
    return ok(resumed);
  });
}
