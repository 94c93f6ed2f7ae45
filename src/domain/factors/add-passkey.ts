import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import {
  addingRefused,
  holdSession,
  insertPasskey,
  type PasskeyRow,
  passkeysOf,
  useChallenge,
} from "../../db/queries/factors.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { rowsOf } from "../../db/transport.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { MintedSession } from "../../lib/session-token.ts";
import { type DescribedCredential, describeCredential, timeoutMilliseconds } from "./ask-passkey.ts";
import { algorithms, challengeOf, checkCreated, type CreatedCredential, relyingPartyOf, userHandleOf } from "./check-passkey.ts";
import type { ActingSession, FactorDeps } from "./factor-deps.ts";
import { closeOthers, openSession } from "./show-factor.ts";
import { tellFactorChanged } from "./tell-person.ts";

/** A first factor is added right after signing in: later someone else may sit at the session (ASVS 7.5.1). */
export const recentSeconds = 900;
export const passkeysMax = 20;

/** Why a session may not add a factor now. */
export type AddingRefused = "factor_missing" | "session_old";

/** For `navigator.credentials.create()`, by `PublicKeyCredential.parseCreationOptionsFromJSON()`. */
export interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly pubKeyCredParams: readonly { readonly type: "public-key"; readonly alg: number }[];
  readonly timeout: number;
  readonly excludeCredentials: readonly DescribedCredential[];
  readonly authenticatorSelection: {
    readonly residentKey: "required";
    readonly requireResidentKey: true;
    readonly userVerification: "required";
  };
  readonly attestation: "none";
}

export async function askNewPasskey(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
): Promise<Result<CreationOptions, AddingRefused>> {
  const { answers } = await own.query(
    addingRefused(session.userId, session.id, deps.now(), recentSeconds),
    personById(session.userId),
    passkeysOf(session.userId),
  );
  const [refused, people, passkeys] = answers;
  const [person] = people === undefined ? [] : rowsOf<PersonRow>(people);
  if (refused === undefined || passkeys === undefined || person === undefined) throw new Error("a batch lost an answer");
  const refusal = rowsOf<{ refusal: AddingRefused | null }>(refused)[0]?.refusal ?? null;
  if (refusal !== null) return refuse(refusal);
  return ok({
    challenge: await deps.challenges.issue("register", session.id, deps.now()),
    rp: { id: relyingPartyOf(deps.publicOrigin).id, name: "Dialgate" },
    user: { id: userHandleOf(session.userId), name: person.email, displayName: person.name ?? person.email },
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
    timeout: timeoutMilliseconds,
    excludeCredentials: rowsOf<PasskeyRow>(passkeys).map(describeCredential),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    attestation: "none",
  });
}

export interface AddedPasskey {
  readonly passkey: PasskeyRow;
  /** The session has shown a factor by this, and goes on under another token. */
  readonly renewed: MintedSession;
}

export async function addPasskey(
  deps: FactorDeps,
  own: OrgDb,
  session: ActingSession,
  { name, credential }: { readonly name: string; readonly credential: CreatedCredential },
): Promise<Result<AddedPasskey, AddingRefused | "not_held" | "too_many">> {
  const challenge = challengeOf(credential.response.clientDataJSON);
  const held = challenge === null ? null : await deps.challenges.read(challenge, "register", session.id, deps.now());
  if (challenge === null || held === null) return refuse("not_held");
  if ((await own.rows(useChallenge(held, deps.now()))).length === 0) return refuse("not_held");
  const checked = await checkCreated(deps.publicOrigin, challenge, credential);
  if (checked === null) return refuse("not_held");

  const id = deps.newId();
  const facts = { user: publicId("user", session.userId), backed_up: checked.backedUp };
  const added = await own.change({ action: "passkey.added", subject: publicId("passkey", id), facts }, async (w) => {
    const refused = <R extends AddingRefused | "not_held" | "too_many">(refusal: R) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const refusal = await whyNotAdd(deps, w, session);
    if (refusal !== null) return refused(refusal);
    if ((await w.rows(passkeysOf(session.userId))).length >= passkeysMax) return refused("too_many");
    const transports = credential.response.transports;
    const [passkey] = await w.rows<PasskeyRow>(
      insertPasskey({ ...checked, id, userId: session.userId, name, transports }, deps.now()),
    );
    if (passkey === undefined) return refused("not_held");
    const closed = await closeOthers(w, session);
    await tellFactorChanged(deps, w, session.userId, { when: deps.now(), what: "passkey_added", closed });
    return ok({ passkey, renewed: await openSession(deps, w, session) });
  });
  if (added.ok) await deps.wakeMail();
  return added;
}

/** In the transaction that adds: holds the person and the session until it ends. */
export async function whyNotAdd(
  { now }: Pick<FactorDeps, "now">,
  w: OrgWriter,
  session: ActingSession,
): Promise<AddingRefused | null> {
  const [row] = await w.rows<{ refusal: AddingRefused | null }>(addingRefused(session.userId, session.id, now(), recentSeconds));
  if (row === undefined || row.refusal !== null) return row?.refusal ?? "factor_missing";
  return (await w.rows(holdSession(session, now()))).length === 0 ? "factor_missing" : null;
}
