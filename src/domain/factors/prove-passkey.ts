import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { countUse, type KnownPasskey, passkeyByCredential, passkeyIsThere, useChallenge } from "../../db/queries/factors.ts";
import { rowsOf } from "../../db/transport.ts";
import { fromBase64Url } from "../../lib/base64url.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { ChallengeUse } from "../../lib/webauthn-challenge.ts";
import { challengeOf, type CheckedUse, checkShown, type ShownCredential } from "./check-passkey.ts";
import type { FactorDeps } from "./factor-deps.ts";
import { tellFactorChanged } from "./tell-person.ts";

/** Whose passkey answered, and what it said. Its counter is still to be judged: `countUse`, where the use is recorded. */
export interface ProvedPasskey extends CheckedUse {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
}
/** `named`: whose passkey the answer named, if it is someone's. */
interface Proof {
  readonly proved: ProvedPasskey | null;
  readonly named: { readonly email: string } | null;
}
const nobody: Proof = { proved: null, named: null };

/** What the challenge was given for, and to whom. `ofUser`: whose passkey alone counts; null: anyone's, who is found by it. */
interface Asked {
  readonly use: ChallengeUse;
  readonly boundTo: string;
  readonly ofUser: string | null;
}

/** Uses the challenge up, whatever comes of its answer. */
export async function provePasskey(
  { challenges, now, publicOrigin }: FactorDeps,
  handle: OrgDb,
  { use, boundTo, ofUser }: Asked,
  credential: ShownCredential,
): Promise<Proof> {
  const challenge = challengeOf(credential.response.clientDataJSON);
  const held = challenge === null ? null : await challenges.read(challenge, use, boundTo, now());
  const credentialId = fromBase64Url(credential.id);
  if (challenge === null || held === null || credentialId === null) return nobody;
  const { answers } = await handle.query(useChallenge(held, now()), passkeyByCredential(credentialId, ofUser));
  const known = answers[1] === undefined ? undefined : rowsOf<KnownPasskey>(answers[1])[0];
  if (known === undefined || answers[0]?.rows.length !== 1) return nobody;
  const { id, user_id: userId, email, public_key: publicKey, backup_eligible: backupEligible } = known;
  const checked = await checkShown(publicOrigin, challenge, credential, { userId, publicKey, backupEligible });
  return { proved: checked === null ? null : { ...checked, id, userId, email }, named: { email } };
}

/**
 * In the transaction of what it opens, which holds its person. `copied`: it was used elsewhere since, as a copy would be; `gone`:
 * it was removed after it was proved.
 */
export async function countPasskeyUse(
  w: OrgWriter,
  { id, counter, backedUp }: ProvedPasskey,
  now: Instant,
): Promise<"counted" | "copied" | "gone"> {
  if ((await w.rows(countUse(id, counter, backedUp, now))).length > 0) return "counted";
  return (await w.rows(passkeyIsThere(id))).length > 0 ? "copied" : "gone";
}

/** A passkey whose counter went back signed something true: there are two of it (WebAuthn Level 3, 6.1.1). Its person is told. */
export async function noteCopied(deps: FactorDeps, handle: OrgDb, { id, userId }: ProvedPasskey): Promise<void> {
  const facts = { user: publicId("user", userId) };
  await handle.change({ action: "passkey.counter_regressed", subject: publicId("passkey", id), facts }, (w) =>
    tellFactorChanged(deps, w, userId, { when: deps.now(), what: "passkey_copied" }),
  );
  await deps.wakeMail();
}
