import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { campaignFunnel, type FunnelRow } from "../../db/queries/campaigns.ts";
import { campaigns } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { Campaign } from "./create-campaign.ts";

export type { FunnelRow };

export const findCampaign = (org: OrgDb, id: string): Promise<Campaign | null> => org.findOne(campaigns, eq(campaigns.id, id));
export const findCampaigns = (org: OrgDb, page: Page, status: Campaign["status"] | null): Promise<Campaign[]> =>
  findPage(org, campaigns, page, status === null ? undefined : eq(campaigns.status, status));

/** Counts over one campaign's places, attempts and calls. */
export const readFunnel = (org: OrgDb, id: string): Promise<FunnelRow[]> => org.rows<FunnelRow>(campaignFunnel(id));
