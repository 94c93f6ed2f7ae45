import type { ApiKeyHasher } from "../../../lib/api-key.ts";
import { toBase64Url } from "../../../lib/base64url.ts";
import { sha256 } from "../../../lib/bytes.ts";

/** Two secrets as link-secrets.ts mints them: the state travels through the provider, the browser's own stays in its cookie. */
export interface FlowTokens {
  readonly state: string;
  readonly browser: string;
}
export interface FlowSecrets {
  readonly stateHash: Uint8Array;
  readonly browserHash: Uint8Array;
  readonly nonce: string;
  /** PKCE: 43 characters (RFC 7636 §4.1). */
  readonly verifier: string;
}

/**
 * What belongs to a flow, made of its two tokens under a key that the database never sees. So nothing of it is stored, and
 * whoever reads the state on its way, or the whole database, can make neither nonce nor verifier.
 */
export async function flowSecrets(hash: ApiKeyHasher, { state, browser }: FlowTokens): Promise<FlowSecrets> {
  const [stateHash, browserHash, nonce, verifier] = await Promise.all([
    hash(`oidc state ${state}`),
    hash(`oidc browser ${browser}`),
    hash(`oidc nonce ${state} ${browser}`),
    hash(`oidc verifier ${state} ${browser}`),
  ]);
  return { stateHash, browserHash, nonce: toBase64Url(nonce), verifier: toBase64Url(verifier) };
}

/** S256, the one method that hides the verifier from whoever sees the challenge (RFC 7636 §4.2). */
export const challengeOf = (verifier: string): string => toBase64Url(sha256(verifier));
