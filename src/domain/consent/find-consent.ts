import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { consentEvents } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";

export type ConsentEventRow = typeof consentEvents.$inferSelect;

export const findConsentEvents = (org: OrgDb, page: Page, personId: string | null): Promise<ConsentEventRow[]> =>
  findPage(org, consentEvents, page, personId === null ? undefined : eq(consentEvents.personId, personId));
export const findConsentEvent = (org: OrgDb, id: string): Promise<ConsentEventRow | null> =>
  org.findOne(consentEvents, eq(consentEvents.id, id));
