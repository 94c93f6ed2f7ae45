import type { IdentityProvider } from "./contract.ts";
import type { IdTokenClaims } from "./id-token.ts";
import { authorizationUrl, type ClientSettings, type Endpoints, redeemCode } from "./redeem-code.ts";

/** Domains by tenant id: who administers the tenant answers for the addresses in them. */
export type TenantDomains = ReadonlyMap<string, ReadonlySet<string>>;

export interface MicrosoftSettings extends ClientSettings {
  readonly tenantDomains: TenantDomains;
}

const origin = "https://login.microsoftonline.com";
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The Microsoft identity platform (v2.0) for accounts of any organisation, and personal ones.
 * @param localOrigin of an issuer on the developer's machine; null: Microsoft itself.
 */
export function microsoft(client: MicrosoftSettings, localOrigin: string | null): IdentityProvider {
  const base = localOrigin === null ? origin : `${localOrigin}/microsoft`;
  const endpoints: Endpoints = {
    authorization: `${base}/common/oauth2/v2.0/authorize`,
    token: `${base}/common/oauth2/v2.0/token`,
    keys: `${base}/common/discovery/v2.0/keys`,
  };
  const issuerOf = (tenant: string): string => `${base}/${tenant}/v2.0`;
  return {
    name: "microsoft",
    // `profile` brings `tid` and `name`; nothing else of it is read.
    authorizationUrl: (request) => authorizationUrl(endpoints.authorization, client.clientId, "openid email profile", request),
    mayBeIssuer: (text) => text.startsWith(`${base}/`) && text.endsWith("/v2.0"),
    async identify(answer, now) {
      const redeemed = await redeemCode(client, endpoints, answer, now);
      if (redeemed.kind !== "proved") return redeemed;
      const { claims, key } = redeemed.token;
      const { tid: tenant } = claims;
      // Of `common` each tenant is an issuer of its own (learn.microsoft.com/entra/identity-platform/id-token-claims-reference).
      if (typeof tenant !== "string" || !uuid.test(tenant) || claims.iss !== issuerOf(tenant) || !isKeyOf(key, tenant, issuerOf))
        return { kind: "refused", reason: "token_invalid" };
      return {
        kind: "identified",
        identity: {
          issuer: claims.iss,
          subject: claims.sub,
          verifiedAddress: vouchedAddress(claims, tenant, client.tenantDomains),
          name: claims.name ?? null,
        },
      };
    },
  };
}

/** Keys of `common` name whose they are: all tenants' (`{tenantid}`), or one's (…/entra/identity-platform/access-tokens, "Validate the issuer"). */
function isKeyOf(key: Readonly<Record<string, unknown>>, tenant: string, issuerOf: (tenant: string) => string): boolean {
  const { issuer } = key;
  return issuer === undefined || (typeof issuer === "string" && issuer.replace("{tenantid}", tenant) === issuerOf(tenant));
}

/**
 * The address that Microsoft answers for. `email` alone is none: whoever administers a tenant writes any address there, and
 * would sign in as its owner ("nOAuth": learn.microsoft.com/entra/identity-platform/migrate-off-email-claim-authorization).
 * Either the optional claim `xms_edov` says that the domain's owner is verified, or the account has an authoritative address
 * (…/optional-claims-reference), or this deployment has entered the domain for the tenant.
 */
function vouchedAddress(claims: IdTokenClaims, tenant: string, tenantDomains: TenantDomains): string | null {
  const { email, xms_edov: edov, verified_primary_email: primary } = claims;
  const lower = email?.toLowerCase();
  // A boolean in the document; text or a number in the tokens of some tenants.
  if (email !== undefined && (edov === true || edov === 1 || edov === "1" || edov === "true")) return email;
  const authoritative = [primary].flat().filter((one): one is string => typeof one === "string");
  const [vouched] = [...authoritative.filter((one) => one.toLowerCase() === lower), ...authoritative];
  if (vouched !== undefined) return vouched;
  const domain = lower?.slice(lower.lastIndexOf("@") + 1) ?? "";
  return email !== undefined && tenantDomains.get(tenant)?.has(domain) === true ? email : null;
}
