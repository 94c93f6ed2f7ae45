import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { consumeLink, linkByToken, type LinkRow, tryRelayCode, type UsedLink } from "../../db/queries/sign-in.ts";
import { rowsOf } from "../../db/transport.ts";
import type { Instant } from "../../lib/instant.ts";
import { readRelayCode, shownCode } from "../../lib/relay-code.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { LinkDeps } from "./ask-for-link.ts";
import { type Browser, completeSignIn, type SignedIn, type SignInDeps } from "./complete-sign-in.ts";
import { givenSecret, hashOfCode, hashOfSecret, relayCode } from "./link-secrets.ts";
import { knownPath, type NextPath } from "./next-path.ts";
import { noteFailure } from "./note-failure.ts";

export type OpenDeps = LinkDeps & SignInDeps;
/** Somebody who is not known yet. */
export interface Visitor {
  /** On the platform's chain. */
  readonly visitor: OrgDb;
  /** What the browser keeps from asking; null: it did not ask, or not lately. */
  readonly verifier: string | null;
  readonly browser: Browser;
}
export type Completed = SignedIn & { readonly next: NextPath | null };
/** Which of unknown, used, expired, replaced or mistyped it was is told to nobody. */
export interface Refused {
  readonly mailQueued: boolean;
}
type Completion = Result<Completed, Refused>;
export type Opened = Result<Completed | { readonly relayCode: string }, Refused>;

/**
 * The link of a mail, opened on purpose. In the browser that asked for it, it is used up and signs in. In any other it uses up
 * nothing and gives the code that the asking browser takes: whoever only holds the mail, as its scanner does, gets no session.
 */
export async function openLink(deps: OpenDeps, from: Visitor, token: string, now: Instant): Promise<Opened> {
  if (givenSecret(token) === null) return refuse(nothingQueued);
  const tokenHash = hashOfSecret(token);
  const verifierHash = from.verifier === null ? null : hashOfSecret(from.verifier);
  const [answer] = await deps.system.query(linkByToken(tokenHash, verifierHash, now));
  const link = answer === undefined ? undefined : rowsOf<LinkRow>(answer)[0];
  if (link === undefined) return refuse(nothingQueued);
  if (link.live && !link.mine) return ok({ relayCode: shownCode(await relayCode(deps.keyedHash, token)) });
  return attempted(from.visitor, async (w) => {
    // What was read before says which answer; who gets the row is decided here.
    const used = verifierHash === null ? undefined : (await w.rows<UsedLink>(consumeLink(tokenHash, verifierHash, now)))[0];
    if (used !== undefined) return entered(w, deps, used, from.browser, now);
    // It has ended, and was right once: no guess, which counts at no account. Whatever keeps old mails could press it for ever.
    w.note({ ended: true });
    return refuse(nothingQueued);
  });
}

/** The code that another browser showed for a link of this one. Five are compared for each link. */
export async function enterCode(deps: OpenDeps, from: Visitor, typed: string, now: Instant): Promise<Completion> {
  const code = readRelayCode(typed);
  const { verifier } = from;
  if (code === null || verifier === null) return refuse(nothingQueued);
  const [verifierHash, codeHash] = [hashOfSecret(verifier), await hashOfCode(deps.keyedHash, verifier, code)];
  return attempted(from.visitor, async (w) => {
    const tried = await w.rows<UsedLink & { used: boolean }>(tryRelayCode(verifierHash, codeHash, now));
    const used = tried.find((one) => one.used);
    if (used !== undefined) return entered(w, deps, used, from.browser, now);
    return failed(w, deps, [...new Set(tried.map((one) => one.email))], now);
  });
}

const nothingQueued: Refused = { mailQueued: false };

/** The entry of a failure stands unless the attempt turns out to be something else. */
const attempted = (visitor: OrgDb, work: (w: OrgWriter) => Promise<Completion>): Promise<Completion> =>
  visitor.change({ action: "sign_in.failed", subject: "link" }, work);

async function entered(w: OrgWriter, deps: OpenDeps, used: UsedLink, browser: Browser, now: Instant): Promise<Completion> {
  const { email, next_path } = used;
  const done = await completeSignIn(w, deps, { email, method: "link" }, browser, now);
  // The link is used up all the same, and the answer is that of a link that does not work.
  if (done === null) return refuse(nothingQueued);
  w.withdrawEntry();
  return ok({ ...done, next: knownPath(next_path) });
}

/** @param emails of the links that it was tried on; none: nobody's attempt, of which nothing is kept. */
async function failed(w: OrgWriter, deps: OpenDeps, emails: readonly string[], now: Instant): Promise<Completion> {
  if (emails.length === 0) w.withdrawEntry();
  let mailQueued = false;
  for (const email of emails.toSorted()) mailQueued = (await noteFailure(w, deps, email, now)) || mailQueued;
  return refuse({ mailQueued });
}
