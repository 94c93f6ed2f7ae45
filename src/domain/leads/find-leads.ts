import { eq, or } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { leadsByExternalId, leadsByNumber } from "../../db/queries/leads.ts";
import { leads } from "../../db/schema/index.ts";
import { byteaText } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import { findPage, type Page } from "../page.ts";

export type Lead = typeof leads.$inferSelect;
export interface LeadFilter {
  readonly status?: "eligible" | "ineligible" | undefined;
  readonly importId?: string | undefined;
  readonly externalId?: string | undefined;
}

export const findLead = (org: OrgDb, id: string): Promise<Lead | null> => org.findOne(leads, eq(leads.id, id));

/** Those of an external id are named in the note of the read: their ids are looked up first. */
export async function findLeads(org: OrgDb, page: Page, filter: LeadFilter): Promise<Lead[]> {
  if (filter.externalId !== undefined) {
    const named = await org.rows<{ id: string }>(leadsByExternalId(filter.externalId));
    if (named.length > 0) org.about(named.map(({ id }) => publicId("lead", id)));
  }
  return findPage(
    org,
    leads,
    page,
    filter.status === undefined ? undefined : eq(leads.status, filter.status),
    filter.importId === undefined ? undefined : eq(leads.importId, filter.importId),
    filter.externalId === undefined ? undefined : eq(leads.externalId, filter.externalId),
  );
}

/** By keyed hash, with every pepper: numbers stand in no index. Two requests, of which the first answers ids alone. */
export async function findLeadsByNumber(org: OrgDb, numbers: NumberHasher, e164: string): Promise<Lead[]> {
  const hashes = await numbers.hashAll(e164);
  const rows = await org.rows<{ id: string }>(leadsByNumber(hashes.map((hash) => byteaText(hash.hmac))));
  org.about(rows.map((row) => publicId("lead", row.id)));
  if (rows.length === 0) {
    await org.noteRead();
    return [];
  }
  return org.find(leads, or(...rows.map((row) => eq(leads.id, row.id))), { limit: 100 });
}
