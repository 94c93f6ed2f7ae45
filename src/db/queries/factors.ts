import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Statement } from "../transport.ts";

export interface FactorsRow {
  readonly passkeys: number;
  readonly totp_confirmed_at: Instant | null;
  readonly recovery_codes_left: number;
}
export const factorsOf = (userId: string): Statement => ({
  name: "factors.of_person",
  text: `select (select count(*) from passkeys p where p.user_id = $1)::integer as passkeys,
      (select t.confirmed_at from totp_factors t where t.user_id = $1) as totp_confirmed_at,
      (select count(*) from recovery_codes c where c.user_id = $1 and c.used_at is null)::integer as recovery_codes_left`,
  params: [userId],
});

/** Why this session may not add a factor: `factor_missing`, `session_old`, or null. In a transaction it holds the person. */
export const addingRefused = (userId: string, sessionId: string, now: Instant, recentSeconds: number): Statement => ({
  name: "factors.adding_refused",
  text: "select app.adding_refused($1, $2, $3, $4) as refusal",
  params: [userId, sessionId, now, recentSeconds],
});

/** No row when the session goes on under another token meanwhile: of two factors that are shown at once in it, one counts. */
export const holdSession = (session: { readonly id: string; readonly hash: Uint8Array }, now: Instant): Statement => ({
  name: "factors.hold_session",
  text: `select s.id from sessions s where s.id = $1 and s.ended_at is null
      and (s.secret_hash = $2 or (s.previous_hash = $2 and s.previous_until > $3)) for no key update`,
  params: [session.id, byteaText(session.hash), now],
});

/**
 * With the person's first factor, which has just been added in this transaction, their other sessions wait for it: whoever is in
 * one of them has shown nothing but that they read the person's mail. No row after a further factor.
 */
export const closeOtherSessions = (userId: string, sessionId: string): Statement => ({
  name: "factors.close_other_sessions",
  text: `update sessions s set stage = 'factor_due', factor_at = null where s.id in (
      select o.id from sessions o where o.user_id = $1 and o.id <> $2 and o.ended_at is null order by o.id for no key update)
    and (select count(*) from passkeys p where p.user_id = $1)
      + (select count(*) from totp_factors t where t.user_id = $1 and t.confirmed_at is not null) = 1
    returning s.id`,
  params: [userId, sessionId],
});

/** A factor was shown in this session: from now on its browser is known for more than reading the person's mail. */
export const noteProvenDevice = (sessionId: string, now: Instant): Statement => ({
  name: "factors.note_proven_device",
  text: `update known_devices d set factor_at = $2 from sessions s where s.id = $1 and d.id = s.device_id and d.user_id = s.user_id`,
  params: [sessionId, now],
});
/** Whether the session is open, or waits for a factor in a browser in which its person has shown one before. */
export const isProvenSession = (sessionId: string): Statement => ({
  name: "factors.is_proven_session",
  text: `select exists (select 1 from sessions s where s.id = $1 and (s.stage = 'open' or exists (
      select 1 from known_devices d where d.id = s.device_id and d.factor_at is not null))) as proven`,
  params: [sessionId],
});

export interface FailuresRow {
  readonly factor_failures: number;
}
/** One more in this session, which ends with the `failuresMax`th. */
export const noteFailure = (sessionId: string, failuresMax: number, now: Instant): Statement => ({
  name: "factors.note_failure",
  text: `update sessions s set factor_failures = s.factor_failures + 1,
      ended_at = case when s.factor_failures + 1 >= $2 then $3::timestamptz end, ended_why = case when s.factor_failures + 1 >= $2 then 'factor_failures' end
    where s.id = $1 and s.ended_at is null returning s.factor_failures`,
  params: [sessionId, failuresMax, now],
});

/** @param passkeyId null: the authenticator. */
export const removeFactor = (userId: string, sessionId: string, passkeyId: string | null, now: Instant): Statement => ({
  name: "app.remove_factor",
  text: "select removed, was_last, waiting from app.remove_factor($1, $2, $3, $4)",
  params: [userId, sessionId, passkeyId, now],
});
export interface RemovedRow {
  readonly removed: boolean;
  readonly was_last: boolean;
  /** How many other sessions wait for a factor that is left. */
  readonly waiting: number;
}

// ------------------------------------------------------------------------------------------------- passkeys

export interface PasskeyRow {
  readonly id: string;
  readonly credential_id: Uint8Array;
  readonly transports: readonly string[];
  readonly name: string;
  readonly backed_up: boolean;
  readonly created_at: Instant;
  readonly last_used_at: Instant | null;
}
const passkeyColumns = "p.id, p.credential_id, p.transports, p.name, p.backed_up, p.created_at, p.last_used_at";
export const passkeysOf = (userId: string): Statement => ({
  name: "factors.passkeys_of_person",
  text: `select ${passkeyColumns} from passkeys p where p.user_id = $1 order by p.id desc limit 100`,
  params: [userId],
});

export interface NewPasskey {
  readonly id: string;
  readonly userId: string;
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
}
/** No row when someone has it already. */
export const insertPasskey = (one: NewPasskey, now: Instant): Statement => ({
  name: "factors.insert_passkey",
  text: `insert into passkeys as p (id, user_id, credential_id, public_key, counter, transports, name, backup_eligible, backed_up, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (credential_id) do nothing returning ${passkeyColumns}`,
  params: [
    one.id,
    one.userId,
    byteaText(one.credentialId),
    byteaText(one.publicKey),
    one.counter,
    [...one.transports],
    one.name,
    one.backupEligible,
    one.backedUp,
    now,
  ],
});

