/** Many at once with one code of an authenticator, or one recovery code, each in a session of the person that waits for it. */
import { randomBytes } from "node:crypto";
import { SystemDb } from "../../src/db/system-db.ts";
import type { Transport } from "../../src/db/transport.ts";
import { confirmOwnTotp, startOwnTotp } from "../../src/domain/factors/add-totp.ts";
import type { ActingSession, FactorDeps } from "../../src/domain/factors/factor-deps.ts";
import { showRecoveryCode, showTotp } from "../../src/domain/factors/show-code.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { recoveryCodes } from "../../src/lib/recovery-code.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { sessionMint } from "../../src/lib/session-token.ts";
import { webauthnChallenges } from "../../src/lib/webauthn-challenge.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import { totpSecrets } from "../../src/providers/totp/totp-secrets.ts";
import type { TestDatabase } from "../support/database.ts";
import { testPeppers } from "../support/peppers.ts";
import { totpCodeAt } from "../support/totp.ts";
import { makePerson, makeSession, testOrigin } from "../support/users.ts";
import { newId } from "../support/world.ts";

export const ways = ["a code of the authenticator", "a recovery code"] as const;
export interface Redeemed {
  readonly asked: number;
  readonly shown: number;
  /** Told that it does not hold. */
  readonly refused: number;
  /** Anything else, as a deadlock or a database that is out of connections. */
  readonly other: readonly string[];
  /** Sessions that are open after it. */
  readonly open: number;
}
const start = "2026-11-20T09:00:00Z" as Instant;
/** Fewer than end a session. */
const triesInSession = 5;

/** A person and what their verbs use, on whatever database it is. */
export async function openFactorWorld(db: TestDatabase, transport: Transport) {
  const hash = await apiKeyHasher(new Uint8Array(32).fill(9));
  const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
  const letters = sealedLetters(keyring, { send: async (_, key) => ({ kind: "sent", providerId: key }) });
  const system = new SystemDb(transport, newId, testPeppers);
  const { userId } = await makePerson(db);
  const world = {
    now: start,
    userId,
    async enter(stage: "open" | "factor_due"): Promise<ActingSession> {
      const { id, headers } = await makeSession(db, hash, userId, world.now, { factor: false, stage });
      return { id, userId, hash: await hash((headers["cookie"] ?? "").split("=")[1] ?? "") };
    },
    own: (session: ActingSession) =>
      system.asPerson(session, ["open", "factor_due"], { scope: null, roles: null, factor: false }, { requestId: "req", realNow: world.now, country: null, network: null }),
    /** An authenticator, added in this session, which goes on under another token. */
    async addTotp(session: ActingSession) {
      const started = await startOwnTotp(deps, world.own(session), session);
      if (!started.ok) throw new Error(started.refusal);
      const { base32 } = started.value;
      const confirmed = await confirmOwnTotp(deps, world.own(session), session, totpCodeAt(base32, world.now));
      if (!confirmed.ok) throw new Error(confirmed.refusal);
      world.now = addSeconds(world.now, 60);
      return { base32, codes: confirmed.value.recoveryCodes, session: { ...session, hash: confirmed.value.renewed.hash } };
    },
  };
  const deps: FactorDeps = {
    now: () => world.now,
    newId,
    publicOrigin: testOrigin,
    sealLetter: letters.seal,
    challenges: webauthnChallenges(randomBytes, hash),
    recoveryCodes: recoveryCodes(randomBytes, hash),
    totpSecrets: totpSecrets(keyring, randomBytes),
    mintSession: sessionMint(newId, randomBytes, hash),
    wakeMail: async () => undefined,
  };
  return { deps, world };
} // prettier-ignore

export async function redeemFactor(
  db: TestDatabase,
  transport: Transport,
  way: (typeof ways)[number],
  count: number,
): Promise<Redeemed> {
  const { deps, world } = await openFactorWorld(db, transport);
  const first = await world.enter("open");
  const { base32, codes } = await world.addTotp(first);
  const sessions: ActingSession[] = [];
  for (let n = 0; n < count / triesInSession; n += 1) sessions.push(await world.enter("factor_due"));
  const code = way === "a recovery code" ? (codes[0] ?? "") : totpCodeAt(base32, world.now);
  const show = way === "a recovery code" ? showRecoveryCode : showTotp;
  const redeem = async (n: number): Promise<string> => {
    const session = sessions[n % sessions.length] ?? first;
    return answerOf(async () => ((await show(deps, world.own(session), session, code)).ok ? "shown" : "refused"));
  };
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => redeem(n)));
  const counted = (answer: string) => answers.filter((one) => one === answer).length;
  const { rows } = await db.admin("select count(*)::integer as n from sessions where user_id = $1 and stage = 'open' and id <> $2", [world.userId, first.id]);
  return {
    asked: count,
    shown: counted("shown"),
    refused: counted("refused"),
    other: answers.filter((one) => one !== "shown" && one !== "refused"),
    open: rows[0]?.["n"] as number,
  };
} // prettier-ignore

/** A session that went on under another token, or has ended, is refused as what does not hold is. */
export async function answerOf(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (thrown) {
    const { reason, message } = thrown as Error & { reason?: string };
    return reason === "unknown_principal" ? "refused" : (reason ?? message);
  }
}
