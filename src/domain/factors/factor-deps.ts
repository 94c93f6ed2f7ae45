import type { SessionProof } from "../../db/system-db.ts";
import type { Instant } from "../../lib/instant.ts";
import type { RecoveryCodes } from "../../lib/recovery-code.ts";
import type { SessionMint } from "../../lib/session-token.ts";
import type { Challenges } from "../../lib/webauthn-challenge.ts";
import type { TotpSecrets } from "../../providers/totp/totp-secrets.ts";
import type { MailDeps } from "../mail/mail.ts";

/** What the verbs of second factors use beside their handle. */
export interface FactorDeps extends MailDeps {
  now(): Instant;
  readonly challenges: Challenges;
  readonly recoveryCodes: RecoveryCodes;
  readonly totpSecrets: TotpSecrets;
  readonly mintSession: SessionMint;
  wakeMail(): Promise<void>;
}

/** The session in which a person acts, as its token proves it. */
export type ActingSession = SessionProof;
