import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import type { MemberRow } from "../../db/queries/members.ts";
import { dueForRotation } from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { closeInvitationsOf } from "../invitations/close-invitations.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import { lockStandings, othersWhoOwn } from "./lock-standings.ts";

type Refusal = "member_unknown" | "role_too_low" | "already_owner" | "member_disabled";

interface NewOwner {
  readonly member: MemberRow;
  /** Public ids of the open invitations that the former owner gave and may give no more: revoked. */
  readonly invitations: readonly string[];
}

/** Hands ownership on: the member becomes an owner, who asks an admin, in one transaction. Both are told by mail. */
export async function makeOwner(
  org: OrgDb,
  deps: MailDeps,
  userId: string,
  realNow: Instant,
): Promise<Result<NewOwner, Refusal>> {
  const { sponsorId, orgName } = await org.bound();
  const [to, from] = [publicId("user", userId), publicId("user", sponsorId ?? userId)];
  const entry = { action: "org.ownership_transferred", subject: to, facts: { former: from } } as const;
  return org.change(entry, async (w) => {
    const refused = (refusal: Refusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const { actor, target } = await lockStandings(w, sponsorId, userId);
    if (actor?.role !== "owner") return refused("role_too_low");
    if (target === undefined) return refused("member_unknown");
    if (target.role === "owner") return refused("already_owner");
    if (target.disabled) return refused("member_disabled");
    const changes = [
      { one: target, role: "owner", by: actor },
      { one: actor, role: "admin", by: null },
    ] as const;
    for (const { one, role } of changes) {
      await w.update(memberships, eq(memberships.userId, one.id), { role });
      w.also({ action: "member.role_changed", subject: publicId("user", one.id), facts: { from: one.role, to: role } });
    }
    for (const { one, role: to, by } of changes) {
      const params = { orgName: orgName ?? "", when: realNow, former: one.role, by, to, owners: await othersWhoOwn(w, one.id) };
      await w.rows(await sealMail(deps, { kind: "role_changed", to: one.email, params }));
    }
    await w.rows(dueForRotation([target.id, actor.id]));
    const closed = await closeInvitationsOf(w, actor.id, "admin", realNow);
    // Of keys and tokens nothing: no scope takes an owner.
    return ok({ member: { ...target, role: "owner" }, invitations: closed });
  });
}
