import type { Context } from "hono";
import type { OperationId } from "../domain/access/operations.ts";
import type { AddingRefused } from "../domain/factors/add-passkey.ts";
import { failuresMax, isProven } from "../domain/factors/show-factor.ts";
import type { ActingSession } from "../domain/factors/factor-deps.ts";
import { hexOf } from "../lib/bytes.ts";
import type { MintedSession } from "../lib/session-token.ts";
import { rebind } from "./bind-org.ts";
import type { HttpEnv } from "./http-env.ts";
import { limitChallenge, limitCodes } from "./limit-challenges.ts";
import { peopleOnly } from "./on-error.ts";
import { Problem } from "./problem.ts";
import { setSessionCookie } from "./session-cookie.ts";

/** The session that asks. A key has none, and is told so once it was proved. */
export function actingIn(c: Context<HttpEnv>): ActingSession {
  const { principal } = c.var;
  if (principal.kind !== "session") throw peopleOnly(true);
  return { id: principal.sessionId, userId: principal.id, hash: principal.hash };
}

/**
 * Counts an attempt by person, session and address, before it is looked at. The session as it was sent, secret included: who
 * knows its id alone uses up nothing of its owner's.
 */
export const limitFactor = (c: Context<HttpEnv>, kind: string): Promise<void> => {
  const { userId, hash } = actingIn(c);
  const device = hexOf(hash);
  return limitChallenge(c, { kind, account: userId, device, known: { by: device, isSo: () => isProvenHere(c) } });
};

/** The same for a code, which is one of a million: from browsers that never showed a factor, the account has so many a day. */
export async function limitCode(c: Context<HttpEnv>): Promise<void> {
  await limitFactor(c, "totp");
  if (!(await isProvenHere(c))) await limitCodes(c, actingIn(c).userId);
}

/** Whoever is signed in is known, but while a factor is due not by having read a mail. Binding proves the session itself, or refuses it. */
async function isProvenHere(c: Context<HttpEnv>): Promise<boolean> {
  await c.var.org.bound();
  return isProven(c.env.system, actingIn(c).id);
}

/** After a second factor was shown: the browser gets the session's new token, and the old one is worth nothing. */
export function renewFor(c: Context<HttpEnv>, operation: OperationId, renewed: MintedSession): void {
  setSessionCookie(c, renewed.clear);
  rebind(c, operation, renewed.hash);
}

/** One answer for whatever does not hold; the attempt that was one too many says what became of the session. */
export function factorRefused(pointer: "/code" | "/credential", refusal: "not_held" | "session_ended" = "not_held"): Problem {
  const what = pointer === "/code" ? "The code does not hold." : "The passkey's answer does not hold.";
  const then =
    refusal === "session_ended" ? `With ${failuresMax} that did not, this session has ended: sign in again.` : "Each holds once.";
  const detail = `${what} ${then}`;
  return new Problem("factor_refused", { detail, errors: [{ pointer, code: "factor_refused", detail }] });
}

export function addingRefused(refusal: AddingRefused): Problem {
  return refusal === "factor_missing"
    ? new Problem("second_factor_missing", { detail: "Show a second factor that you have before you add another." })
    : new Problem("session_not_recent", {
        detail: "You signed in more than fifteen minutes ago: sign in again, and add it then.",
      });
}
