import { and, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { personOfLead } from "../../db/queries/leads.ts";
import { dialAttempts } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";

export type Attempt = typeof dialAttempts.$inferSelect;
export interface AttemptFilter {
  readonly leadId?: string | undefined;
  readonly campaignId?: string | undefined;
  readonly state?: Attempt["state"] | undefined;
}

export const findAttempt = (org: OrgDb, id: string): Promise<Attempt | null> =>
  org.findOne(dialAttempts, eq(dialAttempts.id, id));

export function findAttempts(org: OrgDb, page: Page, filter: AttemptFilter): Promise<Attempt[]> {
  return findPage(
    org,
    dialAttempts,
    page,
    filter.leadId === undefined
      ? undefined
      : and(eq(dialAttempts.personId, personOfLead(filter.leadId)), eq(dialAttempts.leadId, filter.leadId)),
    filter.campaignId === undefined ? undefined : eq(dialAttempts.campaignId, filter.campaignId),
    filter.state === undefined ? undefined : eq(dialAttempts.state, filter.state),
  );
}
