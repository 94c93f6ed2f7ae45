import type { OrgDb } from "../../db/org-db.ts";
import { personById, type PersonRow, takeUntoldCountry } from "../../db/queries/users.ts";
import { deviceName } from "../../lib/device-name.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";

/**
 * Mails a person that a session of theirs is used from another country than before, once for each country in each hour
 * of the clock; on the platform's chain each change is written. The session has lost its second factor by then, and goes on: people travel.
 * @returns false when another request has told it already.
 */
export async function tellElsewhere(
  own: OrgDb,
  deps: MailDeps,
  session: { readonly id: string; readonly userId: string },
  realNow: Instant,
): Promise<boolean> {
  const subject = publicId("session", session.id);
  const facts = { user: publicId("user", session.userId) };
  return own.change({ action: "session.new_country", subject, facts }, async (w) => {
    const [taken] = await w.rows<{ country: string; user_agent: string | null }>(takeUntoldCountry(session.id));
    const [person] = taken === undefined ? [] : await w.rows<PersonRow>(personById(session.userId));
    if (taken === undefined || person === undefined) {
      w.withdrawEntry();
      return false;
    }
    const params = { when: realNow, device: deviceName(taken.user_agent), country: taken.country };
    const dedupeKey = `new_country:${session.id}:${taken.country}:${realNow.slice(0, 13)}`;
    await w.rows(await sealMail(deps, { kind: "session_elsewhere", to: person.email, params, dedupeKey }));
    return true;
  });
}
