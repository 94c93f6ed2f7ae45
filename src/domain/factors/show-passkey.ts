import type { OrgDb } from "../../db/org-db.ts";
import type { ShownCredential } from "./check-passkey.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { countPasskeyUse, noteCopied, provePasskey } from "./prove-passkey.ts";
import { refuseFactor, showFactor, type Shown } from "./show-factor.ts";

/** A passkey of the session's own person, on a challenge of this session. */
export async function showPasskey(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  credential: ShownCredential,
): Promise<Shown> {
  const asked = { use: "second_factor", boundTo: session.id, ofUser: session.userId } as const;
  const { proved } = await provePasskey(deps, own, asked, credential);
  // Asked of the query, and looked at here again: anyone's passkey would open every session that waits.
  if (proved === null || proved.userId !== session.userId) return refuseFactor(deps, own, session, "passkey");
  let isCopied = false;
  const shown = await showFactor(deps, own, session, "passkey", async (w) => {
    const use = await countPasskeyUse(w, proved, deps.now());
    isCopied = use === "copied";
    return use === "counted";
  });
  if (isCopied) await noteCopied(deps, own, proved);
  return shown;
}
