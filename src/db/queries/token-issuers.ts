import type { Instant } from "../../lib/instant.ts";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** An issuer as a signature is judged by it. */
export interface TokenIssuerRow {
  readonly id: string;
  readonly org_id: string;
  readonly version: number;
  readonly alg: string;
  readonly issuer: string;
  readonly subjects: readonly string[] | null;
  readonly public_key: unknown;
  readonly sealed: unknown;
  readonly jwks_url: string | null;
  readonly jwks: unknown;
  readonly jwks_fetched_at: string | null;
  /** Its key set is to be fetched now, by whoever reads this and by nobody else. */
  readonly fetch_keys: boolean;
}
/** What an unproven token says of who signed it. */
export interface AskedIssuer {
  readonly issuerId: string;
  readonly alg: string;
  readonly issuer: string;
  readonly keyId: string | null;
}
export interface KeySetAge {
  /** Fetched no longer ago than this, a set is asked for again only when it lacks the key that is wanted. */
  readonly freshSince: Instant;
  /** And never when it was last tried after this: a token that names no key of the set costs its issuer nothing. */
  readonly triedSince: Instant;
}

/**
 * A live issuer, and in the same statement the claim to fetch its keys: however many requests meet a key that is not in the
 * set, in however many places, one of them asks for it.
 */
export function readTokenIssuer(asked: AskedIssuer, now: Instant, age: KeySetAge): Statement {
  return {
    name: "token_issuers.read",
    text: `with claimed as (
        update token_issuers u set jwks_tried_at = $3 where ${inOrg("u")} and u.id = $1 and u.revoked_at is null
          and u.jwks_url is not null and u.alg = $6 and u.issuer = $7 and $2::text is not null
          and (u.jwks_fetched_at is null or u.jwks_fetched_at < $4 or not u.jwks @> jsonb_build_array(jsonb_build_object('kid', $2)))
          and (u.jwks_tried_at is null or u.jwks_tried_at < $5) returning u.id)
      select i.id, i.org_id, i.version, i.alg, i.issuer, i.subjects, i.public_key, i.sealed, i.jwks_url, i.jwks, i.jwks_fetched_at,
          exists (select from claimed c) as fetch_keys
        from token_issuers i where ${inOrg("i")} and i.id = $1 and i.revoked_at is null and (i.expires_at is null or i.expires_at > $3)`,
    params: [asked.issuerId, asked.keyId, now, age.freshSince, age.triedSince, asked.alg, asked.issuer],
  };
}

/** What a fetch came to. Of an issuer whose key was replaced meanwhile it says nothing. */
export function keepKeySet(id: string, version: number, now: Instant, keys: string | null, failure: string | null): Statement {
  return {
    name: "token_issuers.keep_keys",
    text: `update token_issuers i set jwks = coalesce($4::jsonb, i.jwks), jwks_failure = $5,
        jwks_fetched_at = case when $4::jsonb is null then i.jwks_fetched_at else $3::timestamptz end
      where ${inOrg("i")} and i.id = $1 and i.version = $2 returning i.id`,
    params: [id, version, now, keys, failure],
  };
}
