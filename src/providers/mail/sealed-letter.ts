import type { Keyring, Sealed } from "../../lib/sealing.ts";
import { CredentialUnavailable, openCredential } from "../open-credential.ts";
import { type CredentialIdentity, sealCredential } from "../seal-credential.ts";
import { sealedForm } from "../sealed-form.ts";
import type { Letter, MailAnswer, Mailer } from "./contract.ts";

/** Seals a letter for the mail of this id, to be opened for sending and for nothing else. */
export type SealLetter = (mailId: string, letter: Letter) => Promise<Sealed>;
/** Opens a letter around the provider's call. Throws nothing. */
export type SendLetter = (mailId: string, sealed: unknown) => Promise<MailAnswer>;

/** Of no organisation: a mail goes to a person. */
const noOrg = "00000000-0000-0000-0000-000000000000";
const identityOf = (mailId: string): CredentialIdentity => ({
  orgId: noOrg,
  kind: "mail",
  connectionId: mailId,
  version: 1,
});

export function sealedLetters(keyring: Keyring, mailer: Mailer): { readonly seal: SealLetter; readonly send: SendLetter } {
  return {
    seal: (mailId, { to, subject, text, html }) =>
      sealCredential(keyring, identityOf(mailId), ["send"], { to, subject, text, html }),
    async send(mailId, stored) {
      const sealed = sealedForm.safeParse(stored);
      if (!sealed.success) return unopened;
      try {
        // Sealed by `seal`, whose input has this type, and authenticated since.
        return await openCredential(
          keyring,
          identityOf(mailId),
          sealed.data,
        )("send", (letter) => mailer.send(letter as unknown as Letter, mailId));
      } catch (thrown) {
        if (thrown instanceof CredentialUnavailable) return unopened;
        throw thrown;
      }
    },
  };
}

/** Nothing was sent. A key that is missing may come back, so that it is asked again, until it is given up. */
const unopened: MailAnswer = { kind: "unknown", code: "content_unreadable", retryAfterSeconds: null };
