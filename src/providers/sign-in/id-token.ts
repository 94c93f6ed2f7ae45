import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import * as z from "zod";
import type { Instant } from "../../lib/instant.ts";

/** What an ID token says, once it is proved. Whose words the claims are is for the provider's own file to know. */
export const idTokenClaims = z.looseObject({
  iss: z.string().min(1).max(255),
  // OpenID Connect Core 1.0 §2: at most 255 ASCII characters.
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  nonce: z.string(),
  azp: z.string().optional(),
  email: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
});
export type IdTokenClaims = z.infer<typeof idTokenClaims>;

export const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });
export type KeySet = z.infer<typeof keySet>;

export interface Expected {
  readonly clientId: string;
  readonly nonce: string;
  readonly at: Instant;
}
export interface ProvedToken {
  readonly claims: IdTokenClaims;
  /** The key that signed, as the provider publishes it. */
  readonly key: Readonly<Record<string, unknown>>;
}

/** What the two providers sign with. Named here, never taken from a token: `none` and HMAC under a public key are no signatures. */
const algorithms = ["RS256", "ES256"];
/** Clocks differ by so much; Microsoft dates its tokens five minutes back. */
const toleranceSeconds = 60;
const ageMaxSeconds = 15 * 60;

/**
 * The token's claims, or null for whatever is not right with it (OpenID Connect Core 1.0 §3.1.3.7): a signature by a key of
 * the published set that the header names, for us alone, in its time, and made for this flow. The issuer is the caller's to check.
 */
export async function proveIdToken(token: string, keys: KeySet, expected: Expected): Promise<ProvedToken | null> {
  const { clientId, nonce, at } = expected;
  const proved = await verified(token, keys, clientId, at);
  if (proved === null) return null;
  const { header, payload } = proved;
  const read = idTokenClaims.safeParse(payload);
  if (!read.success) return null;
  const claims = read.data;
  const audience = payload.aud;
  // For others too, it could have been meant for them: neither provider sends several.
  if (audience !== clientId && !(Array.isArray(audience) && audience.length === 1)) return null;
  if (claims.azp !== undefined && claims.azp !== clientId) return null;
  // Sent to the provider in the clear by this very browser: no secret whose comparison could leak.
  if (claims.nonce !== nonce) return null;
  // A logout token is signed by the same keys.
  if (header.typ !== undefined && header.typ.toUpperCase() !== "JWT") return null;
  // With one key in the set the library takes a token that names none.
  const [key, another] = keys.keys.filter((one) => header.kid !== undefined && one["kid"] === header.kid);
  return key === undefined || another !== undefined ? null : { claims, key };
}

async function verified(token: string, keys: KeySet, audience: string, at: Instant) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys as JSONWebKeySet), {
      algorithms,
      audience,
      currentDate: new Date(at),
      clockTolerance: toleranceSeconds,
      maxTokenAge: ageMaxSeconds,
      requiredClaims: ["iss", "sub", "aud", "exp", "iat", "nonce"],
    });
    return { payload, header: protectedHeader };
  } catch {
    // The library's errors carry the token's claims; which part was wrong is nobody's business but an attacker's.
    return null;
  }
}
