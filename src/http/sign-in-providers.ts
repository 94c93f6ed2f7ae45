import type { IdentityProviderName, IdentityProviders } from "../providers/sign-in/contract.ts";

/** As people know them. */
export const providerTitles = { google: "Google", microsoft: "Microsoft" } as const satisfies Record<
  IdentityProviderName,
  string
>;

/** Where this deployment has an account, always in the same order. */
export const configuredNames = (providers: IdentityProviders): IdentityProviderName[] =>
  (Object.keys(providerTitles) as IdentityProviderName[]).filter((name) => providers[name] !== undefined);
