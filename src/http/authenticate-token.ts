import type { Context } from "hono";
import { verifyToken } from "../domain/token-issuers/verify-token.ts";
import { hexOf, sha256 } from "../lib/bytes.ts";
import { tokenFaults } from "../lib/read-token.ts";
import type { Principal } from "./authenticate.ts";
import type { HttpEnv } from "./http-env.ts";
import { invalidToken, refusedToken } from "./on-error.ts";

/** Who signed the token, and for whom. */
export async function ofToken(c: Context<HttpEnv>, text: string, org: string | null): Promise<Principal> {
  const verified = await verifyToken(c.env, text, c.var.requestId);
  if (!verified.ok) throw verified.refusal === "token_refused" ? refusedToken() : invalidToken(tokenFaults[verified.refusal]);
  const { subject, ...token } = verified.value;
  return {
    kind: "token",
    id: await principalId(token.issuerId, subject),
    proof: { ...token, subject: notable(subject) },
    org,
  };
}

/** A uuid (RFC 9562 version 8) for an issuer's subject: what two of them ask for under one Idempotency-Key is not the same. */
async function principalId(issuerId: string, subject: string): Promise<string> {
  const hex = hexOf((await sha256(`${issuerId}\n${subject}`)).subarray(0, 16));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A subject is an issuer's word, and may be a person's address, number or name: those do not go into a log that is kept for years. */
const notable = (subject: string): string | null =>
  /^[A-Za-z0-9._:/|-]+$/.test(subject) && /[A-Za-z]/.test(subject) && !/\d{7}/.test(subject) ? subject : null;
