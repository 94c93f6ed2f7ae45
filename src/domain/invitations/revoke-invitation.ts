import { and, eq, gt, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { invitations } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { InvitationRow } from "./create-invitation.ts";

/** Its link leads nowhere from now on. One that was accepted or has expired stays as it is. Null when there is no such invitation. */
export async function revokeInvitation(org: OrgDb, id: string, realNow: Instant): Promise<InvitationRow | null> {
  return org.change({ action: "invitation.revoked", subject: publicId("invitation", id) }, async (w) => {
    const ofId = eq(invitations.id, id);
    const open =
      and(ofId, isNull(invitations.acceptedAt), isNull(invitations.revokedAt), gt(invitations.expiresAt, realNow)) ?? ofId;
    const [revoked] = await w.update(invitations, open, { revokedAt: realNow });
    if (revoked !== undefined) return revoked;
    w.withdrawEntry();
    return w.findOne(invitations, ofId);
  });
}
