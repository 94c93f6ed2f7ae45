import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Statement } from "../transport.ts";

export interface PersonRow {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly created_at: string;
}
export const personById = (userId: string): Statement => ({
  name: "users.by_id",
  text: "select u.id, u.email, u.name, app.rfc3339(u.created_at) as created_at from users u where u.id = $1",
  params: [userId],
});

/** No row when they are called so already. Null: they have none. */
export const namePerson = (userId: string, name: string | null): Statement => ({
  name: "users.name_person",
  text: "update users u set name = $2 where u.id = $1 and u.name is distinct from $2 and (select app.org()) is not null returning u.id",
  params: [userId, name],
});
/** What another says of them is their name only where they have none. */
export const nameUnnamed = (userId: string, name: string): Statement => ({
  name: "users.name_unnamed",
  text: "update users u set name = $2 where u.id = $1 and u.name is null and (select app.org()) is not null returning u.id",
  params: [userId, name],
});

export interface OrgOfPersonRow {
  readonly org_id: string;
  readonly role: string;
  readonly name: string;
  readonly livemode: boolean;
}
export const orgsOfPerson = (userId: string, orgsMax: number): Statement => ({
  name: "door.user_orgs",
  text: "select org_id, role, name, livemode from door.user_orgs($1, $2)",
  params: [userId, orgsMax],
});

export interface InvitedLatelyRow {
  /** When the invitations of the window were that many that one more is too many; null when they are fewer. */
  readonly to_address_at: Instant | null;
  readonly by_user_at: Instant | null;
}
/** Of a window's beginning and how many invitations it may hold, to one address and by one person, whatever org they are of. */
export const invitedLately = (
  to: { readonly email: string; readonly since: Instant; readonly max: number },
  by: { readonly userId: string; readonly since: Instant; readonly max: number },
): Statement => ({
  name: "door.invited_lately",
  text: "select to_address_at, by_user_at from door.invited_lately($1, $2, $3, $4, $5, $6)",
  params: [to.email, by.userId, to.since, to.max, by.since, by.max],
});

export interface SessionRow {
  readonly id: string;
  readonly method: string;
  readonly stage: "factor_due" | "open";
  readonly country: string | null;
  readonly user_agent: string | null;
  readonly created_at: Instant;
  readonly last_seen_at: Instant;
  readonly ends_at: Instant;
}
const sessionColumns = "s.id, s.method, s.stage, s.country, s.user_agent, s.created_at, s.last_seen_at, s.ends_at";
const isLive = (now: string) =>
  `s.ended_at is null and s.ends_at > ${now} and s.last_seen_at > ${now} - make_interval(secs => s.idle_seconds)`;

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly hash: Uint8Array;
  readonly method: "link" | "google" | "microsoft" | "passkey";
  readonly deviceId: string | null;
  readonly country: string | null;
  readonly userAgent: string | null;
  readonly now: Instant;
  readonly lifeSeconds: number;
  readonly idleSeconds: number;
}
/** A passkey is both factors; after another method whoever has a second factor shows it first. */
export const insertSession = (one: NewSession): Statement => ({
  name: "users.insert_session",
  text: `with proven as (update known_devices d set factor_at = $8 where $4 = 'passkey' and d.id = $5 and d.user_id = $2)
    insert into sessions as s (id, user_id, secret_hash, method, stage, factor_at, device_id, country, user_agent, created_at, last_seen_at, ends_at, idle_seconds)
    values ($1, $2, $3, $4, case when $4 <> 'passkey' and app.has_factor($2) then 'factor_due' else 'open' end,
      case when $4 = 'passkey' then $8::timestamptz end, $5, $6, $7, $8, $8, $8::timestamptz + make_interval(secs => $9), $10)
    returning ${sessionColumns}`,
  params: [
    one.id,
    one.userId,
    byteaText(one.hash),
    one.method,
    one.deviceId,
    one.country,
    one.userAgent,
    one.now,
    one.lifeSeconds,
    one.idleSeconds,
  ],
});

export const sessionById = (id: string): Statement => ({
  name: "users.session_by_id",
  text: `select ${sessionColumns} from sessions s where s.id = $1`,
  params: [id],
});

