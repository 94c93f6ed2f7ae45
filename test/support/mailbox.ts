/** The people's side of mail: whatever is due is sent to a provider that keeps it, and can be read here. */
import type { SystemDb } from "../../src/db/system-db.ts";
import { sendMail } from "../../src/jobs/send-mail.ts";
import type { Keyring } from "../../src/lib/sealing.ts";
import { type Letter, repeatableSeconds } from "../../src/providers/mail/contract.ts";
import { sealedLetters, type SealLetter } from "../../src/providers/mail/sealed-letter.ts";

export interface Mailbox {
  readonly sealLetter: SealLetter;
  /** Sends what is due, and answers everything that was ever sent, to this address alone if one is given; oldest first. */
  read(to?: string): Promise<readonly Letter[]>;
}

export function openMailbox(system: SystemDb, keyring: Keyring): Mailbox {
  const letters: Letter[] = [];
  const { seal, send } = sealedLetters(keyring, {
    async send(letter, key) {
      // What was opened is emptied again.
      letters.push({ ...letter });
      return { kind: "sent", providerId: key };
    },
  });
  const deps = { system, sendLetter: send, repeatableSeconds, sleep: async () => undefined };
  // One after the other: what another reader has claimed and not yet sent would be missing from this one's answer.
  let reading = Promise.resolve();
  const sendDue = async () => {
    while ((await sendMail(deps)).againSeconds !== null);
  };
  return {
    sealLetter: seal,
    async read(to) {
      await (reading = reading.then(sendDue, sendDue));
      return letters.filter((letter) => to === undefined || letter.to === to);
    },
  };
}
