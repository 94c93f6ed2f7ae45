import * as queries from "../../db/queries/mails.ts";
import type { SystemDb } from "../../db/system-db.ts";
import { rowsOf, type Statement } from "../../db/transport.ts";

export type TakenMail = queries.TakenMail;
export type ClosedMail = queries.ClosedMail;

export async function mailIsDue(system: SystemDb): Promise<boolean> {
  return (await first<{ due: boolean }>(system, queries.mailIsDue()))?.due === true;
}

/** Leases mails that are due. Nobody else gets them while the lease lasts. */
export async function takeMails(
  system: SystemDb,
  rowsMax: number,
  leaseSeconds: number,
  repeatableSeconds: number,
): Promise<TakenMail[]> {
  const [answer] = await system.query(queries.takeMails(rowsMax, leaseSeconds, repeatableSeconds));
  return answer === undefined ? [] : rowsOf<TakenMail>(answer);
}

/** Records what came of a mail. True when it is given up. */
export async function closeMail(system: SystemDb, closed: ClosedMail, triesMax: number): Promise<boolean> {
  return (await first<{ given_up: boolean }>(system, queries.closeMail(closed, triesMax)))?.given_up === true;
}

/** Mails that were leased and not tried. */
export async function returnMails(system: SystemDb, mails: readonly TakenMail[], waitSeconds: number): Promise<void> {
  if (mails.length > 0) await system.query(queries.returnMails(mails, waitSeconds));
}

async function first<Row>(system: SystemDb, statement: Statement): Promise<Row | undefined> {
  const [answer] = await system.query(statement);
  return answer === undefined ? undefined : rowsOf<Row>(answer)[0];
}
