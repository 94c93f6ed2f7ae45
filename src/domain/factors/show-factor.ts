import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import {
  closeOtherSessions,
  type FailuresRow,
  holdSession,
  isProvenSession,
  noteFailure,
  noteProvenDevice,
} from "../../db/queries/factors.ts";
import type { SystemDb } from "../../db/system-db.ts";
import { rowsOf } from "../../db/transport.ts";
import { lockUser } from "../../db/queries/ways-in.ts";
import { personById, type PersonRow, rotateSession } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { MintedSession } from "../../lib/session-token.ts";
import { noteFailure as noteForAccount } from "../sign-in/note-failure.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";

/** `session_ended`: neither does it hold, and with it the session is over. */
export type Shown = Result<MintedSession, "not_held" | "session_ended">;
export type FactorMethod = "passkey" | "totp" | "recovery_code";

/** So many that did not hold end the session, whose person signs in anew: the challenge is locked, never the account. */
export const failuresMax = 10;

/**
 * A second factor in a session: what `take` takes is taken once, and the session goes on, open, under another token. Refused
 * when it does not hold, for whatever reason: the attempt is counted, and the reason is nobody's business.
 */
export async function showFactor(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  method: FactorMethod,
  take: (w: OrgWriter) => Promise<boolean>,
): Promise<Shown> {
  const entry = { action: "second_factor.shown", subject: publicId("session", session.id), facts: { method } } as const;
  const renewed = await own.change(entry, async (w) => {
    await w.rows(lockUser(session.userId));
    if ((await w.rows(holdSession(session, deps.now()))).length > 0 && (await take(w))) return openSession(deps, w, session);
    w.withdrawEntry();
    return null;
  });
  return renewed === null ? refuseFactor(deps, own, session, method) : ok(renewed);
}

/** In the transaction that proved a factor: the session is open, has shown one, and goes on under another token. */
export async function openSession(deps: FactorDeps, w: OrgWriter, session: ActingSession): Promise<MintedSession> {
  const minted = await deps.mintSession(session.userId, session.id);
  const rotated = await w.rows(rotateSession(minted, deps.now(), true));
  if (rotated.length === 0) throw new Error("a session that was held is gone");
  await w.rows(noteProvenDevice(session.id, deps.now()));
  return minted;
}

/** Whether more is known of who is in the session than that they read its person's mail. */
export async function isProven(system: SystemDb, sessionId: string): Promise<boolean> {
  const [answer] = await system.query(isProvenSession(sessionId));
  return answer !== undefined && rowsOf<{ proven: boolean }>(answer)[0]?.proven === true;
}

/** In the transaction that added a factor, after it: how many other sessions wait for it now, because it is the first. */
export async function closeOthers(w: OrgWriter, session: ActingSession): Promise<number> {
  const { length } = await w.rows(closeOtherSessions(session.userId, session.id));
  noteWaiting(w, session.userId, length);
  return length;
}
export function noteWaiting(w: OrgWriter, userId: string, sessions: number): void {
  if (sessions > 0) w.also({ action: "sessions.factor_due", subject: publicId("user", userId), facts: { sessions } });
}

/** Counted for the session, and with every other failed attempt to sign in for the account, whose person is told of many. */
export async function refuseFactor(deps: FactorDeps, own: OrgDb, session: ActingSession, method: FactorMethod): Promise<Shown> {
  const entry = { action: "second_factor.failed", subject: publicId("session", session.id), facts: { method } } as const;
  let hasEnded = false;
  const mailQueued = await own.change(entry, async (w) => {
    const [person] = await w.rows<PersonRow>(personById(session.userId));
    if (person === undefined) throw new Error("the person of a session is not there");
    // Before the session is taken: see noteForAccount.
    const isTold = await noteForAccount(w, deps, person.email, deps.now());
    const [row] = await w.rows<FailuresRow>(noteFailure(session.id, failuresMax, deps.now()));
    // It has ended meanwhile, and the attempt was one all the same.
    if (row === undefined) return isTold;
    w.note({ failures: row.factor_failures });
    hasEnded = row.factor_failures === failuresMax;
    if (hasEnded) {
      w.also({ action: "session.ended", subject: entry.subject, facts: { by: "second factors that did not hold" } });
    }
    return isTold;
  });
  if (mailQueued) await deps.wakeMail();
  return refuse(hasEnded ? "session_ended" : "not_held");
}
