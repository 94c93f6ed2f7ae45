import type { OrgDb } from "../../db/org-db.ts";
import { takeRecoveryCode, type TakenCodeRow, takeStep, totpOf, type TotpRow } from "../../db/queries/factors.ts";
import { publicId } from "../../lib/ids.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { refuseFactor, showFactor, type Shown } from "./show-factor.ts";
import { tellFactorChanged } from "./tell-person.ts";

/** A code of the person's authenticator. Each step is taken once, and none before the latest that was. */
export async function showTotp(deps: FactorDeps, own: OrgDb, session: ActingSession, code: string): Promise<Shown> {
  const [totp] = await own.rows<TotpRow>(totpOf(session.userId));
  const step =
    totp === undefined || totp.confirmed_at === null
      ? null
      : await deps.totpSecrets.stepOf(session.userId, totp.sealed, code, deps.now());
  if (totp === undefined || step === null) return refuseFactor(deps, own, session, "totp");
  return showFactor(deps, own, session, "totp", async (w) => (await w.rows(takeStep(session.userId, totp.id, step))).length > 0);
}

/** A recovery code in the place of a factor that is lost: once, and its person is told. */
export async function showRecoveryCode(deps: FactorDeps, own: OrgDb, session: ActingSession, code: string): Promise<Shown> {
  const hash = await deps.recoveryCodes.hashOf(session.userId, code);
  if (hash === null) return refuseFactor(deps, own, session, "recovery_code");
  const shown = await showFactor(deps, own, session, "recovery_code", async (w) => {
    const [taken] = await w.rows<TakenCodeRow>(takeRecoveryCode(session.userId, hash, deps.now()));
    if (taken === undefined) return false;
    const facts = { codes_left: taken.codes_left };
    w.also({ action: "recovery_code.used", subject: publicId("user", session.userId), facts });
    const left = taken.codes_left;
    await tellFactorChanged(deps, w, session.userId, { when: deps.now(), what: "recovery_code_used", codesLeft: left });
    return true;
  });
  if (shown.ok) await deps.wakeMail();
  return shown;
}
