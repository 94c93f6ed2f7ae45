import type { OrgDb } from "../../../db/org-db.ts";
import { insertFlow } from "../../../db/queries/oidc.ts";
import type { ApiKeyHasher } from "../../../lib/api-key.ts";
import type { Instant } from "../../../lib/instant.ts";
import type { IdentityProvider } from "../../../providers/sign-in/contract.ts";
import type { NextPath } from "../next-path.ts";
import { challengeOf, flowSecrets, type FlowTokens } from "./flow-secrets.ts";

/** As long as someone may take at the provider, with a second factor there. */
export const flowSeconds = 600;

/** Where the browser goes. The flow waits for it to come back, and is no change that an audit entry speaks of. */
export async function beginSignIn(
  visitor: OrgDb,
  hash: ApiKeyHasher,
  provider: IdentityProvider,
  redirectUri: string,
  tokens: FlowTokens,
  next: NextPath | null,
  realNow: Instant,
): Promise<string> {
  const secrets = await flowSecrets(hash, tokens);
  await visitor.rows(insertFlow({ ...secrets, provider: provider.name }, next, realNow, flowSeconds));
  const { nonce, verifier } = secrets;
  return provider.authorizationUrl({ redirectUri, state: tokens.state, nonce, challenge: challengeOf(verifier) });
}
