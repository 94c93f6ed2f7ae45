import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { invitations } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { InvitationRow } from "./create-invitation.ts";

export const findInvitations = (org: OrgDb, page: Page): Promise<InvitationRow[]> => findPage(org, invitations, page, undefined);
export const findInvitation = (org: OrgDb, id: string): Promise<InvitationRow | null> =>
  org.findOne(invitations, eq(invitations.id, id));
