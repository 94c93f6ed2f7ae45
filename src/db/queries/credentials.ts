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
 * Arrays, because joins would be planned for a few rows: of a chain of thirty thousand each would be compared with each.
 */
export const endWhatCameOf = (keyId: string, realNow: Instant): Statement => ({
  name: "credentials.end_what_came_of",
  text: `with recursive came as (
      select $1::uuid as id union
        select u.id from came c cross join unnest(array(select k.id from api_keys k where ${inOrg("k")} and k.made_by = c.id)) u (id)),
    keys as (update api_keys k set revoked_at = $2 where ${inOrg("k")} and k.revoked_at is null and k.id <> $1
      and (k.expires_at is null or k.expires_at > $2) and k.id = any (array(select c.id from came c)) returning k.id, k.name),
    issuers as (update token_issuers i set revoked_at = $2, sealed = null where ${inOrg("i")} and i.revoked_at is null
      and (i.key_set_by = any (array(select c.id from came c)) or i.issuer_set_by = any (array(select c.id from came c))
        or i.subjects_set_by = any (array(select c.id from came c))) returning i.id, i.name)
    select 'api_key' as kind, k.id, k.name from keys k union all select 'token_issuer', i.id, i.name from issuers i order by 2`,
  params: [keyId, realNow],
});

/** Whether the org has so many API keys that work. */
export const keysReach = (count: number, realNow: Instant): Statement => ({
  name: "credentials.keys_reach",
  text: `select 1 as reached from api_keys k where ${inOrg("k")} and k.revoked_at is null and (k.expires_at is null or k.expires_at > $1)
    offset $2::integer - 1 limit 1`,
  params: [realNow, count],
});

/** Whether the org has so many token issuers that work. */
export const issuersReach = (count: number, realNow: Instant): Statement => ({
  name: "credentials.issuers_reach",
  text: `select 1 as reached from token_issuers i where ${inOrg("i")} and i.revoked_at is null and (i.expires_at is null or i.expires_at > $1)
    offset $2::integer - 1 limit 1`,
  params: [realNow, count],
});
