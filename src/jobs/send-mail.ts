import type { SystemDb } from "../db/system-db.ts";
import { type ClosedMail, closeMail, mailIsDue, returnMails, type TakenMail, takeMails } from "../domain/mail/lease-mails.ts";
import type { MailAnswer } from "../providers/mail/contract.ts";
import type { SendLetter } from "../providers/mail/sealed-letter.ts";

export interface SendMailDeps {
  readonly system: SystemDb;
  readonly sendLetter: SendLetter;
  /** How long the provider knows a repeated mail again. */
  readonly repeatableSeconds: number;
  sleep(milliseconds: number): Promise<void>;
}
export interface MailRound {
  readonly sent: number;
  /** Never to be sent: `reason` says why, in the table. */
  readonly givenUp: number;
  /** More is due in so many seconds, sooner than the next tick. */
  readonly againSeconds: number | null;
}
/** Reported when a mail is given up: its row says which and why, nothing else does. */
export class MailGivenUp extends Error {
  override readonly name = "MailGivenUp";
}

const rowsMax = 10;
/** Ten mails that each run into their time-out of 10 s, and some time to say so. */
const leaseSeconds = 150;
/** Two requests a second are what an account may make (resend.com/docs/api-reference/rate-limit). */
const spacingMilliseconds = 500;
/** With the waits below almost five hours. */
const triesMax = 13;
const firstWaitSeconds = 5;
const waitSecondsMax = 2 * 3600;
/** What is due within a minute is asked for by a message of its own; the tick finds the rest. */
const tickSeconds = 60;

export { mailIsDue };

/**
 * Sends what is due, one after the other, and records each answer before the next is asked. Whoever dies in between leaves a
 * lease that ends; the mail is then asked for again with the same key, which the provider answers and does not send twice.
 */
export async function sendMail(deps: SendMailDeps): Promise<MailRound> {
  const { system, sendLetter } = deps;
  const taken = await takeMails(system, rowsMax, leaseSeconds, deps.repeatableSeconds);
  const open = taken.filter((mail) => !mail.given_up);
  let sent = 0;
  let givenUp = taken.length - open.length;
  let againSeconds = taken.length === rowsMax ? 0 : Number.POSITIVE_INFINITY;
  for (const [index, mail] of open.entries()) {
    if (index > 0) await deps.sleep(spacingMilliseconds);
    const answer = await sendLetter(mail.id, mail.sealed);
    if (answer.kind === "sent") sent += 1;
    const closed = closedBy(mail, answer);
    if (await closeMail(system, closed, triesMax)) givenUp += 1;
    else if (closed.answer === "again") againSeconds = Math.min(againSeconds, closed.waitSeconds);
    if (answer.kind === "later") {
      // The others would fare alike, and it would cost each of them a try.
      againSeconds = answer.retryAfterSeconds ?? tickSeconds;
      await returnMails(system, open.slice(index + 1), againSeconds);
      break;
    }
  }
  return { sent, givenUp, againSeconds: againSeconds < tickSeconds ? againSeconds : null };
}

function closedBy({ id, tries }: TakenMail, answer: MailAnswer): ClosedMail {
  if (answer.kind === "sent") return { id, tries, answer: "sent", reason: null, providerId: answer.providerId, waitSeconds: 0 };
  if (answer.kind === "refused") return { id, tries, answer: "refused", reason: answer.code, providerId: null, waitSeconds: 0 };
  const waitSeconds = Math.max(backOffSeconds(tries), answer.retryAfterSeconds ?? 0);
  return { id, tries, answer: "again", reason: answer.code, providerId: null, waitSeconds };
}

/** Doubles with each try. */
const backOffSeconds = (tries: number): number => Math.min(firstWaitSeconds * 2 ** (tries - 1), waitSecondsMax);
