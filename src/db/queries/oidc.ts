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
export const insertFlow = (flow: Flow, now: Instant, lifeSeconds: number): Statement => ({
  name: "oidc.insert_flow",
  text: `with swept as (
      delete from oidc_flows f where f.state_hash in (
        select x.state_hash from oidc_flows x where x.expires_at < $4::timestamptz - interval '1 day' order by x.expires_at limit ${sweptMax} for update skip locked))
    insert into oidc_flows (state_hash, browser_hash, provider, created_at, expires_at)
      values ($1, $2, $3, $4, $4::timestamptz + make_interval(secs => $5))`,
  params: [byteaText(flow.stateHash), byteaText(flow.browserHash), flow.provider, now, lifeSeconds],
});

/** A row for one caller at most, ever: of those that come at once the others wait, and find it used. */
export const useFlow = (flow: Flow, now: Instant): Statement => ({
  name: "oidc.use_flow",
  text: `update oidc_flows f set used_at = $4 where f.state_hash = $1 and f.browser_hash = $2 and f.provider = $3
      and f.used_at is null and f.expires_at > $4 returning f.provider`,
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

export interface BoundIdentity {
  readonly user_id: string;
  readonly is_new: boolean;
}
/** Whose the account is from now on: the user's, or whose another request has made it at the same time. */
export const bindIdentity = (key: IdentityKey, userId: string, now: Instant): Statement => ({
  name: "oidc.bind_identity",
  text: `insert into oidc_identities as i (provider, issuer, subject, user_id, created_at, last_used_at) values ($1, $2, $3, $4, $5, $5)
    on conflict (provider, issuer, subject) do update set last_used_at = excluded.last_used_at returning i.user_id, i.xmax = 0 as is_new`,
  params: [key.provider, key.issuer, key.subject, userId, now],
});
