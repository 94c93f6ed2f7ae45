import type { IdentityProviderName } from "../../../providers/sign-in/contract.ts";

/** As people know them. */
export const providerTitles = { google: "Google", microsoft: "Microsoft" } as const satisfies Record<
  IdentityProviderName,
  string
>;
