import { and, eq, gt, inArray, isNull } from "drizzle-orm";
import type { OrgWriter } from "../../db/org-db.ts";
import { invitations } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { type Role, roles } from "../access/operations.ts";
import { mayChange } from "../members/may-change.ts";

/**
 * Revokes the open invitations that someone gave and may give no more, in the transaction that takes their role away, under its
 * lock: whoever comes back later, or rises again, brings none of them back.
 * @param role the inviter's from now on; null: they are a member no more. @returns their public ids.
 */
export async function closeInvitationsOf(
  w: OrgWriter,
  inviterId: string,
  role: Role | null,
  realNow: Instant,
): Promise<string[]> {
  const lost = roles.filter((given) => role === null || !mayChange(role, null, given));
  const open = and(
    eq(invitations.invitedBy, inviterId),
    inArray(invitations.role, lost),
    isNull(invitations.acceptedAt),
    isNull(invitations.revokedAt),
    gt(invitations.expiresAt, realNow),
  );
  if (lost.length === 0 || open === undefined) return [];
  const why = role === null ? "whoever gave it is a member no more" : "whoever gave it may not give that role any more";
  const ids = (await w.update(invitations, open, { revokedAt: realNow })).map(({ id }) => publicId("invitation", id)).toSorted();
  for (const id of ids) w.also({ action: "invitation.revoked", subject: id, facts: { why } });
  return ids;
}
