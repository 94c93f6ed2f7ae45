import { queueMail } from "../../db/queries/mails.ts";
import type { Statement } from "../../db/transport.ts";
import { sha256 } from "../../lib/bytes.ts";
import type { SealLetter } from "../../providers/mail/sealed-letter.ts";
import { renderMail } from "./render-mail.ts";
import type { MailContent } from "./templates.ts";

export interface MailDeps {
  newId(): string;
  readonly publicOrigin: string;
  readonly sealLetter: SealLetter;
}

export type NewMail = MailContent & {
  readonly to: string;
  /** At most one mail of this key in the thirty days that its row is kept. Made of ids and dates, as `new_device:ses_…`, and no address. */
  readonly dedupeKey?: string;
  /**
   * Who asked for it, where one can ask for many: their network, their organisation. It then waits for their other mails and
   * not for anybody else's. Left out, it waits for the recipient's.
   */
  readonly askedBy?: string;
};

/** What `users` and `invitations` hold. */
const addressCharactersMax = 320;
const daySeconds = 86_400;

/**
 * A mail as one statement, which any handle carries in its own batch or transaction: the mail commits with what it tells of,
 * or not at all. Rendered and sealed here, so that what is stored can be read by nobody and sent only as it stands. After the
 * commit `wakeMail()` sends it at once; without that, the next tick does.
 * @throws RangeError for an address that is not exactly one, or a key that could hold an address; neither is repeated.
 */
export async function sealMail(deps: MailDeps, mail: NewMail): Promise<Statement> {
  const { to, kind, dedupeKey = null } = mail;
  // A comma or a line end would make other recipients or headers of it.
  if (to.length > addressCharactersMax || !/^[^\s\p{C},;:<>()[\]\\"@]+@[^\s\p{C},;:<>()[\]\\"@]+$/u.test(to))
    throw new RangeError("a mail goes to one address");
  if (dedupeKey !== null && !/^[A-Za-z0-9_:.-]{1,200}$/.test(dedupeKey))
    throw new RangeError("a mail's dedupe key is made of ids and dates");
  const id = deps.newId();
  const sealed = await deps.sealLetter(id, { to, ...renderMail(mail, deps.publicOrigin) });
  const lane = mail.askedBy === undefined ? recipientLanes + laneOf(to.toLowerCase()) : laneOf(mail.askedBy);
  return queueMail({ id, kind, sealed, dedupeKey, usefulSeconds: usefulSeconds(mail), lane });
}

/** Apart from those of whoever asks: nobody finds a network that falls on the lane of another's alerts. */
const recipientLanes = 65_536;
/**
 * One of 65,536. Two that fall on one wait for each other, and that is all. Sixteen bits of a hash: whoever has the table can tell a
 * few candidates apart by them while the mail is open, and they go with its content.
 */
function laneOf(who: string): number {
  const [high = 0, low = 0] = sha256(who);
  return high * 256 + low;
}

/** Later than this nobody is served by it. */
function usefulSeconds(mail: MailContent): number {
  if (mail.kind === "sign_in_link") return mail.params.minutes * 60;
  return mail.kind === "invitation" ? mail.params.days * daySeconds : 7 * daySeconds;
}
