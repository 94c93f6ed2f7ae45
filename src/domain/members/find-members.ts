import type { OrgDb } from "../../db/org-db.ts";
import { type AnsweringRow, answeringRoles, type MemberRow, membersById, membersPage } from "../../db/queries/members.ts";
import { type Role, rolesFrom } from "../access/operations.ts";
import type { Page } from "../page.ts";

export type { MemberRow } from "../../db/queries/members.ts";

/** One row more than asked, so that the reader knows whether there are more. */
export const findMembers = (org: OrgDb, { after, limit }: Page): Promise<MemberRow[]> =>
  org.rows<MemberRow>(membersPage(after, limit + 1));

export async function findMember(org: OrgDb, userId: string): Promise<MemberRow | null> {
  return (await org.rows<MemberRow>(membersById([userId])))[0] ?? null;
}

/**
 * Whether who asks is told how members get in: owners and admins, and what they answer for. To anyone else it would say whose
 * mailbox is worth the trouble.
 */
export async function seesWaysIn(org: OrgDb): Promise<boolean> {
  // By the answer that was just read: whoever has left by it is bound no more.
  const { role, scopes, sponsorId } = org.lastBound ?? (await org.bound());
  // A guest with an admin's grant is none.
  if (org.actor.type === "operator") return false;
  if (scopes === null) return isAdmin(role);
  if (sponsorId === null) return false;
  const [sponsor] = await org.rows<AnsweringRow>(answeringRoles([sponsorId]));
  return isAdmin(sponsor?.role ?? null);
}
const isAdmin = (role: string | null): boolean => role !== null && rolesFrom("admin").includes(role as Role);
