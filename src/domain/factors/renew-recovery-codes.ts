import type { OrgDb } from "../../db/org-db.ts";
import { replaceRecoveryCodes } from "../../db/queries/factors.ts";
import { publicId } from "../../lib/ids.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { tellFactorChanged } from "./tell-person.ts";

/** A new set, told once; those of before are worth nothing any more. */
export async function renewRecoveryCodes(deps: FactorDeps, own: OrgDb, session: ActingSession): Promise<readonly string[]> {
  const codes = await deps.recoveryCodes.mint(session.userId);
  await own.change({ action: "recovery_codes.made", subject: publicId("user", session.userId) }, async (w) => {
    await w.rows(replaceRecoveryCodes(session.userId, codes.hashes, deps.now()));
    await tellFactorChanged(deps, w, session.userId, { when: deps.now(), what: "recovery_codes_made" });
  });
  await deps.wakeMail();
  return codes.clear;
}