/** Newest first, as their ids are. */
export const liveSessions = (userId: string, after: string | null, rowsMax: number, now: Instant): Statement => ({
  name: "users.live_sessions",
  text: `select ${sessionColumns} from sessions s where s.user_id = $1 and ${isLive("$2::timestamptz")}
    and ($3::uuid is null or s.id < $3::uuid) order by s.id desc limit $4`,
  params: [userId, now, after, rowsMax],
});

export const endSession = (userId: string, id: string, why: string, now: Instant): Statement => ({
  name: "users.end_session",
  text: `update sessions s set ended_at = $4, ended_why = $3 where s.user_id = $1 and s.id = $2 and s.ended_at is null
    returning ${sessionColumns}`,
  params: [userId, id, why, now],
});
/** All of the person's sessions but one. Those that have run out without being ended are ended and not answered. */
export const endOtherSessions = (userId: string, kept: string, why: string, now: Instant): Statement => ({
  name: "users.end_other_sessions",
  text: `with others as (select s.id, ${isLive("$4::timestamptz")} as is_live from sessions s
        where s.user_id = $1 and s.id <> $2 and s.ended_at is null order by s.id for no key update),
      ended as (update sessions s set ended_at = $4, ended_why = $3 from others o where s.id = o.id returning ${sessionColumns}, o.is_live)
    select ${sessionColumns} from ended s where s.is_live order by s.created_at desc, s.id`,
  params: [userId, kept, why, now],
});

const overlapSeconds = 10;
/**
 * The session goes on under another token; `factor`: and has shown a second factor now. Then the token of before ends at once,
 * because it must not become worth more than it was; otherwise requests that are under way with it are answered for some seconds.
 * Sessions are of no org, so that nothing but this predicate keeps a binding that was refused from having renewed one.
 */
export const rotateSession = (
  session: { readonly id: string; readonly hash: Uint8Array },
  now: Instant,
  factor: boolean,
): Statement => ({
  name: "users.rotate_session",
  text: `update sessions s set previous_hash = case when $4 then null else s.secret_hash end,
      previous_until = $3::timestamptz + make_interval(secs => ${overlapSeconds}),
      secret_hash = $2, rotation_due = false, stage = case when $4 then 'open' else s.stage end, factor_at = case when $4 then $3 else s.factor_at end,
      factor_failures = case when $4 then 0 else s.factor_failures end
    where s.id = $1 and s.ended_at is null and (s.rotation_due or $4) and (select app.org()) is not null returning ${sessionColumns}`,
  params: [session.id, byteaText(session.hash), now, factor],
});

/** Takes what is to be told of a session that is used from another country. No row when another request has taken it. */
export const takeUntoldCountry = (sessionId: string): Statement => ({
  name: "users.take_untold_country",
  text: `update sessions s set country_untold = false where s.id = $1 and s.country_untold returning s.country, s.user_agent`,
  params: [sessionId],
});

/**
 * The people themselves, held until the transaction ends: before any of their sessions and factors, of which whoever holds
 * someone can then take several in whatever order.
 */
const holding = (which: string): string =>
  `array(select u.id from users u where u.id = ${which} order by u.id for no key update)`;

/** The person shows a second factor again in every session before they touch what takes one. Null: nobody, in the same time. */
export const demandFactorAgain = (userId: string | null): Statement => ({
  name: "users.demand_factor_again",
  text: `update sessions s set factor_at = null where s.id in (
      select o.id from sessions o where o.user_id = any (${holding("$1")}) and o.ended_at is null and o.factor_at is not null order by o.id for no key update)`,
  params: [userId],
});

/** After a change of what they may: each of these people's sessions goes on under another token. */
export const dueForRotation = (userIds: readonly string[]): Statement => ({
  name: "users.due_for_rotation",
  text: `update sessions s set rotation_due = true where s.id in (
      select o.id from sessions o where o.user_id = any (${holding("any ($1::uuid[])")}) and o.ended_at is null order by o.id for no key update)`,
  params: [userIds],
});
