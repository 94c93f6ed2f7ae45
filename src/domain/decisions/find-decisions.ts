import { desc, eq, and } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { decisions } from "../../db/schema/index.ts";
import { findLead } from "../leads/find-leads.ts";
import { findPage, type Page } from "../page.ts";

export type DecisionRow = typeof decisions.$inferSelect;

const ofLead = (leadId: string, campaignId: string | null) =>
  and(eq(decisions.leadId, leadId), campaignId === null ? undefined : eq(decisions.campaignId, campaignId));

/** The last decision that was recorded for a lead, of one campaign or of any. */
export async function findLastDecision(org: OrgDb, leadId: string, campaignId: string | null): Promise<DecisionRow | null> {
  return (await org.find(decisions, ofLead(leadId, campaignId), { limit: 1, orderBy: [desc(decisions.id)] }))[0] ?? null;
}

/** Every decision that was recorded for a lead, of one campaign or of any; null where there is no such lead. */
export async function findDecisions(
  org: OrgDb,
  page: Page,
  leadId: string,
  campaignId: string | null,
): Promise<DecisionRow[] | null> {
  const found = await findPage(org, decisions, page, ofLead(leadId, campaignId));
  return found.length > 0 || (await findLead(org, leadId)) !== null ? found : null;
}

export const findDecision = (org: OrgDb, id: string): Promise<DecisionRow | null> => org.findOne(decisions, eq(decisions.id, id));
