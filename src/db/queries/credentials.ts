import type { Instant } from "../../lib/instant.ts";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface EndedRow {
  readonly kind: "api_key" | "token_issuer";
  readonly id: string;
  readonly name: string;
}
/**
 * Ends what came of a key and works: keys that it made or rotated something into, issuers whose key, `iss` or subjects it
 * was the last to set; what came of those; and so on, also by way of what has ended. An issuer that has run out may hold a secret.
 * Nothing here may become a join, which would be planned for a few rows: of a chain of thirty thousand each would be compared
 * with each. An array is followed by the index, and what is asked inside of an expression is hashed.
 */
export const endWhatCameOf = (keyId: string, realNow: Instant): Statement => ({
  name: "credentials.end_what_came_of",
  text: `with recursive came as (
      select $1::uuid as id union
        select u.id from came c cross join unnest(array(select k.id from api_keys k where ${inOrg("k")} and k.made_by = c.id)) u (id)),
    keys as (update api_keys k set revoked_at = $2 where ${inOrg("k")} and k.revoked_at is null and k.id <> $1
      and (k.expires_at is null or k.expires_at > $2) and coalesce(k.id in (select c.id from came c), false) returning k.id, k.name),
    issuers as (update token_issuers i set revoked_at = $2, sealed = null where ${inOrg("i")} and i.revoked_at is null
      and (i.key_set_by in (select c.id from came c) or i.issuer_set_by in (select c.id from came c)
        or i.subjects_set_by in (select c.id from came c)) returning i.id, i.name)
    select 'api_key' as kind, k.id, k.name from keys k union all select 'token_issuer', i.id, i.name from issuers i order by 2`,
  params: [keyId, realNow],
});

/** Whether the org has so many API keys that work, or were made since then; null: that work. */
export const keysReach = (count: number, since: Instant | null, realNow: Instant): Statement => ({
  name: "credentials.keys_reach",
  text: `select 1 as reached where (select count(*) from api_keys k where ${inOrg("k")}
      and (k.created_at > $2::timestamptz or (k.revoked_at is null and (k.expires_at is null or k.expires_at > $1)))) >= $3`,
  params: [realNow, since, count],
});

/** Whether the org has so many token issuers that are not revoked, or were made since then; null: that are not revoked. */
export const issuersReach = (count: number, since: Instant | null): Statement => ({
  name: "credentials.issuers_reach",
  text: `select 1 as reached where (select count(*) from token_issuers i where ${inOrg("i")}
      and (i.created_at > $1::timestamptz or i.revoked_at is null)) >= $2`,
  params: [since, count],
});
