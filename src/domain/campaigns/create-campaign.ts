import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { campaigns, connections, sellers } from "../../db/schema/index.ts";
import type { Purpose, WeekWindow } from "../../gates/snapshot.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";

export type Campaign = typeof campaigns.$inferSelect;

/** The lead fields that a campaign may send to its voice provider. Mail, address, notes and evidence are not among them. */
export const sendableFields = [
  "first_name",
  "last_name",
  "city",
  "state",
  "source",
  "external_id",
  "seller_name",
  "campaign_name",
] as const;
export const retryReasons = ["no_answer", "busy", "voicemail", "failed", "not_connected"] as const;

export interface CampaignInput {
  readonly name: string;
  readonly sellerId: string;
  readonly connectionId: string;
  readonly purpose: Purpose;
  readonly debtCollection: boolean;
  readonly callingWindow: WeekWindow | null;
  readonly ringSeconds: number;
  readonly variables: readonly (typeof sendableFields)[number][];
  readonly retryOn: readonly (typeof retryReasons)[number][];
  readonly retryAfterSeconds: number;
  readonly maxConcurrency: number;
}
export type CampaignRefusal = "seller_unknown" | "connection_unknown" | "connection_not_voice";

/** A draft: it dials nothing until it is launched. Its caller number is the connection's. */
export async function createCampaign(org: OrgDb, input: CampaignInput): Promise<Result<Campaign, CampaignRefusal>> {
  const id = org.newId();
  return org.change(
    { action: "campaign.created", subject: publicId("campaign", id), facts: { purpose: input.purpose } },
    async (w) => {
      const refused = (refusal: CampaignRefusal) => {
        w.withdrawEntry();
        return refuse(refusal);
      };
      if ((await w.findOne(sellers, eq(sellers.id, input.sellerId))) === null) return refused("seller_unknown");
      const shown = and(eq(connections.id, input.connectionId), ne(connections.status, "disabled"));
      const connection = await w.findOne(connections, shown ?? eq(connections.id, input.connectionId));
      if (connection === null) return refused("connection_unknown");
      if (connection.kind !== "voice") return refused("connection_not_voice");
      const fromNumber = (connection.config as { from_number: string }).from_number;
      const row = { ...input, id, fromNumber, variables: [...input.variables], retryOn: [...input.retryOn] };
      return ok(await w.insert(campaigns, { ...row, status: "draft", createdAt: w.now }));
    },
  );
}
