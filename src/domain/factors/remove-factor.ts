import type { OrgDb } from "../../db/org-db.ts";
import { removeFactor, type RemovedRow } from "../../db/queries/factors.ts";
import { publicId } from "../../lib/ids.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { noteWaiting } from "./show-factor.ts";
import { tellFactorChanged } from "./tell-person.ts";

/**
 * Takes away one of the person's passkeys, or their authenticator (`null`). Whoever had stolen it may be in another session: those
 * wait for a factor that is left. After the last one no session of theirs has shown a factor any more, and those that a passkey
 * began end: whoever has none touches neither credentials nor members nor policy. False when there is no such factor.
 */
export async function removeOwnFactor(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  passkeyId: string | null,
): Promise<boolean> {
  const entry =
    passkeyId === null
      ? ({ action: "totp.removed", subject: publicId("user", session.userId) } as const)
      : ({ action: "passkey.removed", subject: publicId("passkey", passkeyId) } as const);
  const facts = passkeyId === null ? {} : { user: publicId("user", session.userId) };
  const isRemoved = await own.change({ ...entry, facts }, async (w) => {
    const [row] = await w.rows<RemovedRow>(removeFactor(session.userId, session.id, passkeyId, deps.now()));
    if (row?.removed !== true) {
      w.withdrawEntry();
      return false;
    }
    w.note({ was_last: row.was_last });
    noteWaiting(w, session.userId, row.waiting);
    const what = passkeyId === null ? "totp_removed" : "passkey_removed";
    await tellFactorChanged(deps, w, session.userId, { when: deps.now(), what, closed: row.waiting });
    return true;
  });
  if (isRemoved) await deps.wakeMail();
  return isRemoved;
}
