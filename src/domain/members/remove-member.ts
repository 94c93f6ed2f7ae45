import { eq } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import type { MemberRow } from "../../db/queries/members.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { closeInvitationsOf } from "../invitations/close-invitations.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { MailParams } from "../mail/templates.ts";
import type { ChangedMember } from "./change-role.ts";
import { endCredentialsOf } from "./credentials-of-member.ts";
import { keepingAnOwner, lockStandings, othersWhoOwn } from "./lock-standings.ts";
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
    const params = { orgName: orgName ?? "", when: realNow, former: target.role, ended: credentials.length };
    await tell(w, deps, target, leaves ? null : (actor ?? null), params);
    return ok({ member: target, credentials, invitations: closed });
  });
  return keepingAnOwner(change);
}

/**
 * Whoever is gone; and those who are owners now, when nobody but the person themselves had a part in it.
 * @param by who removed them; null: they left.
 */
async function tell(
  w: OrgWriter,
  deps: MailDeps,
  { id, email }: MemberRow,
  by: MemberRow | null,
  params: Omit<MailParams["member_left"], "who" | "userId">,
): Promise<void> {
  const owners = await othersWhoOwn(w, id);
  if (by !== null) {
    await w.rows(await sealMail(deps, { kind: "removed_from_org", to: email, params: { ...params, by, owners } }));
    return;
  }
  await w.rows(await sealMail(deps, { kind: "left_org", to: email, params: { ...params, owners } }));
  const left = { ...params, who: email, userId: publicId("user", id) };
  for (const owner of owners) await w.rows(await sealMail(deps, { kind: "member_left", to: owner, params: left }));
}
