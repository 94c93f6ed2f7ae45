/** One mail, whole. It may carry a token that signs someone in: in clear it exists around the provider's call only. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** `code` is a word of ours or one of the provider's that we know: never its text, which echoes addresses. */
export type MailAnswer =
  | { readonly kind: "sent"; readonly providerId: string }
  /** This mail will never be taken. */
  | { readonly kind: "refused"; readonly code: string }
  /** It may have been sent. Asked again with the same key, the provider answers and sends nothing twice. */
  | { readonly kind: "unknown"; readonly code: string; readonly retryAfterSeconds: number | null }
  /** Certainly not sent, for a reason that is not the mail's: limits, quota, key, sender. Any other mail would fare alike. */
  | { readonly kind: "later"; readonly code: string; readonly retryAfterSeconds: number | null };

/** One provider of mail. One HTTP request, never repeated, with its own time-out; throws nothing. */
export interface Mailer {
  /** @param idempotencyKey the mail's id: whatever is asked with it, within the time that the provider remembers, is sent once. */
  send(letter: Letter, idempotencyKey: string): Promise<MailAnswer>;
}

/** Resend remembers a key for 24 hours (resend.com/docs/dashboard/emails/idempotency-keys); nothing is repeated after 23. */
export const repeatableSeconds = 23 * 3600;
