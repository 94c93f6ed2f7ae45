import type { OrgDb } from "../../db/org-db.ts";
import { type MemberRow, membersById, membersPage } from "../../db/queries/members.ts";
import type { Page } from "../page.ts";

export type { MemberRow } from "../../db/queries/members.ts";

/** One row more than asked, so that the reader knows whether there are more. */
export const findMembers = (org: OrgDb, { after, limit }: Page): Promise<MemberRow[]> =>
  org.rows<MemberRow>(membersPage(after, limit + 1));

export async function findMember(org: OrgDb, userId: string): Promise<MemberRow | null> {
  return (await org.rows<MemberRow>(membersById([userId])))[0] ?? null;
}
