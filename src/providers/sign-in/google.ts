import type { IdentityProvider } from "./contract.ts";
import type { IdTokenClaims } from "./id-token.ts";
import { authorizationUrl, type ClientSettings, type Endpoints, redeemCode } from "./redeem-code.ts";

/** developers.google.com/identity/openid-connect/reference, discovery document. */
const endpoints: Endpoints = {
  authorization: "https://accounts.google.com/o/oauth2/v2/auth",
  token: "https://oauth2.googleapis.com/token",
  keys: "https://www.googleapis.com/oauth2/v3/certs",
};
const issuer = "https://accounts.google.com";

/** @param localOrigin of an issuer on the developer's machine; null: Google itself. */
export function google(client: ClientSettings, localOrigin: string | null): IdentityProvider {
  const at = localOrigin === null ? endpoints : localEndpoints(localOrigin);
  const own = localOrigin === null ? issuer : `${localOrigin}/google`;
  // Google writes its issuer in either way (same reference, ID token claims).
  const mayBeIssuer = (text: string): boolean => text === own || (localOrigin === null && text === "accounts.google.com");
  return {
    name: "google",
    authorizationUrl: (request) => authorizationUrl(at.authorization, client.clientId, "openid email profile", request),
    mayBeIssuer,
    async identify(answer, now) {
      const redeemed = await redeemCode(client, at, answer, now);
      if (redeemed.kind !== "proved") return redeemed;
      const { claims } = redeemed.token;
      if (!mayBeIssuer(claims.iss)) return { kind: "refused", reason: "token_invalid" };
      return {
        kind: "identified",
        identity: {
          issuer: own,
          subject: claims.sub,
          verifiedAddress: isVouchedFor(claims) ? (claims.email ?? null) : null,
          name: claims.name ?? null,
        },
      };
    },
  };
}

/**
 * Google answers for addresses that it hosts: Gmail's, and those of a Workspace organisation (`hd`). Any other address was
 * the account holder's when the account was made, and may be someone else's today
 * (developers.google.com/identity/gsi/web/guides/verify-google-id-token: "Google is not authoritative").
 */
function isVouchedFor(claims: IdTokenClaims): boolean {
  const { email = "", email_verified: isVerified, hd } = claims;
  const isHosted = (typeof hd === "string" && hd !== "") || /@(gmail|googlemail)\.com$/i.test(email);
  return isVerified === true && isHosted;
}

const localEndpoints = (origin: string): Endpoints => ({
  authorization: `${origin}/google/o/oauth2/v2/auth`,
  token: `${origin}/google/token`,
  keys: `${origin}/google/oauth2/v3/certs`,
});
