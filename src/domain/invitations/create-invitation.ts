import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { invitedSince, lockMembers, type MemberRow, memberByAddress, membersById } from "../../db/queries/members.ts";
import { invitedLately, type InvitedLatelyRow } from "../../db/queries/users.ts";
import { invitations } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";
import { mintInvitation } from "../../lib/invitation-token.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Role } from "../access/operations.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import { mayChange } from "../members/may-change.ts";

export type InvitationRow = typeof invitations.$inferSelect;
/** How many invitations there may be in any window of that many seconds. */
export interface InvitationLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}
/**
 * What may be sent to people who have not asked for it: by an org, and over all orgs to one address and by one person. Of the
 * latter two an invitation that was accepted counts no more: it was welcome.
 */
export type InvitationLimits = Readonly<Record<"address" | "inviter" | "org", InvitationLimit>>;
export type InvitationRefusal =
  | "role_too_low"
  | "replaces_higher"
  | "already_member"
  | { readonly full: keyof InvitationLimits; readonly until: Instant };
export interface InvitationDeps extends MailDeps {
  random(bytes: number): Uint8Array;
  readonly limits: InvitationLimits;
}

const daysOpen = 7;

/**
 * Invites an address, by a mail that commits with it. One is open per address: inviting again replaces the one before, whose
 * link then leads nowhere. What the inviter may give is asked again when it is accepted.
 */
export async function createInvitation(
  org: OrgDb,
  deps: InvitationDeps,
  wanted: { readonly email: string; readonly role: Role },
  realNow: Instant,
): Promise<Result<InvitationRow, InvitationRefusal>> {
  const { sponsorId, orgName } = await org.bound();
  const id = org.newId();
  const entry = { action: "invitation.created", subject: publicId("invitation", id), facts: { role: wanted.role } } as const;
  return org.change(entry, async (w) => {
    await w.rows(lockMembers());
    const [inviter] = await w.rows<MemberRow>(membersById(sponsorId === null ? [] : [sponsorId]));
    const refusal = await refusalOf(w, deps.limits, inviter, wanted, realNow);
    if (refusal !== null || inviter === undefined) {
      w.withdrawEntry();
      return refuse(refusal ?? "role_too_low");
    }
    // One that has expired by itself is closed, so that its place is free, and has ended before.
    const closed = await w.update(invitations, openOf(wanted.email), { revokedAt: realNow });
    const replaced = closed.filter((one) => one.expiresAt > realNow);
    const replaces = replaced.map((one) => publicId("invitation", one.id)).toSorted();
    w.note({ replaces });
    for (const subject of replaces) w.also({ action: "invitation.revoked", subject, facts: { why: "another took its place" } });
    const { clear, hash } = mintInvitation((bytes) => deps.random(bytes));
    const expiresAt = addSeconds(realNow, daysOpen * daySeconds);
    const row = await w.insert(invitations, {
      ...wanted,
      id,
      tokenHash: hash,
      invitedBy: inviter.id,
      createdAt: realNow,
      expiresAt,
    });
    // Behind the hash sign: no server on the way gets it, nor does a log.
    const url = `${deps.publicOrigin}/auth/invitation#${clear}`;
    const params = { orgName: orgName ?? "", inviter, role: wanted.role, url, days: daysOpen };
    await w.rows(await sealMail(deps, { kind: "invitation", to: wanted.email, params, askedBy: inviter.id }));
    return ok(row);
  });
}

async function refusalOf(
  w: OrgWriter,
  limits: InvitationLimits,
  inviter: MemberRow | undefined,
  { email, role }: { readonly email: string; readonly role: Role },
  realNow: Instant,
): Promise<InvitationRefusal | null> {
  if (inviter === undefined || !mayChange(inviter.role, null, role)) return "role_too_low";
  if ((await w.rows<MemberRow>(memberByAddress(email))).length > 0) return "already_member";
  // It would end one that only others may give.
  const [open] = await w.find(invitations, openOf(email), { limit: 1 });
  if (open !== undefined && open.expiresAt > realNow && !mayChange(inviter.role, null, open.role)) return "replaces_higher";
  return fullOf(w, limits, email, inviter.id, realNow);
}

/**
 * The quota that is used up, or the one of several that is for longest. An address that other orgs invite is answered as one that
 * this org invites: who else does it, and whether it is known here, is nobody's business.
 */
async function fullOf(
  w: OrgWriter,
  { address, inviter, org }: InvitationLimits,
  email: string,
  userId: string,
  realNow: Instant,
): Promise<InvitationRefusal | null> {
  const since = ({ windowSeconds }: InvitationLimit) => addSeconds(realNow, -windowSeconds);
  const to = { email, since: since(address), max: address.limit };
  const [anywhere] = await w.rows<InvitedLatelyRow>(invitedLately(to, { userId, since: since(inviter), max: inviter.limit }));
  const [here] = await w.rows<{ at: Instant }>(invitedSince(since(org), org.limit));
  const ends = (at: Instant | null | undefined, { windowSeconds }: InvitationLimit) =>
    at == null ? null : addSeconds(at, windowSeconds);
  const full = [
    { full: "address", until: ends(anywhere?.to_address_at, address) },
    { full: "org", until: ends(here?.at, org) },
    { full: "inviter", until: ends(anywhere?.by_user_at, inviter) },
  ] as const;
  let longest: InvitationRefusal | null = null;
  for (const { full: quota, until } of full)
    if (until !== null && (longest === null || until > longest.until)) longest = { full: quota, until };
  return longest;
}

/** Whichever is open of the address, expired or not. */
function openOf(email: string) {
  const ofAddress = eq(invitations.email, email);
  return and(ofAddress, isNull(invitations.acceptedAt), isNull(invitations.revokedAt)) ?? ofAddress;
}
