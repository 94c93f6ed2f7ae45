import { unseal } from "../lib/sealing.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";
import { identityParts } from "./seal-credential.ts";
import type { CredentialIdentity, CredentialPurpose } from "./seal-credential.ts";

/** The credential does not open, and nothing was done with it. Says no more: which part failed would help only an attacker. */
export class CredentialUnavailable extends Error {
  override readonly name = "CredentialUnavailable";
  constructor() {
    super("the credential does not open for this org, connection, version and purpose");
  }
}

/**
 * Lends a sealed credential to `work`. The plaintext bytes are zero-filled and the fields emptied when it returns;
 * JavaScript cannot overwrite the strings themselves, so an adapter must not keep one.
 * @throws CredentialUnavailable before `work` has begun.
 */
export function openCredential(keyring: Keyring, identity: CredentialIdentity, sealed: Sealed) {
  return async <R>(purpose: CredentialPurpose, work: (secret: Readonly<Record<string, string>>) => Promise<R>): Promise<R> => {
    const plaintext =
      sealed.version === identity.version ? await unseal(keyring, sealed, identityParts(identity), purpose) : null;
    if (plaintext === null) throw new CredentialUnavailable();
    const fields = fieldsOf(plaintext);
    try {
      return await work(fields);
    } finally {
      plaintext.fill(0);
      for (const name of Object.keys(fields)) delete fields[name];
    }
  };
}

function fieldsOf(plaintext: Uint8Array): Record<string, string> {
  try {
    // Sealed by `sealCredential`, whose input has this type, and authenticated since.
    return JSON.parse(new TextDecoder().decode(plaintext)) as Record<string, string>;
  } catch {
    plaintext.fill(0);
    throw new CredentialUnavailable();
  }
}
