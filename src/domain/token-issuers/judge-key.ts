import type { Instant } from "../../lib/instant.ts";
import {
  faultOfSecret,
  type KeyFault,
  lackingMembers,
  type PublicJwk,
  readPublicJwk,
  type TokenAlg,
} from "../../lib/public-jwk.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { KeySetFailure, TokenKeys } from "../../providers/token-keys.ts";

/** Where an issuer's key comes from, as it was asked for: exactly one of the three. */
export interface GivenKey {
  readonly publicKey?: unknown;
  readonly jwksUrl?: string | undefined;
  readonly secret?: string | undefined;
}
type IssuerKey =
  | { readonly from: "public_key"; readonly jwk: PublicJwk }
  | { readonly from: "jwks_url"; readonly url: string; readonly keys: readonly PublicJwk[] }
  | { readonly from: "secret"; readonly secret: string };
type Refused =
  | { readonly field: "key"; readonly code: "key_wanted" | "one_key_wanted" }
  | { readonly field: "public_key"; readonly code: KeyFault }
  | { readonly field: "public_key"; readonly code: "required"; readonly lacking: ReturnType<typeof lackingMembers> }
  | { readonly field: "jwks_url"; readonly code: KeySetFailure | "key_of_another_type" | "no_usable_key" }
  | { readonly field: "secret"; readonly code: "key_of_another_type" | "key_too_small" | "key_weak" | "key_malformed" };
/** With the algorithm, because what is wanted in its place is another for each. */
export type KeyRefusal = Refused & { readonly alg: TokenAlg };

export const givesKey = ({ publicKey, jwksUrl, secret }: GivenKey): boolean =>
  publicKey !== undefined || jwksUrl !== undefined || secret !== undefined;

/** The key, if the algorithm can do with it. A set by address is fetched once: what is unreachable now would refuse every token. */
export async function judgeKey(keys: TokenKeys, alg: TokenAlg, given: GivenKey): Promise<Result<IssuerKey, KeyRefusal>> {
  const judged = await judge(keys, alg, given);
  return judged.ok ? judged : refuse({ ...judged.refusal, alg });
}

async function judge(keys: TokenKeys, alg: TokenAlg, given: GivenKey): Promise<Result<IssuerKey, Refused>> {
  const { publicKey, jwksUrl, secret } = given;
  const count = [publicKey, jwksUrl, secret].filter((one) => one !== undefined).length;
  if (count !== 1) return refuse({ field: "key", code: count === 0 ? "key_wanted" : "one_key_wanted" });
  if (secret !== undefined) {
    if (alg !== "HS256") return refuse({ field: "secret", code: "key_of_another_type" });
    const fault = faultOfSecret(secret);
    return fault === null ? ok({ from: "secret", secret }) : refuse({ field: "secret", code: fault });
  }
  if (jwksUrl !== undefined) return judgeSet(keys, alg, jwksUrl);
  const jwk = readPublicJwk(alg, publicKey);
  if (!jwk.ok) return refuse(refusedJwk(alg, publicKey, jwk.refusal));
  if (!(await keys.takes(alg, jwk.value))) return refuse({ field: "public_key", code: "key_malformed" });
  return ok({ from: "public_key", jwk: jwk.value });
}

/** What is not there is named by its member; but first that a private key was told. */
function refusedJwk(alg: TokenAlg, given: unknown, code: KeyFault): Refused {
  const lacking = code === "key_private" ? [] : lackingMembers(alg, given);
  return lacking.length > 0 ? { field: "public_key", code: "required", lacking } : { field: "public_key", code };
}

async function judgeSet(keys: TokenKeys, alg: TokenAlg, url: string): Promise<Result<IssuerKey, Refused>> {
  if (alg === "HS256") return refuse({ field: "jwks_url", code: "key_of_another_type" });
  const fetched = await keys.fetchKeys(alg, url);
  if (!fetched.ok) return refuse({ field: "jwks_url", code: fetched.refusal });
  return fetched.value.length === 0
    ? refuse({ field: "jwks_url", code: "no_usable_key" })
    : ok({ from: "jwks_url", url, keys: fetched.value });
}

/** The key's columns, with those of any other source emptied. A secret is sealed for this org, issuer and version. */
export async function keyColumns(
  keys: TokenKeys,
  issuer: { readonly orgId: string; readonly id: string; readonly version: number },
  key: IssuerKey,
  now: Instant,
) {
  const { orgId, id: connectionId, version } = issuer;
  const url = key.from === "jwks_url" ? key : null;
  return {
    publicKey: key.from === "public_key" ? key.jwk : null,
    sealed: key.from === "secret" ? await keys.seal({ orgId, connectionId, version }, key.secret) : null,
    jwksUrl: url?.url ?? null,
    jwks: url?.keys ?? null,
    jwksFetchedAt: url === null ? null : now,
    jwksTriedAt: url === null ? null : now,
    jwksFailure: null,
  };
}
