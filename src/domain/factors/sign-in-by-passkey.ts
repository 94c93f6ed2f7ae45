import type { OrgDb } from "../../db/org-db.ts";
import { lockUser } from "../../db/queries/ways-in.ts";
import { publicId } from "../../lib/ids.ts";
import { type Browser, completeSignIn, type SignedIn } from "../sign-in/complete-sign-in.ts";
import { noteFailure } from "../sign-in/note-failure.ts";
import type { ShownCredential } from "./check-passkey.ts";
import type { FactorDeps } from "./factor-deps.ts";
import { countPasskeyUse, noteCopied, provePasskey } from "./prove-passkey.ts";

/**
 * Signs in whoever the passkey is of: it is both factors, something that they have and what it asked them for. The challenge is
 * bound to the browser by what its cookie keeps. Null when anything does not hold.
 */
export async function signInByPasskey(
  deps: FactorDeps,
  visitor: OrgDb,
  browser: Browser,
  credential: ShownCredential,
): Promise<SignedIn | null> {
  // Nobody has said who they are: without its handle the authenticator has not either (WebAuthn Level 3, 7.2).
  if (credential.response.userHandle == null) return null;
  const asked = { use: "sign_in", boundTo: browser.device, ofUser: null } as const;
  const { proved, named } = await provePasskey(deps, visitor, asked, credential);
  if (proved === null) {
    if (named !== null) await noteFailed(deps, visitor, named.email);
    return null;
  }
  let isCopied = false;
  const facts = { user: publicId("user", proved.userId) };
  const signedIn = await visitor.change({ action: "passkey.used", subject: publicId("passkey", proved.id), facts }, async (w) => {
    await w.rows(lockUser(proved.userId));
    const use = await countPasskeyUse(w, proved, deps.now());
    isCopied = use === "copied";
    const method = "passkey" as const;
    const done = use !== "counted" ? null : await completeSignIn(w, deps, { email: proved.email, method }, browser, deps.now());
    if (done === null) w.withdrawEntry();
    return done;
  });
  if (isCopied) await noteCopied(deps, visitor, proved);
  if (signedIn?.mailQueued === true) await deps.wakeMail();
  return signedIn;
}

/** What concerns nobody's passkey is nobody's attempt, of which nothing is kept. */
async function noteFailed(deps: FactorDeps, visitor: OrgDb, email: string): Promise<void> {
  const mailQueued = await visitor.change({ action: "sign_in.failed", subject: "passkey" }, (w) =>
    noteFailure(w, deps, email, deps.now()),
  );
  if (mailQueued) await deps.wakeMail();
}
