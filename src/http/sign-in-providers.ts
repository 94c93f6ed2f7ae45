import { providerTitles } from "../domain/sign-in/oidc/provider-titles.ts";
import type { IdentityProviderName, IdentityProviders } from "../providers/sign-in/contract.ts";

/** Where this deployment has an account, always in the same order. */
export const configuredNames = (providers: IdentityProviders): IdentityProviderName[] =>
  (Object.keys(providerTitles) as IdentityProviderName[]).filter((name) => providers[name] !== undefined);
