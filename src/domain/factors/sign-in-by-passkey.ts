import type { OrgDb } from "../../db/org-db.ts";
import { signedIn } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import type { MintedSession } from "../../lib/session-token.ts";
import { type SignedInBy, startSession } from "../sessions/start-session.ts";
import type { ShownCredential } from "./check-passkey.ts";
import type { FactorDeps } from "./factor-deps.ts";
import { countPasskeyUse, noteCopied, provePasskey } from "./prove-passkey.ts";

/**
 * Signs in whoever the passkey is of: it is both factors, something that they have and what it asked them for. Null when
 * anything does not hold.
 */
export async function signInByPasskey(
  deps: FactorDeps,
  visitor: OrgDb,
  browser: string,
  credential: ShownCredential,
  by: Omit<SignedInBy, "method">,
): Promise<MintedSession | null> {
  // Nobody has said who they are: without its handle the authenticator has not either (WebAuthn Level 3, 7.2).
  if (credential.response.userHandle == null) return null;
  const proof = await provePasskey(deps, visitor, { use: "sign_in", boundTo: browser }, credential);
  if (proof.proved === null) {
    if (proof.userId !== null) await noteFailed(visitor, proof.userId);
    return null;
  }
  const { proved } = proof;
  const minted = await deps.mintSession(proved.userId);
  const facts = { user: publicId("user", proved.userId) };
  const isIn = await visitor.change({ action: "passkey.used", subject: publicId("passkey", proved.id), facts }, async (w) => {
    if (!(await countPasskeyUse(w, proved, deps.now()))) {
      w.withdrawEntry();
      return false;
    }
    await startSession(w, minted, { ...by, method: "passkey" }, deps.now());
    await w.rows(signedIn(proved.userId, deps.now()));
    return true;
  });
  if (isIn) return minted;
  await noteCopied(deps, visitor, proved);
  return null;
}

const noteFailed = (visitor: OrgDb, userId: string) =>
  visitor.change(
    { action: "sign_in.failed", subject: publicId("user", userId), facts: { method: "passkey" } },
    async () => undefined,
  );
