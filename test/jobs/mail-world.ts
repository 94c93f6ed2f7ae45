/** A database, a keyring and a provider of mail whose side is looked at: what one or several senders have. */
import { startSimulators, type Simulators } from "../../dev/simulators/simulators.ts";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { type NewMail, sealMail } from "../../src/domain/mail/mail.ts";
import { type MailRound, sendMail } from "../../src/jobs/send-mail.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { repeatableSeconds } from "../../src/providers/mail/contract.ts";
import { resend } from "../../src/providers/mail/resend.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testPeppers } from "../support/peppers.ts";
import { newId } from "../support/world.ts";

export const origin = "https://api.dialgate.test";
export const token = "canary-token-0123456789";

export interface MailRow {
  readonly id: string;
  readonly sealed: unknown;
  readonly tries: number;
  readonly sent_at: unknown;
  readonly failed_at: unknown;
  readonly reason: string | null;
  readonly provider_id: string | null;
  /** Until it is due again. */
  readonly wait: number;
}
export interface MailWorld {
  readonly db: TestDatabase;
  readonly simulators: Simulators;
  readonly transport: Transport;
  readonly system: SystemDb;
  readonly slept: number[];
  readonly deps: Parameters<typeof sealMail>[0];
  /** Queues a sign-in link, by itself unless `over` says otherwise. Answers its id. */
  queue(to: string, over?: Partial<NewMail>): Promise<string>;
  send(transport?: Transport): Promise<MailRound>;
  row(id: string): Promise<MailRow>;
  /** As if the time had come. */
  due(): Promise<unknown>;
  close(): Promise<void>;
}

export async function openMailWorld(options: { postgres?: boolean } = {}): Promise<MailWorld> {
  const db = await openTestDatabase(options);
  const simulators = await startSimulators();
  const transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
  const mailer = resend({ origin: simulators.origin, apiKey: "re_0123456789", from: "Dialgate <mail@dialgate.example>", fetch });
  const letters = sealedLetters(keyring, mailer);
  const systemOver = (over: Transport) => new SystemDb(over, newId, testPeppers);
  const slept: number[] = [];
  const deps = { newId, publicOrigin: origin, sealLetter: letters.seal };
  const system = systemOver(transport);
  return {
    db,
    simulators,
    transport,
    system,
    slept,
    deps,
    async queue(to, over = {}) {
      const mail = { kind: "sign_in_link", params: { url: `${origin}/sign-in#${token}`, minutes: 15 }, to, ...over } as NewMail;
      const statement = await sealMail(deps, mail);
      await system.query(statement);
      return statement.params[0] as string;
    },
    send: (over = transport) =>
      sendMail({
        system: systemOver(over),
        sendLetter: letters.send,
        repeatableSeconds,
        sleep: async (milliseconds) => void slept.push(milliseconds),
      }),
    async row(id) {
      const { rows } = await db.admin(
        "select *, extract(epoch from due_at - clock_timestamp())::float as wait from mails where id = $1",
        [id],
      );
      return rows[0] as unknown as MailRow;
    },
    due: () => db.admin("update mails set due_at = clock_timestamp(), lease_until = null where sealed is not null"),
    async close() {
      await simulators.close();
      await db.close();
    },
  };
}
