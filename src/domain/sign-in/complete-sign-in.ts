import type { OrgWriter } from "../../db/org-db.ts";
import { type Admission, admitPerson, endReplacedSession } from "../../db/queries/sign-in.ts";
import type { NewSession } from "../../db/queries/users.ts";
import { deviceName } from "../../lib/device-name.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { SessionMint } from "../../lib/session-token.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import { startSession } from "../sessions/start-session.ts";
import { hashOfSecret } from "./link-secrets.ts";

export interface SignInDeps extends MailDeps {
  readonly mintSession: SessionMint;
}
/** The browser that somebody signs in with. */
export interface Browser {
  /** What it keeps for a year, so that it is known again. */
  readonly device: string;
  readonly country: string | null;
  readonly userAgent: string | null;
  /** The session that it sent along: it ends, whoever's it was. */
  readonly session: { readonly id: string; readonly hash: Uint8Array } | null;
}
export interface SignedIn {
  readonly userId: string;
  readonly sessionId: string;
  /** Their account was made now. */
  readonly isNewUser: boolean;
  /** The session's token, for the cookie. */
  readonly clear: string;
  readonly secondFactorDue: boolean;
  /** A mail was queued: after the commit somebody may wake its sender. */
  readonly mailQueued: boolean;
}

/**
 * What follows once an address is proved, in the transaction that proved it: the person's account, made now if they have none;
 * the browser among those that they use; a session of its own, and none that the browser had before (fixation: ASVS 7.2.4).
 * From a new browser or country a mail tells them. Null when the account is disabled.
 */
export async function completeSignIn(
  w: OrgWriter,
  deps: SignInDeps,
  proved: { readonly email: string; readonly method: NewSession["method"] },
  browser: Browser,
  now: Instant,
): Promise<SignedIn | null> {
  const { email, method } = proved;
  const { country } = browser;
  const deviceHash = hashOfSecret(browser.device);
  const asked = { userId: deps.newId(), deviceId: deps.newId(), email, deviceHash, country, now };
  const [admitted] = await w.rows<Admission>(admitPerson(asked));
  if (admitted === undefined) throw new Error("nobody was admitted, and nobody was refused");
  if (admitted.disabled) return null;
  if (admitted.is_new) w.also({ action: "user.created", subject: publicId("user", admitted.user_id), facts: { method } });
  await endReplaced(w, browser.session, now);
  const minted = await deps.mintSession(admitted.user_id);
  const userAgent = browser.userAgent?.slice(0, userAgentCharactersMax) ?? null;
  const session = await startSession(w, minted, { method, deviceId: admitted.device_id, country, userAgent }, now);
  const isNew = admitted.device_is_new || admitted.country_is_new;
  if (isNew) await tellOfNew(w, deps, { ...admitted, email, country, userAgent, sessionId: minted.id }, now);
  const secondFactorDue = session.stage === "factor_due";
  const { user_id: userId, is_new: isNewUser } = admitted;
  return { userId, sessionId: minted.id, isNewUser, clear: minted.clear, secondFactorDue, mailQueued: isNew };
}

const userAgentCharactersMax = 300;

async function endReplaced(w: OrgWriter, before: Browser["session"], now: Instant): Promise<void> {
  if (before === null) return;
  const [ended] = await w.rows<{ id: string }>(endReplacedSession(before.id, before.hash, now));
  if (ended !== undefined)
    w.also({ action: "session.ended", subject: publicId("session", ended.id), facts: { by: "another sign-in in its browser" } });
}

type Unfamiliar = Admission & {
  readonly email: string;
  readonly country: string | null;
  readonly userAgent: string | null;
  readonly sessionId: string;
};
/** Nobody is kept out for it: the session begins without a second factor shown, and the person is told. */
async function tellOfNew(w: OrgWriter, deps: SignInDeps, one: Unfamiliar, now: Instant): Promise<void> {
  w.also({
    action: "session.new_device",
    subject: publicId("session", one.sessionId),
    facts: { user: publicId("user", one.user_id), new_device: one.device_is_new, new_country: one.country_is_new },
  });
  const params = { when: now, device: deviceName(one.userAgent), country: one.country };
  await w.rows(await sealMail(deps, { kind: "new_device", to: one.email, params }));
}
