import type { OrgDb } from "../../db/org-db.ts";
import { type RemovedIdentity, removeIdentity } from "../../db/queries/oidc.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import type { ActingSession, FactorDeps } from "../factors/factor-deps.ts";
import { sealMail } from "../mail/mail.ts";
import { providerTitles } from "../sign-in/oidc/provider-titles.ts";

/**
 * Takes one of the person's accounts at a provider away: it signs in to them no more, and the sessions that it began end, but
 * the one that asks. Whoever has it may be who it was taken away from, so that its address brings it back to nobody
 * (finish-sign-in.ts). @returns how many sessions ended; null when there is no such account of theirs.
 */
export async function removeOwnIdentity(
  deps: Pick<FactorDeps, "newId" | "now" | "publicOrigin" | "sealLetter" | "wakeMail">,
  own: OrgDb,
  session: ActingSession,
  id: string,
): Promise<number | null> {
  const [identity, user] = [publicId("identity", id), publicId("user", session.userId)];
  const ended = await own.change({ action: "identity.removed", subject: identity, facts: { user } }, async (w) => {
    const [gone] = await w.rows<RemovedIdentity>(removeIdentity(session.userId, id, session.id, deps.now()));
    const [person] = await w.rows<PersonRow>(personById(session.userId));
    if (gone === undefined || person === undefined) {
      w.withdrawEntry();
      return null;
    }
    w.note({ provider: gone.provider, sessions: gone.ended.length });
    for (const one of gone.ended)
      w.also({
        action: "session.ended",
        subject: publicId("session", one),
        facts: { by: "the removal of the account that began it" },
      });
    const params = { provider: providerTitles[gone.provider], when: deps.now(), ended: gone.ended.length };
    await w.rows(await sealMail(deps, { kind: "sign_in_removed", to: person.email, params }));
    return gone.ended.length;
  });
  if (ended !== null) await deps.wakeMail();
  return ended;
}
