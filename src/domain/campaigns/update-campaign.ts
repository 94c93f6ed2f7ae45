import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { campaigns, connections } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { changeFacts, givenFields } from "../audit/change-facts.ts";
import type { Adapters } from "../connections/test-connection.ts";
import type { Campaign } from "./create-campaign.ts";
import { findCampaign } from "./find-campaigns.ts";
import { storesTranscripts } from "./launch-campaign.ts";

export interface CampaignChange {
  readonly maxConcurrency?: number;
  readonly connectionId?: string;
}
export type ChangeRefusal =
  | "campaign_unknown"
  | "campaign_runs"
  | "connection_unknown"
  | "connection_not_voice"
  | "connection_not_active"
  | "transcripts_withheld";

/**
 * Its own limit, and the connection over which it calls: another one only while it does not run, with the caller number
 * that is then its own. Every permit that was minted before is void.
 */
export async function updateCampaign(
  org: OrgDb,
  adapters: Adapters,
  id: string,
  change: CampaignChange,
): Promise<Result<Campaign, ChangeRefusal>> {
  const { connectionId } = change;
  if (Object.keys(change).length === 0) {
    const found = await findCampaign(org, id);
    return found === null ? refuse("campaign_unknown") : ok(found);
  }
  const stores = connectionId === undefined ? null : await storesTranscripts(org, adapters, connectionId);
  return org.change({ action: "campaign.updated", subject: publicId("campaign", id) }, async (w) => {
    const refused = (refusal: ChangeRefusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    await w.rows(bumpOrg());
    const campaign = await w.findOne(campaigns, eq(campaigns.id, id));
    if (campaign === null) return refused("campaign_unknown");
    const set: CampaignChange & { fromNumber?: string } = { ...change };
    if (connectionId !== undefined) {
      const shown = and(eq(connections.id, connectionId), ne(connections.status, "disabled"));
      const connection = await w.findOne(connections, shown ?? eq(connections.id, connectionId));
      if (connection === null) return refused("connection_unknown");
      if (connection.kind !== "voice") return refused("connection_not_voice");
      if (campaign.status === "running") return refused("campaign_runs");
      if (stores === "not_active") return refused("connection_not_active");
      if (stores === false) return refused("transcripts_withheld");
      set.fromNumber = (connection.config as { from_number: string }).from_number;
    }
    const [updated] = await w.update(campaigns, eq(campaigns.id, id), set);
    if (updated === undefined) return refused("campaign_unknown");
    w.note(changeFacts(shownOf(campaign), shownOf(updated), givenFields(set)));
    return ok(updated);
  });
}

const shownOf = ({ maxConcurrency, connectionId, fromNumber }: Campaign) => ({
  maxConcurrency,
  connectionId: publicId("connection", connectionId),
  fromNumber,
});
