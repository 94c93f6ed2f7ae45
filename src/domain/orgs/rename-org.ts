import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { lockMembers } from "../../db/queries/members.ts";
import { orgs } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { changeFacts } from "../audit/change-facts.ts";

export type OrgRow = typeof orgs.$inferSelect;

/** What it is called from now on, in its members' lists and in mails. Who calls whom is said by sellers, and not by this. */
export async function renameOrg(org: OrgDb, name: string): Promise<OrgRow> {
  // Asked first: what a session's own use writes is then committed, and its row waits for nobody below.
  const { orgId } = await org.bound();
  const ofOrg = eq(orgs.orgId, orgId);
  return org.change({ action: "org.updated", subject: publicId("org", orgId) }, async (w) => {
    // Of two at once the second names the first one's name as the one before.
    await w.rows(lockMembers());
    const before = await w.findOne(orgs, ofOrg);
    if (before === null) throw new Error("an org that is bound is not there");
    if (before.name === name) {
      w.withdrawEntry();
      return before;
    }
    w.note({ ...changeFacts(before, { ...before, name }, ["name"]) });
    const [renamed] = await w.update(orgs, ofOrg, { name });
    if (renamed === undefined) throw new Error("an org that is bound is not there");
    return renamed;
  });
}
