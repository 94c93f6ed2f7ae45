import type { Instant } from "../../lib/instant.ts";

export const identityProviderNames = ["google", "microsoft"] as const;
export type IdentityProviderName = (typeof identityProviderNames)[number];

/** What a browser is sent to the provider with. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** PKCE, S256 (RFC 7636). */
  readonly challenge: string;
}
/** What it came back with, and the secrets of the flow that it belongs to. */
export interface AuthorizationAnswer {
  readonly redirectUri: string;
  readonly code: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Who somebody is to the provider. `issuer` and `subject` never change; an address can be given to someone else. */
export interface ProvedIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** As the provider wrote it, and only where the provider answers for its being theirs. */
  readonly verifiedAddress: string | null;
  /** As they are called there, by their own words. */
  readonly name: string | null;
}

/** `unavailable`: nothing is known, and another try may do. `misconfigured`: the provider does not know us or our secret. */
export type Identified =
  | { readonly kind: "identified"; readonly identity: ProvedIdentity }
  | { readonly kind: "refused"; readonly reason: "code_refused" | "token_invalid" }
  | { readonly kind: "misconfigured" }
  | { readonly kind: "unavailable" };

/** One place where people have accounts. Throws nothing. */
export interface IdentityProvider {
  readonly name: IdentityProviderName;
  authorizationUrl(request: AuthorizationRequest): string;
  /** Whether the `iss` of an authorization response (RFC 9207) can be this provider's. */
  mayBeIssuer(issuer: string): boolean;
  /** Redeems the code once and proves the ID token. */
  identify(answer: AuthorizationAnswer, at: Instant): Promise<Identified>;
}
export type IdentityProviders = Readonly<Partial<Record<IdentityProviderName, IdentityProvider>>>;
