import type { OrgDb } from "../../db/org-db.ts";
import { keepKeySet, type TokenIssuerRow } from "../../db/queries/token-issuers.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { PublicJwk, TokenAlg } from "../../lib/public-jwk.ts";
import type { TokenKeys } from "../../providers/token-keys.ts";

/**
 * How old a key set may be. Until `fresh` it is used as it is. After that, or when a token names a key that is not in it, it is
 * fetched again, but not within `retry` of the last try. What cannot be fetched is used until `stale`, and then trusts nobody.
 */
export const keySetSeconds = { fresh: 600, retry: 300, stale: 3_600 } as const;

/** Fetches the set and keeps it on the issuer's row, for every isolate; an org reads in its audit log that its keys changed. */
export async function fetchKeySet(org: OrgDb, keys: TokenKeys, issuer: TokenIssuerRow, now: Instant): Promise<TokenIssuerRow> {
  const fetched = await keys.fetchKeys(issuer.alg as TokenAlg, issuer.jwks_url ?? "");
  if (!fetched.ok) {
    await org.rows(keepKeySet(issuer.id, issuer.version, now, null, fetched.refusal));
    return issuer;
  }
  const kept = keepKeySet(issuer.id, issuer.version, now, JSON.stringify(fetched.value), null);
  const before = (issuer.jwks ?? []) as readonly PublicJwk[];
  const facts = { added: idsMissing(before, fetched.value), removed: idsMissing(fetched.value, before) };
  if (facts.added.length + facts.removed.length === 0) await org.rows(kept);
  else {
    const subject = publicId("tokenIssuer", issuer.id);
    await org.change({ action: "token_issuer.keys_changed", subject, facts }, async (w) => {
      if ((await w.rows(kept)).length === 0) w.withdrawEntry();
    });
  }
  return { ...issuer, jwks: fetched.value, jwks_fetched_at: now };
}

/** Ids of keys that are not there as they are. */
function idsMissing(there: readonly PublicJwk[], of: readonly PublicJwk[]): string[] {
  const known = new Set(there.map(canonicalJson));
  return of.filter((key) => !known.has(canonicalJson(key))).flatMap(({ kid }) => kid ?? []);
}
