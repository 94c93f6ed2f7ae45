import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Statement } from "../transport.ts";

interface Flow {
  readonly stateHash: Uint8Array;
  readonly browserHash: Uint8Array;
  readonly provider: "google" | "microsoft";
}

const sweptMax = 100;
/** Also takes away some that ended a day ago and more, so that what nobody finishes does not pile up. */
export const insertFlow = (flow: Flow, next: string | null, now: Instant, lifeSeconds: number): Statement => ({
  name: "oidc.insert_flow",
  text: `with swept as (
      delete from oidc_flows f where f.state_hash in (
        select x.state_hash from oidc_flows x where x.expires_at < $4::timestamptz - interval '1 day' order by x.expires_at limit ${sweptMax} for update skip locked))
    insert into oidc_flows (state_hash, browser_hash, provider, created_at, expires_at, next_path)
      values ($1, $2, $3, $4, $4::timestamptz + make_interval(secs => $5), $6)`,
  params: [byteaText(flow.stateHash), byteaText(flow.browserHash), flow.provider, now, lifeSeconds, next],
});

/** A row for one caller at most, ever: of those that come at once the others wait, and find it used. */
export const useFlow = (flow: Flow, now: Instant): Statement => ({
  name: "oidc.use_flow",
  text: `update oidc_flows f set used_at = $4 where f.state_hash = $1 and f.browser_hash = $2 and f.provider = $3
      and f.used_at is null and f.expires_at > $4 returning f.next_path`,
  params: [byteaText(flow.stateHash), byteaText(flow.browserHash), flow.provider, now],
});

/** Who an account at a provider is to it. */
export interface IdentityKey {
  readonly provider: "google" | "microsoft";
  readonly issuer: string;
  readonly subject: string;
}

export interface IdentityOwner {
  readonly user_id: string;
  readonly email: string;
}
/** Read without a lock: whoever signs in locks their user first, and then what is theirs. */
export const ownerOfIdentity = (key: IdentityKey): Statement => ({
  name: "oidc.owner_of_identity",
  text: `select i.user_id, u.email from oidc_identities i join users u on u.id = i.user_id
    where i.provider = $1 and i.issuer = $2 and i.subject = $3`,
  params: [key.provider, key.issuer, key.subject],
});

/** Whether whoever has the address took the account away; in a session of their own, which `held` proves, they take it back. */
export const identityIsRemoved = (
  key: IdentityKey,
  email: string,
  held: { readonly id: string; readonly hash: Uint8Array } | null,
  now: Instant,
): Statement => ({
  name: "app.identity_is_removed",
  text: "select app.identity_is_removed($1, $2, $3, $4, $5, $6, $7) as removed",
  params: [
    key.provider,
    key.issuer,
    key.subject,
    email,
    held === null ? null : held.id,
    held === null ? null : byteaText(held.hash),
    now,
  ],
});

export interface BoundIdentity {
  readonly id: string;
  readonly user_id: string;
  readonly is_new: boolean;
}
/**
 * Whose the account is from now on: the user's, or whose another request has made it at the same time. Their session says that
 * it was begun by it. @param id what it is called if it is new.
 */
export const bindIdentity = (
  id: string,
  key: IdentityKey,
  of: { userId: string; sessionId: string },
  now: Instant,
): Statement => ({
  name: "oidc.bind_identity",
  text: `with bound as (
      insert into oidc_identities as i (id, provider, issuer, subject, user_id, created_at, last_used_at) values ($1, $2, $3, $4, $5, $7, $7)
        on conflict (provider, issuer, subject) do update set last_used_at = excluded.last_used_at returning i.id, i.user_id, i.xmax = 0 as is_new),
      begun as (update sessions s set identity_id = b.id from bound b where s.id = $6 and s.user_id = b.user_id)
    select b.id, b.user_id, b.is_new from bound b`,
  params: [id, key.provider, key.issuer, key.subject, of.userId, of.sessionId, now],
});

export interface IdentityRow {
  readonly id: string;
  readonly provider: IdentityKey["provider"];
  readonly issuer: string;
  readonly created_at: Instant;
  readonly last_used_at: Instant;
}
export const identitiesOf = (userId: string, after: string | null, rowsMax: number): Statement => ({
  name: "oidc.identities_of_person",
  text: `select i.id, i.provider, i.issuer, i.created_at, i.last_used_at from oidc_identities i
    where i.user_id = $1 and ($2::uuid is null or i.id < $2::uuid) order by i.id desc limit $3`,
  params: [userId, after, rowsMax],
});

export interface RemovedIdentity {
  readonly provider: IdentityKey["provider"];
  /** The sessions that ended with it. */
  readonly ended: readonly string[];
}
/** @param sessionId the one that asks, which goes on. */
export const removeIdentity = (userId: string, id: string, sessionId: string, now: Instant): Statement => ({
  name: "app.remove_identity",
  text: "select provider, ended from app.remove_identity($1, $2, $3, $4)",
  params: [userId, id, sessionId, now],
});
