import type { Instant } from "../../lib/instant.ts";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface MemberRow {
  /** The person's. */
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly role: "owner" | "admin" | "member" | "viewer";
  readonly created_at: Instant;
  /** Their account is disabled: what they are given nobody could use, or give back. */
  readonly disabled: boolean;
  readonly second_factor: boolean;
  /** In whatever organisation. */
  readonly last_signed_in_at: Instant | null;
}
const member = `select m.user_id as id, u.email, u.name, m.role, m.created_at, u.disabled_at is not null as disabled,
    app.has_factor(u.id) as second_factor, u.last_sign_in_at as last_signed_in_at
  from memberships m join users u on u.id = m.user_id
  where ${inOrg("m")}`;

/** Newest people first: ids sort by time. */
export const membersPage = (after: string | null, limit: number): Statement => ({
  name: "members.page",
  text: `${member} and ($1::uuid is null or m.user_id < $1) order by m.user_id desc limit $2`,
  params: [after, limit],
});

export const membersById = (userIds: readonly string[]): Statement => ({
  name: "members.by_id",
  text: `${member} and m.user_id = any ($1)`,
  params: [userIds],
});

export interface AnsweringRow {
  readonly id: string;
  readonly role: MemberRow["role"];
}
/** The roles of people who answer for a machine's credential; of nobody who may nothing, because their account is disabled. */
export const answeringRoles = (userIds: readonly string[]): Statement => ({
  name: "members.answering_roles",
  text: `select m.user_id as id, m.role from memberships m join users u on u.id = m.user_id and u.disabled_at is null
    where ${inOrg("m")} and m.user_id = any ($1)`,
  params: [userIds],
});

/**
 * Before anyone's role is read to be judged by: whoever changes who is in the org waits here, so that each sees what the
 * one before it did. It is the lock that the trigger which keeps an owner takes. Who makes or changes credentials, or ends several, takes
 * it before any of their rows: a request's own use of its credential has let go of the row by then.
 */
export const lockMembers = (): Statement => ({
  name: "members.lock",
  text: `select f.facts_version from org_facts f where ${inOrg("f")} for update`,
  params: [],
});

export interface InvitedRow {
  readonly id: string;
  readonly role: MemberRow["role"];
  /** Of whoever invited them, now; null when they are gone, or their account is disabled. */
  readonly giver_role: MemberRow["role"] | null;
  /** Of the invited person, if they are a member already. */
  readonly held_role: MemberRow["role"] | null;
}
/** An invitation that holds, shown by the person whose proved address it is for. */
export const openInvitation = (tokenHash: string, userId: string, realNow: Instant): Statement => ({
  name: "members.open_invitation",
  text: `select i.id, i.role, g.role as giver_role, h.role as held_role from invitations i join users u on u.id = $2 and u.email = i.email
      left join (memberships g join users w on w.id = g.user_id and w.disabled_at is null) on ${inOrg("g")} and g.user_id = i.invited_by
      left join memberships h on ${inOrg("h")} and h.user_id = u.id
    where ${inOrg("i")} and i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $3`,
  params: [tokenHash, userId, realNow],
});

/** Of the org's invitations since then, newest first, when the last one was sent that a limit lets be; no row where there are fewer. */
export const invitedSince = (since: Instant, max: number): Statement => ({
  name: "members.invited_since",
  text: `select i.created_at as at from invitations i where ${inOrg("i")} and i.created_at > $1
    order by i.created_at desc offset $2::integer - 1 limit 1`,
  params: [since, max],
});

/** Whether the address is a member's. */
export const memberByAddress = (email: string): Statement => ({
  name: "members.by_address",
  text: `${member} and u.email = $1`,
  params: [email],
});

export interface GuestRow {
  /** The grant's. */
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
}
/** Whom each grant lets in. */
export const guestsByGrant = (grantIds: readonly string[]): Statement => ({
  name: "members.guests_by_grant",
  text: `select g.id, u.email, u.name from support_grants g join users u on u.id = g.operator_id where ${inOrg("g")} and g.id = any ($1)`,
  params: [grantIds],
});

export interface SupportActsRow {
  /** The grant's public id. */
  readonly grant: string;
  readonly requests: number;
  readonly last_at_us: number;
  readonly last_operation: string | null;
}
/** What was asked for under each grant, whether it was done or refused, as the org's own chain says it. */
export const supportActs = (grantIds: readonly string[]): Statement => ({
  name: "members.support_acts",
  text: `select p.facts_text::jsonb -> 'actor' ->> 'grant' as grant, count(*) as requests, max(e.at_us) as last_at_us,
      (array_agg(p.subject_text order by e.seq desc))[1] as last_operation
    from audit.entry e join audit.payload p on ${inOrg("p")} and p.seq = e.seq
    where ${inOrg("e")} and e.event_type in ('support.acted', 'support.refused') and p.facts_text::jsonb -> 'actor' ->> 'grant' = any ($1) group by 1`,
  params: [grantIds],
});
