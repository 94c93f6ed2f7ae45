import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Statement } from "../transport.ts";

export interface NewLink {
  readonly email: string;
  readonly verifierHash: Uint8Array;
  readonly tokenHash: Uint8Array;
  readonly relayHash: Uint8Array;
  readonly nextPath: string | null;
  readonly now: Instant;
  readonly minutes: number;
}
/** In place of the one that the same browser asked for before, for the same address. */
export const putLink = (link: NewLink): Statement => ({
  name: "sign_in.put_link",
  text: `insert into sign_in_links (email, verifier_hash, token_hash, relay_hash, next_path, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $6::timestamptz + make_interval(mins => $7))
    on conflict (email, verifier_hash) do update set token_hash = excluded.token_hash, relay_hash = excluded.relay_hash, relay_tries = 0,
      next_path = excluded.next_path, created_at = excluded.created_at, expires_at = excluded.expires_at, consumed_at = null`,
  params: [
    link.email,
    byteaText(link.verifierHash),
    byteaText(link.tokenHash),
    byteaText(link.relayHash),
    link.nextPath,
    link.now,
    link.minutes,
  ],
});

const forgottenMax = 20;
/** What ended a day ago, a few at a time: each who asks sweeps more than they leave behind. */
export const forgetSignIns = (now: Instant): Statement[] => [
  {
    name: "sign_in.forget_links",
    text: `delete from sign_in_links l using (select o.token_hash from sign_in_links o where o.expires_at < $1::timestamptz - interval '1 day'
      order by o.expires_at limit ${forgottenMax} for update skip locked) o where l.token_hash = o.token_hash`,
    params: [now],
  },
  {
    name: "sign_in.forget_failures",
    text: `delete from sign_in_failures f using (select o.email from sign_in_failures o where o.last_at < $1::timestamptz - interval '1 day'
      order by o.last_at limit ${forgottenMax} for update skip locked) o where f.email = o.email`,
    params: [now],
  },
];

export interface LinkRow {
  readonly email: string;
  readonly live: boolean;
  /** Asked for by this very browser. */
  readonly mine: boolean;
}
/** Reads alone. @param verifierHash null: the browser asked for none. */
export const linkByToken = (tokenHash: Uint8Array, verifierHash: Uint8Array | null, now: Instant): Statement => ({
  name: "sign_in.link_by_token",
  text: `select l.email, l.consumed_at is null and l.expires_at > $3 as live, coalesce(l.verifier_hash = $2, false) as mine
    from sign_in_links l where l.token_hash = $1`,
  params: [byteaText(tokenHash), verifierHash === null ? null : byteaText(verifierHash), now],
});

export interface UsedLink {
  readonly email: string;
  readonly next_path: string | null;
}
/** Of however many that come at once, one gets the row. */
export const consumeLink = (tokenHash: Uint8Array, verifierHash: Uint8Array, now: Instant): Statement => ({
  name: "sign_in.consume_link",
  text: `update sign_in_links l set consumed_at = $3
    where l.token_hash = $1 and l.verifier_hash = $2 and l.consumed_at is null and l.expires_at > $3 returning l.email, l.next_path`,
  params: [byteaText(tokenHash), byteaText(verifierHash), now],
});

const relayTriesMax = 5;
/**
 * Counts a try on each live link of the browser and consumes the one whose code it is, in one statement: however many guesses
 * come at once, no more than five are ever compared.
 */
export const tryRelayCode = (verifierHash: Uint8Array, relayHash: Uint8Array, now: Instant): Statement => ({
  name: "sign_in.try_relay_code",
  text: `update sign_in_links l set relay_tries = l.relay_tries + 1, consumed_at = case when l.relay_hash = $2 then $3::timestamptz end
    where l.verifier_hash = $1 and l.consumed_at is null and l.expires_at > $3 and l.relay_tries < ${relayTriesMax}
    returning l.email, l.next_path, l.consumed_at is not null as used`,
  params: [byteaText(verifierHash), byteaText(relayHash), now],
});

export interface Admission {
  readonly user_id: string;
  readonly is_new: boolean;
  readonly disabled: boolean;
  readonly device_id: string;
  readonly device_is_new: boolean;
  readonly country_is_new: boolean;
}
export interface Admitted {
  readonly userId: string;
  readonly deviceId: string;
  readonly email: string;
  readonly deviceHash: Uint8Array;
  readonly country: string | null;
  readonly now: Instant;
}
/** @param one `userId` and `deviceId` are what they are called if they are new. */
export const admitPerson = (one: Admitted): Statement => ({
  name: "app.admit_person",
  text: "select * from app.admit_person($1, $2, $3, $4, $5, $6)",
  params: [one.userId, one.deviceId, one.email, byteaText(one.deviceHash), one.country, one.now],
});

/**
 * Whether a browser has signed in as the address before, or as anybody (null), with the second factor of who has one: whoever
 * reads a person's mail has as many browsers as they like that did no more than open its links. Asked by the browser's own
 * secret, of which there is no guessing.
 */
export const isKnownDevice = (email: string | null, deviceHash: Uint8Array): Statement => ({
  name: "sign_in.is_known_device",
  text: `select exists (select 1 from known_devices d join users u on u.id = d.user_id where d.device_hash = $1 and ($2::text is null or u.email = $2)
      and (d.factor_at is not null or not app.has_factor(u.id))) as known`,
  params: [byteaText(deviceHash), email],
});

const many = { failures: 10, windowSeconds: 900, quietSeconds: 3600 } as const;
/** Answers `alert` when someone is to be told, and whose account it is, if it is one. */
export const noteSignInFailure = (email: string, now: Instant): Statement => ({
  name: "app.note_sign_in_failure",
  text: "select alert, user_id from app.note_sign_in_failure($1, $2, $3, $4, $5)",
  params: [email, now, many.failures, many.windowSeconds, many.quietSeconds],
});

/** The session that the browser had before it signed in again, if the token that it sent is that session's. */
export const endReplacedSession = (sessionId: string, hash: Uint8Array, now: Instant): Statement => ({
  name: "sign_in.end_replaced_session",
  text: `update sessions s set ended_at = $3, ended_why = 'replaced' where s.id = $1 and s.ended_at is null
    and (s.secret_hash = $2 or (s.previous_hash = $2 and s.previous_until > $3)) returning s.id`,
  params: [sessionId, byteaText(hash), now],
});
