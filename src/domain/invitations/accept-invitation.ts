import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { type InvitedRow, lockMembers, openInvitation } from "../../db/queries/members.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { byInvitation } from "../../db/queries/ways-in.ts";
import { invitations, memberships } from "../../db/schema/index.ts";
import { byteaText } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { hashOfInvitation } from "../../lib/invitation-token.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Role } from "../access/operations.ts";
import { endCredentialsOf } from "../members/credentials-of-member.ts";
import { mayChange } from "../members/may-change.ts";

export interface Joined {
  readonly orgId: string;
  readonly name: string;
  readonly livemode: boolean;
  /** The invitation's, or the one that the person had already. */
  readonly role: Role;
}

/**
 * Makes whoever is signed in by the invited address a member. It works once. Expired, revoked, used, for another address, or of
 * an inviter who may no longer give that role: one refusal, which tells nothing about an invitation to whom it is not for.
 */
export async function acceptInvitation(
  own: OrgDb,
  token: string,
  userId: string,
  realNow: Instant,
): Promise<Result<Joined, "invitation_unknown">> {
  const hash = hashOfInvitation(token);
  if (hash === null) return refuse("invitation_unknown");
  // Asked first: what a session's own use writes is then committed, and its row waits for nobody below.
  await own.bound();
  const entry = { action: "member.added", subject: publicId("user", userId) } as const;
  const joined = await own.changeBeyond(byInvitation(hash, realNow), entry, async (w): Promise<Joined | null> => {
    await w.rows(lockMembers());
    const [invited] = await w.rows<InvitedRow>(openInvitation(byteaText(hash), userId, realNow));
    const isGiven = invited !== undefined && invited.giver_role !== null && mayChange(invited.giver_role, null, invited.role);
    // Also in the statement that takes it: it may have been revoked in between.
    const taken = isGiven ? await w.update(invitations, stillOpen(invited.id), { acceptedAt: realNow }) : [];
    if (!isGiven || taken.length === 0) {
      w.withdrawEntry();
      return null;
    }
    const { id, role, held_role: heldRole } = invited;
    w.also({ action: "invitation.accepted", subject: publicId("invitation", id), facts: { role, had: heldRole } });
    const org = { orgId: w.orgId, name: w.orgName ?? "", livemode: w.livemode };
    if (heldRole !== null) {
      // It lowers and raises nobody.
      w.withdrawEntry();
      return { ...org, role: heldRole };
    }
    w.note({ role });
    await w.insert(memberships, { userId, role, createdAt: realNow });
    // One that was made while its maker was being removed has worked for nobody since, and does not begin to.
    await endCredentialsOf(w, userId, realNow);
    await w.rows(dueForRotation([userId]));
    return { ...org, role };
  });
  return joined === null ? refuse("invitation_unknown") : ok(joined);
}

function stillOpen(id: string) {
  const ofId = eq(invitations.id, id);
  return and(ofId, isNull(invitations.acceptedAt), isNull(invitations.revokedAt)) ?? ofId;
}
