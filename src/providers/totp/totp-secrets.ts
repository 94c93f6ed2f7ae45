import { Secret, TOTP } from "otpauth";
import { type Instant, secondsOf } from "../../lib/instant.ts";
import type { Keyring, Sealed } from "../../lib/sealing.ts";
import { openCredential } from "../open-credential.ts";
import { type CredentialIdentity, sealCredential } from "../seal-credential.ts";
import { sealedForm } from "../sealed-form.ts";

/** The secrets of authenticator apps. One is in clear while its owner is shown it, and while a code is compared. */
export interface TotpSecrets {
  mint(userId: string, label: string): Promise<MintedTotp>;
  /** The 30 seconds, counted from 1970, whose code this is; null when it is none of those that count now. */
  stepOf(userId: string, sealed: unknown, code: string, now: Instant): Promise<number | null>;
}
export interface MintedTotp {
  readonly sealed: Sealed;
  readonly base32: string;
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string;
}

/** What authenticator apps can do: others ignore what a URI says of algorithm, digits or period, and show codes that never hold. */
const form = { algorithm: "SHA1", digits: 6, period: 30 } as const;
/**
 * One step before and one after: a phone's clock may be wrong by half a minute (RFC 6238, 5.2). A code is taken for 90 seconds
 * therefore where ASVS 6.5.5 asks for 30, and within them once.
 */
const window = 1;
/** 160 bits (RFC 4226, 4: R6). */
const secretBytes = 20;

const issuer = "Dialgate";
/** Of no organisation: a person has one, wherever they are a member. */
const identityOf = (userId: string): CredentialIdentity => ({
  orgId: "00000000-0000-0000-0000-000000000000",
  kind: "totp",
  connectionId: userId,
  version: 1,
});

export function totpSecrets(keyring: Keyring, random: (bytes: number) => Uint8Array): TotpSecrets {
  return {
    async mint(userId, label) {
      const bytes = random(secretBytes);
      const totp = new TOTP({ ...form, issuer, label, secret: new Secret({ buffer: new Uint8Array(bytes).buffer }) });
      const { base32 } = totp.secret;
      const sealed = await sealCredential(keyring, identityOf(userId), ["verify"], { base32 });
      return { sealed, base32, uri: totp.toString() };
    },
    async stepOf(userId, sealed, code, now) {
      const open = openCredential(keyring, identityOf(userId), sealedForm.parse(sealed));
      const timestamp = secondsOf(now) * 1000;
      return open("verify", async ({ base32 = "" }) => {
        const delta = TOTP.validate({ ...form, secret: Secret.fromBase32(base32), token: code, timestamp, window });
        return delta === null ? null : TOTP.counter({ period: form.period, timestamp }) + delta;
      });
    },
  };
}
