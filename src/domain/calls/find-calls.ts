import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { calls } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";

export type Call = typeof calls.$inferSelect;
export interface CallFilter {
  readonly leadId?: string | undefined;
  readonly campaignId?: string | undefined;
  readonly disposition?: string | undefined;
}

export const findCall = (org: OrgDb, id: string): Promise<Call | null> => org.findOne(calls, eq(calls.id, id));

export function findCalls(org: OrgDb, page: Page, filter: CallFilter): Promise<Call[]> {
  return findPage(
    org,
    calls,
    page,
    filter.leadId === undefined ? undefined : eq(calls.leadId, filter.leadId),
    filter.campaignId === undefined ? undefined : eq(calls.campaignId, filter.campaignId),
    filter.disposition === undefined ? undefined : eq(calls.disposition, filter.disposition),
  );
}
