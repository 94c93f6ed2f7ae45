import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import type { MemberRow } from "../../db/queries/members.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { type Role, rolesFrom } from "../access/operations.ts";
import { closeInvitationsOf } from "../invitations/close-invitations.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import { type AffectedCredential, credentialsLimitedBy } from "./credentials-of-member.ts";
import { keepingAnOwner, lockStandings, othersWhoOwn } from "./lock-standings.ts";
import { mayChange } from "./may-change.ts";

type Refusal = "member_unknown" | "role_too_low" | "member_disabled";

export interface ChangedMember {
  readonly member: MemberRow;
  /** What does less from now on. */
  readonly credentials: readonly AffectedCredential[];
  /** Public ids of the open invitations that they gave and may give no more: revoked. */
  readonly invitations: readonly string[];
}

/**
 * Another role for a member, from their next request on and for every credential that they answer for. They are told by mail,
 * and each of their sessions goes on under another token.
 */
export async function changeRole(
  org: OrgDb,
  deps: MailDeps,
  wanted: { readonly userId: string; readonly role: Role },
  realNow: Instant,
): Promise<Result<ChangedMember, Refusal | "last_owner">> {
  const { userId, role } = wanted;
  // Asked first: what a session's own use writes is then committed, and its row waits for nobody below.
  const { sponsorId, orgName } = await org.bound();
  const entry = { action: "member.role_changed", subject: publicId("user", userId), facts: { to: role } } as const;
  const change = org.change(entry, async (w): Promise<Result<ChangedMember, Refusal>> => {
    const refused = (refusal: Refusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const { actor, target } = await lockStandings(w, sponsorId, userId);
    // Whoever may do nothing here learns of nobody.
    if (actor === undefined || !mayChange(actor.role, null, null)) return refused("role_too_low");
    if (target === undefined) return refused("member_unknown");
    if (!mayChange(actor.role, target.role, role)) return refused("role_too_low");
    if (target.role === role) {
      w.withdrawEntry();
      return ok({ member: target, credentials: [], invitations: [] });
    }
    // Whoever cannot sign in is lowered or removed, and not raised.
    if (target.disabled && !rolesFrom(role).includes(target.role)) return refused("member_disabled");
    w.note({ from: target.role });
    await w.update(memberships, eq(memberships.userId, userId), { role });
    await w.rows(dueForRotation([userId]));
    const by = actor.id === target.id ? null : actor;
    const params = {
      orgName: orgName ?? "",
      when: realNow,
      former: target.role,
      by,
      to: role,
      owners: await othersWhoOwn(w, userId),
    };
    await w.rows(await sealMail(deps, { kind: "role_changed", to: target.email, params }));
    const closed = await closeInvitationsOf(w, userId, role, realNow);
    const credentials = await credentialsLimitedBy(w, userId, role, realNow);
    return ok({ member: { ...target, role }, credentials, invitations: closed });
  });
  return keepingAnOwner(change);
}
