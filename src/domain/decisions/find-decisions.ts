import { and, desc, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { decisions } from "../../db/schema/index.ts";

export type DecisionRow = typeof decisions.$inferSelect;

/** The last decision that was recorded for a lead, of one campaign or of any. */
export async function findLastDecision(org: OrgDb, leadId: string, campaignId: string | null): Promise<DecisionRow | null> {
  const where = and(eq(decisions.leadId, leadId), campaignId === null ? undefined : eq(decisions.campaignId, campaignId));
  return (await org.find(decisions, where, { limit: 1, orderBy: [desc(decisions.at), desc(decisions.id)] }))[0] ?? null;
}

export const findDecision = (org: OrgDb, id: string): Promise<DecisionRow | null> => org.findOne(decisions, eq(decisions.id, id));
