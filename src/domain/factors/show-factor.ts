import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { type FailuresRow, holdSession, noteFailure } from "../../db/queries/factors.ts";
import { rotateSession } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import type { MintedSession } from "../../lib/session-token.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { tellManyFailures } from "./tell-person.ts";

export type FactorMethod = "passkey" | "totp" | "recovery_code";

/** So many that did not hold end the session, whose person signs in anew; half as many are told by mail. */
export const failuresMax = 10;
const failuresTold = 5;

/**
 * A second factor in a session: what `take` takes is taken once, and the session goes on, open, under another token. Null when
 * it does not hold, for whatever reason: the attempt is counted, and the reason is nobody's business.
 */
export async function showFactor(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  method: FactorMethod,
  take: (w: OrgWriter) => Promise<boolean>,
): Promise<MintedSession | null> {
  const entry = { action: "second_factor.shown", subject: publicId("session", session.id), facts: { method } } as const;
  const renewed = await own.change(entry, async (w) => {
    if ((await w.rows(holdSession(session, deps.now()))).length > 0 && (await take(w))) return openSession(deps, w, session);
    w.withdrawEntry();
    return null;
  });
  return renewed ?? refuseFactor(deps, own, session, method);
}

/** In the transaction that proved a factor: the session is open, has shown one, and goes on under another token. */
export async function openSession(deps: FactorDeps, w: OrgWriter, session: ActingSession): Promise<MintedSession> {
  const minted = await deps.mintSession(session.userId, session.id);
  const rotated = await w.rows(rotateSession(minted, deps.now(), true));
  if (rotated.length === 0) throw new Error("a session that was held is gone");
  return minted;
}

export async function refuseFactor(deps: FactorDeps, own: OrgDb, session: ActingSession, method: FactorMethod): Promise<null> {
  const entry = { action: "second_factor.failed", subject: publicId("session", session.id), facts: { method } } as const;
  const failures = await own.change(entry, async (w) => {
    const [row] = await w.rows<FailuresRow>(noteFailure(session.id, failuresMax, deps.now()));
    if (row === undefined) {
      w.withdrawEntry();
      return 0;
    }
    w.note({ failures: row.factor_failures });
    if (row.factor_failures === failuresTold) await tellManyFailures(deps, w, session.userId, deps.now());
    if (row.factor_failures === failuresMax) {
      w.also({ action: "session.ended", subject: entry.subject, facts: { by: "second factors that did not hold" } });
    }
    return row.factor_failures;
  });
  if (failures === failuresTold) await deps.wakeMail();
  return null;
}
