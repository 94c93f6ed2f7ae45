import type { Context } from "hono";
import { verifyToken } from "../domain/token-issuers/verify-token.ts";
import { hexOf } from "../lib/bytes.ts";
import { tokenFaults } from "../lib/read-token.ts";
import type { Principal } from "./authenticate.ts";
import type { HttpEnv } from "./http-env.ts";
import { invalidToken, refusedToken } from "./on-error.ts";

/**
 * Who signed the token, and for whom. A subject is its signer's word, and may be a person's address, number or name: a log that is
 * kept for years gets one only where the issuer's record names it; of any other a hash, by which its acts can be told together.
 */
export async function ofToken(c: Context<HttpEnv>, text: string, org: string | null): Promise<Principal> {
  const verified = await verifyToken(c.env, text, c.var.requestId);
  if (!verified.ok) throw verified.refusal === "token_refused" ? refusedToken() : invalidToken(tokenFaults[verified.refusal]);
  const { subject, isListed, ...token } = verified.value;
  // Keyed, or a short number would be found in it by trying them all; of each issuer another, so that nobody is followed from one to the next.
  const digest = hexOf(await c.env.hashApiKey(`token subject\n${token.issuerId}\n${subject}`));
  return {
    kind: "token",
    id: principalId(digest),
    proof: { ...token, subject: isListed ? subject : `hmac:${digest.slice(32, 48)}` },
    org,
  };
}

/** A uuid (RFC 9562 version 8) for an issuer's subject: what two of them ask for under one Idempotency-Key is not the same. */
const principalId = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
