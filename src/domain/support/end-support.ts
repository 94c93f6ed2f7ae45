import { and, eq, gt, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { supportGrants } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { SupportGrantRow } from "./open-support.ts";

/** The operator's next request is refused. One that has ended stays as it is. Null when there is no such grant. */
export async function endSupport(org: OrgDb, id: string, realNow: Instant): Promise<SupportGrantRow | null> {
  return org.change({ action: "support.ended", subject: publicId("supportGrant", id) }, async (w) => {
    const ofId = eq(supportGrants.id, id);
    const open = and(ofId, isNull(supportGrants.endedAt), gt(supportGrants.expiresAt, realNow)) ?? ofId;
    const [ended] = await w.update(supportGrants, open, { endedAt: realNow });
    if (ended !== undefined) return ended;
    w.withdrawEntry();
    return w.findOne(supportGrants, ofId);
  });
}