export const renamePasskey = (userId: string, id: string, name: string): Statement => ({
  name: "factors.rename_passkey",
  text: `update passkeys p set name = $3 where p.id = $2 and p.user_id = $1 and (select app.org()) is not null returning ${passkeyColumns}`,
  params: [userId, id, name],
});

export interface KnownPasskey {
  readonly id: string;
  readonly user_id: string;
  readonly email: string;
  readonly public_key: Uint8Array<ArrayBuffer>;
  readonly backup_eligible: boolean;
}
/** @param ofUser whose it must be; null: it says who is there. */
export const passkeyByCredential = (credentialId: Uint8Array, ofUser: string | null): Statement => ({
  name: "factors.passkey_by_credential",
  text: `select p.id, p.user_id, u.email, p.public_key, p.backup_eligible
    from passkeys p join users u on u.id = p.user_id and u.disabled_at is null where p.credential_id = $1 and ($2::uuid is null or p.user_id = $2)`,
  params: [byteaText(credentialId), ofUser],
});

/**
 * No row when its counter has not gone up, as another copy of it was used since (WebAuthn Level 3, 6.1.1), or when it is gone.
 * Passkeys that are copied between devices do not count, and say 0 always.
 */
export const countUse = (passkeyId: string, counter: number, backedUp: boolean, now: Instant): Statement => ({
  name: "factors.count_use",
  text: `update passkeys p set counter = $2::bigint, backed_up = $3, last_used_at = $4
    where p.id = $1 and ($2::bigint > p.counter or ($2::bigint = 0 and p.counter = 0)) returning p.id`,
  params: [passkeyId, counter, backedUp, now],
});

/** Asked by who holds its person. */
export const passkeyIsThere = (passkeyId: string): Statement => ({
  name: "factors.passkey_is_there",
  text: "select p.id from passkeys p where p.id = $1",
  params: [passkeyId],
});

/** No row when it was used before. Sweeps some that nobody could use any more. */
export const useChallenge = (challenge: { readonly digest: Uint8Array; readonly endsAt: Instant }, now: Instant): Statement => ({
  name: "factors.use_challenge",
  text: `with swept as (delete from webauthn_challenges c where c.digest in (
      select w.digest from webauthn_challenges w where w.ends_at < $3::timestamptz - interval '10 minutes' order by w.ends_at limit 20 for update skip locked))
    insert into webauthn_challenges (digest, ends_at, used_at) values ($1, $2, $3) on conflict (digest) do nothing returning digest`,
  params: [byteaText(challenge.digest), challenge.endsAt, now],
  bookkeeping: true,
});

// ----------------------------------------------------------------------------------------- an authenticator's codes

export interface TotpRow {
  readonly id: string;
  readonly sealed: unknown;
  readonly created_at: Instant;
  readonly confirmed_at: Instant | null;
}
export const totpOf = (userId: string): Statement => ({
  name: "factors.totp_of_person",
  text: "select t.id, t.sealed, t.created_at, t.confirmed_at from totp_factors t where t.user_id = $1",
  params: [userId],
});

/** In the place of one that was not confirmed. No row when one is. */
export const startTotp = (userId: string, id: string, sealed: object, now: Instant): Statement => ({
  name: "factors.start_totp",
  text: `insert into totp_factors as t (user_id, id, sealed, created_at, last_step) values ($1, $2, $3::jsonb, $4, 0)
    on conflict (user_id) do update set id = excluded.id, sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0
      where t.confirmed_at is null returning t.id`,
  params: [userId, id, JSON.stringify(sealed), now],
});

export const confirmTotp = (userId: string, id: string, step: number, now: Instant): Statement => ({
  name: "factors.confirm_totp",
  text: `update totp_factors t set confirmed_at = $4, last_step = $3 where t.user_id = $1 and t.id = $2 and t.confirmed_at is null returning t.id`,
  params: [userId, id, step, now],
});

/** Takes a step: by however many it is asked for at once, it is given to one. */
export const takeStep = (userId: string, id: string, step: number): Statement => ({
  name: "factors.take_step",
  text: `update totp_factors t set last_step = $3::bigint
    where t.user_id = $1 and t.id = $2 and t.confirmed_at is not null and t.last_step < $3::bigint returning t.id`,
  params: [userId, id, step],
});

// ---------------------------------------------------------------------------------------------- recovery codes

export const replaceRecoveryCodes = (userId: string, hashes: readonly Uint8Array[], now: Instant): Statement => ({
  name: "app.replace_recovery_codes",
  text: "select app.replace_recovery_codes($1, $2, $3)",
  params: [userId, hashes.map(byteaText), now],
});

export interface TakenCodeRow {
  readonly codes_left: number;
}
/** Takes a code, once: in the place of a factor that there is. */
export const takeRecoveryCode = (userId: string, hash: Uint8Array, now: Instant): Statement => ({
  name: "factors.take_recovery_code",
  text: `update recovery_codes c set used_at = $3 where c.user_id = $1 and c.code_hash = $2 and c.used_at is null and app.has_factor(c.user_id)
    returning (select count(*) - 1 from recovery_codes x where x.user_id = $1 and x.used_at is null)::integer as codes_left`,
  params: [userId, byteaText(hash), now],
});
