import type { Statement } from "../transport.ts";

export interface NewMailRow {
  readonly id: string;
  readonly kind: string;
  /** Sealed for this id. */
  readonly sealed: object;
  readonly dedupeKey: string | null;
  readonly usefulSeconds: number;
  /** Any number that mails which wait for one another share. */
  readonly lane: number;
}
/** Between two turns of one lane: twice as many lanes as this may be full before others wait, with two mails sent a second. */
const turnSeconds = 60;

/** Commits with whatever it is sent beside, in any handle's batch or transaction. */
export const queueMail = ({ id, kind, sealed, dedupeKey, usefulSeconds, lane }: NewMailRow): Statement => ({
  name: "app.queue_mail",
  text: "select app.queue_mail($1, $2, $3::jsonb, $4, $5, $6, $7) as queued",
  params: [id, kind, JSON.stringify(sealed), dedupeKey, usefulSeconds, lane, turnSeconds],
});

/** The same statement, which queues nothing where there is nobody to be told. */
export const queueOnlyIf = (mail: Statement, isSomeone: boolean): Statement => ({
  ...mail,
  text: "select case when $8::boolean then app.queue_mail($1, $2, $3::jsonb, $4, $5, $6, $7) end as queued",
  params: [...mail.params, isSomeone],
});

export const mailIsDue = (): Statement => ({ name: "app.mail_is_due", text: "select app.mail_is_due() as due", params: [] });

export interface TakenMail {
  readonly id: string;
  readonly sealed: unknown;
  /** How often it was tried, this time included: only whoever tried last may say what came of it. */
  readonly tries: number;
  /** It came too late and is not to be sent. */
  readonly given_up: boolean;
}
export const takeMails = (rowsMax: number, leaseSeconds: number, repeatableSeconds: number): Statement => ({
  name: "app.take_mails",
  text: "select id, sealed, tries, given_up from app.take_mails($1, $2, $3)",
  params: [rowsMax, leaseSeconds, repeatableSeconds],
});

export interface ClosedMail {
  readonly id: string;
  readonly tries: number;
  readonly answer: "sent" | "refused" | "again";
  readonly reason: string | null;
  readonly providerId: string | null;
  readonly waitSeconds: number;
}
/** Answers whether the mail was given up. */
export const closeMail = ({ id, tries, answer, reason, providerId, waitSeconds }: ClosedMail, triesMax: number): Statement => ({
  name: "app.close_mail",
  text: "select app.close_mail($1, $2, $3, $4, $5, $6, $7) as given_up",
  params: [id, tries, answer, reason, providerId, waitSeconds, triesMax],
});

export const returnMails = (mails: readonly Pick<TakenMail, "id" | "tries">[], waitSeconds: number): Statement => ({
  name: "app.return_mails",
  text: "select app.return_mails($1::uuid[], $2::integer[], $3)",
  params: [mails.map((mail) => mail.id), mails.map((mail) => mail.tries), waitSeconds],
});

/** Answers how many it took away: those that were sent or given up so many days ago, and more. */
export const forgetMails = (rowsMax: number, keepDays: number): Statement => ({
  name: "app.forget_mails",
  text: "select app.forget_mails($1, $2) as forgotten",
  params: [rowsMax, keepDays],
});
