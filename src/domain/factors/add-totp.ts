import type { OrgDb } from "../../db/org-db.ts";
import { confirmTotp, replaceRecoveryCodes, startTotp, totpOf, type TotpRow } from "../../db/queries/factors.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { MintedSession } from "../../lib/session-token.ts";
import { type AddingRefused, whyNotAdd } from "./add-passkey.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { closeOthers, openSession } from "./show-factor.ts";
import { tellFactorChanged } from "./tell-person.ts";

/** How long a secret that was shown waits for its first code. */
const startSeconds = 900;

export interface StartedTotp {
  readonly base32: string;
  readonly uri: string;
  readonly endsAt: Instant;
}

/** A secret for an authenticator app, which is no factor before a code of it was shown. One that waits is replaced. */
export async function startOwnTotp(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
): Promise<Result<StartedTotp, AddingRefused | "totp_exists">> {
  const [person] = await own.rows<PersonRow>(personById(session.userId));
  if (person === undefined) throw new Error("the person of a session is not there");
  const { sealed, base32, uri } = await deps.totpSecrets.mint(session.userId, person.email);
  const subject = publicId("user", session.userId);
  return own.change({ action: "totp.started", subject }, async (w) => {
    const refusal = await whyNotAdd(deps, w, session);
    if (refusal === null) {
      const started = await w.rows(startTotp(session.userId, deps.newId(), sealed, deps.now()));
      if (started.length > 0) return ok({ base32, uri, endsAt: addSeconds(deps.now(), startSeconds) });
    }
    w.withdrawEntry();
    return refuse(refusal ?? "totp_exists");
  });
}

export interface ConfirmedTotp {
  readonly confirmedAt: Instant;
  readonly recoveryCodes: readonly string[];
  readonly renewed: MintedSession;
}

/** The first code makes it a factor, counts as shown, and brings a new set of recovery codes. */
export async function confirmOwnTotp(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  code: string,
): Promise<Result<ConfirmedTotp, AddingRefused | "totp_not_started" | "not_held">> {
  const now = deps.now();
  const [totp] = await own.rows<TotpRow>(totpOf(session.userId));
  if (totp === undefined || totp.confirmed_at !== null || addSeconds(totp.created_at, startSeconds) <= now) {
    return refuse("totp_not_started");
  }
  const step = await deps.totpSecrets.stepOf(session.userId, totp.sealed, code, now);
  if (step === null) return refuse("not_held");
  const codes = await deps.recoveryCodes.mint(session.userId);
  const subject = publicId("user", session.userId);
  const confirmed = await own.change({ action: "totp.added", subject }, async (w) => {
    const refusal = await whyNotAdd(deps, w, session);
    const isConfirmed = refusal === null && (await w.rows(confirmTotp(session.userId, totp.id, step, now))).length > 0;
    if (!isConfirmed) {
      w.withdrawEntry();
      return refuse<AddingRefused | "totp_not_started">(refusal ?? "totp_not_started");
    }
    await w.rows(replaceRecoveryCodes(session.userId, codes.hashes, now));
    w.also({ action: "recovery_codes.made", subject });
    const closed = await closeOthers(w, session);
    await tellFactorChanged(deps, w, session.userId, { when: now, what: "totp_added", closed });
    return ok({ confirmedAt: now, recoveryCodes: codes.clear, renewed: await openSession(deps, w, session) });
  });
  if (confirmed.ok) await deps.wakeMail();
  return confirmed;
}
