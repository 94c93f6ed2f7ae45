import type { OrgDb } from "../../db/org-db.ts";
import { type PasskeyRow, passkeysOf } from "../../db/queries/factors.ts";
import { toBase64Url } from "../../lib/base64url.ts";
import { challengeSeconds, type ChallengeUse } from "../../lib/webauthn-challenge.ts";
import { relyingPartyOf } from "./check-passkey.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";

/** For `navigator.credentials.get()`, by `PublicKeyCredential.parseRequestOptionsFromJSON()`. */
export interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly userVerification: "required";
  readonly allowCredentials: readonly DescribedCredential[];
}
export interface DescribedCredential {
  readonly type: "public-key";
  readonly id: string;
  readonly transports: readonly string[];
}

export const timeoutMilliseconds = challengeSeconds * 1000;

/** Any passkey of this deployment: the authenticator says whose it is. Bound to the browser that asked. */
export const askAnyPasskey = (deps: FactorDeps, browser: string): Promise<RequestOptions> =>
  optionsOf(deps, "sign_in", browser, []);

/** One of the person's own, in this session. */
export async function askOwnPasskey(deps: FactorDeps, own: OrgDb, session: ActingSession): Promise<RequestOptions> {
  const rows = await own.rows<PasskeyRow>(passkeysOf(session.userId));
  return optionsOf(deps, "second_factor", session.id, rows.map(describeCredential));
}

export const describeCredential = ({ credential_id, transports }: PasskeyRow): DescribedCredential => ({
  type: "public-key",
  id: toBase64Url(credential_id),
  transports,
});

async function optionsOf(
  { challenges, now, publicOrigin }: FactorDeps,
  use: ChallengeUse,
  boundTo: string,
  allowCredentials: readonly DescribedCredential[],
): Promise<RequestOptions> {
  const challenge = await challenges.issue(use, boundTo, now());
  const { id: rpId } = relyingPartyOf(publicOrigin);
  return { challenge, rpId, timeout: timeoutMilliseconds, userVerification: "required", allowCredentials };
}
