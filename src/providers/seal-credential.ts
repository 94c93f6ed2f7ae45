import { rewrap, seal } from "../lib/sealing.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";

/** What a credential may be opened for. Each is additional data of its own wrapped key. */
export type CredentialPurpose = "place" | "lookup" | "stop" | "list" | "delete" | "check" | "retain" | "test" | "verify" | "send";

/** What a sealed credential is bound to: copied to any other org, kind, connection or version it does not open. */
export interface CredentialIdentity {
  readonly orgId: string;
  readonly kind: string;
  readonly connectionId: string;
  readonly version: number;
}

export const identityParts = (identity: CredentialIdentity): readonly string[] => [
  identity.orgId,
  identity.kind,
  identity.connectionId,
  String(identity.version),
];

/**
 * Seals a credential's fields for one connection. The purpose stands in the additional data of the *wrapped key*, once per
 * purpose, rather than in that of the ciphertext: so the secret is encrypted once, re-wrapping under a new key-encryption key
 * touches no ciphertext, and a purpose that was not granted here has no key that would open it.
 */
export async function sealCredential(
  keyring: Keyring,
  identity: CredentialIdentity,
  purposes: readonly CredentialPurpose[],
  fields: Readonly<Record<string, string>>,
): Promise<Sealed> {
  const plaintext = new TextEncoder().encode(JSON.stringify(fields));
  try {
    return { version: identity.version, ...(await seal(keyring, plaintext, identityParts(identity), purposes)) };
  } finally {
    plaintext.fill(0);
  }
}

/** The credential under the keyring's current key, or null when it does not open for this identity. */
export async function rewrapCredential(keyring: Keyring, identity: CredentialIdentity, sealed: Sealed): Promise<Sealed | null> {
  if (sealed.version !== identity.version) return null;
  return rewrap(keyring, sealed, identityParts(identity));
}
