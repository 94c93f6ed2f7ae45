import type { Fetch } from "../send-once.ts";
import type { IdentityProviders } from "./contract.ts";
import { google } from "./google.ts";
import { microsoft, type TenantDomains } from "./microsoft.ts";

/** As the worker's environment names them; a pair is whole or absent. */
export interface SignInSettings {
  readonly GOOGLE_CLIENT_ID?: string | undefined;
  readonly GOOGLE_CLIENT_SECRET?: string | undefined;
  readonly MICROSOFT_CLIENT_ID?: string | undefined;
  readonly MICROSOFT_CLIENT_SECRET?: string | undefined;
  readonly MICROSOFT_TENANT_DOMAINS?: TenantDomains | undefined;
  /** An issuer on the developer's machine instead of both. */
  readonly OIDC_ORIGIN?: string | undefined;
}

/** A person is waiting. */
export const answerSecondsMax = 5;

/**
 * The providers where this deployment has an account; the others are not there.
 * @param timeoutSeconds otherwise only in tests, whose machine may be busy with others
 */
export function identityProvidersOf(
  settings: SignInSettings,
  fetch: Fetch,
  timeoutSeconds = answerSecondsMax,
): IdentityProviders {
  const localOrigin = settings.OIDC_ORIGIN ?? null;
  const client = (clientId: string | undefined, clientSecret: string | undefined) =>
    clientId === undefined || clientSecret === undefined ? null : { clientId, clientSecret, fetch, timeoutSeconds };
  const ofGoogle = client(settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET);
  const ofMicrosoft = client(settings.MICROSOFT_CLIENT_ID, settings.MICROSOFT_CLIENT_SECRET);
  const tenantDomains = settings.MICROSOFT_TENANT_DOMAINS ?? new Map();
  return {
    ...(ofGoogle === null ? {} : { google: google(ofGoogle, localOrigin) }),
    ...(ofMicrosoft === null ? {} : { microsoft: microsoft({ ...ofMicrosoft, tenantDomains }, localOrigin) }),
  };
}
