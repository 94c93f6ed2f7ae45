import { eq } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { ownersOfOrg, type OwnerRow } from "../../db/queries/alerts.ts";
import type { MemberRow } from "../../db/queries/members.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { closeInvitationsOf } from "../invitations/close-invitations.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { ChangedMember } from "./change-role.ts";
import { endCredentialsOf } from "./credentials-of-member.ts";
import { keepingAnOwner, lockStandings } from "./lock-standings.ts";
import { mayChange } from "./may-change.ts";

type Refusal = "member_unknown" | "role_too_low" | "second_factor_missing";

/**
 * Ends a membership, from the next request on, and with it the keys and token issuers that the person answered for, and the
 * invitations that they gave. Someone else's by whoever may, one's own by oneself: an owner or an admin shows a second factor for
 * either.
 */
export async function removeMember(
  org: OrgDb,
  deps: MailDeps,
  userId: string,
  realNow: Instant,
): Promise<Result<ChangedMember, Refusal | "last_owner">> {
  const { sponsorId, orgName, factorAt } = await org.bound();
  const leaves = sponsorId === userId;
  const entry = { action: leaves ? "member.left" : "member.removed", subject: publicId("user", userId) } as const;
  const change = org.change(entry, async (w): Promise<Result<ChangedMember, Refusal>> => {
    const refused = (refusal: Refusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const { actor, target } = await lockStandings(w, sponsorId, userId);
    if (!leaves && (actor === undefined || !mayChange(actor.role, null, null))) return refused("role_too_low");
    if (target === undefined) return refused("member_unknown");
    if (!leaves && actor !== undefined && !mayChange(actor.role, target.role, null)) return refused("role_too_low");
    if ((target.role === "owner" || target.role === "admin") && factorAt === null) return refused("second_factor_missing");
    w.note({ role: target.role });
    await w.delete(memberships, eq(memberships.userId, userId));
    const credentials = await endCredentialsOf(w, userId, realNow);
    const closed = await closeInvitationsOf(w, userId, null, realNow);
    await w.rows(dueForRotation([userId]));
    await tell(w, deps, { target, leaves, orgName: orgName ?? "", ended: credentials.length });
    return ok({ member: target, credentials, invitations: closed });
  });
  return keepingAnOwner(change);
}

interface Told {
  readonly target: MemberRow;
  readonly leaves: boolean;
  readonly orgName: string;
  /** How many keys and token issuers ended. */
  readonly ended: number;
}
/** Whoever is gone; and those who are owners now, when nobody but the person themselves had a part in it. */
async function tell(w: OrgWriter, deps: MailDeps, { target, leaves, orgName, ended }: Told): Promise<void> {
  const { email, role, id } = target;
  await w.rows(await sealMail(deps, { kind: leaves ? "left_org" : "removed_from_org", to: email, params: { orgName } }));
  if (!leaves) return;
  const params = { orgName, who: email, userId: publicId("user", id), role, ended };
  for (const owner of await w.rows<OwnerRow>(ownersOfOrg()))
    await w.rows(await sealMail(deps, { kind: "member_left", to: owner.email, params }));
}
