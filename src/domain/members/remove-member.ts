import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { ChangedMember } from "./change-role.ts";
import { endCredentialsOf, lockCredentialsOf } from "./credentials-of-member.ts";
import { keepingAnOwner, lockStandings } from "./lock-standings.ts";
import { mayChange } from "./may-change.ts";

type Refusal = "member_unknown" | "role_too_low" | "second_factor_missing";

/**
 * Ends a membership, from the next request on, and with it the keys and token issuers that the person answered for. Someone else's by whoever
 * may, one's own by oneself: an owner or an admin shows a second factor for either.
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
    await lockCredentialsOf(w, userId);
    const { actor, target } = await lockStandings(w, sponsorId, userId);
    if (!leaves && (actor === undefined || !mayChange(actor.role, null, null))) return refused("role_too_low");
    if (target === undefined) return refused("member_unknown");
    if (!leaves && actor !== undefined && !mayChange(actor.role, target.role, null)) return refused("role_too_low");
    if ((target.role === "owner" || target.role === "admin") && factorAt === null) return refused("second_factor_missing");
    w.note({ role: target.role });
    await w.delete(memberships, eq(memberships.userId, userId));
    const credentials = await endCredentialsOf(w, userId, realNow);
    await w.rows(dueForRotation(userId));
    if (!leaves)
      await w.rows(await sealMail(deps, { kind: "removed_from_org", to: target.email, params: { orgName: orgName ?? "" } }));
    return ok({ member: target, credentials });
  });
  return keepingAnOwner(change);
}
