import type { OrgWriter } from "../../db/org-db.ts";
import { queueOnlyIf } from "../../db/queries/mails.ts";
import { noteSignInFailure } from "../../db/queries/sign-in.ts";
import { demandFactorAgain } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";

/**
 * Counts a failed attempt for an address, and at ten within fifteen minutes tells its person and the chain, once an hour; their
 * sessions show a second factor again before they touch what takes one. It locks nothing: whoever knows an address could keep
 * its person out (ASVS 6.1.1). Whoever holds one of the person's sessions in their transaction counts first, because all of
 * them are taken here. For an address that is nobody's the same statements run, so that the two take the same time. True when
 * the mails' sender is to be woken.
 */
export async function noteFailure(w: OrgWriter, deps: MailDeps, email: string, now: Instant): Promise<boolean> {
  const [noted] = await w.rows<{ alert: boolean; user_id: string | null }>(noteSignInFailure(email, now));
  if (noted === undefined) throw new Error("a failed attempt was not counted");
  const user = noted.user_id === null ? null : publicId("user", noted.user_id);
  w.note({ user });
  if (!noted.alert) return false;
  const mail = await sealMail(deps, { kind: "too_many_failures", to: email, params: { when: now } });
  await w.rows(demandFactorAgain(noted.user_id));
  w.also({ action: "sign_in.many_failures", subject: user ?? "nobody" });
  await w.rows(queueOnlyIf(mail, user !== null));
  return true;
}
