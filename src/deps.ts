import { SystemDb, type WorkKind } from "./db/system-db.ts";
import { neonTransport } from "./db/transport.ts";
import type { Env, QueueBinding } from "./env.ts";
import { type ApiKeyHasher, apiKeyHasher, apiKeyMint } from "./lib/api-key.ts";
import { hexOf } from "./lib/bytes.ts";
import { type Instant, instantOf } from "./lib/instant.ts";
import { type NumberHasher, numberHasher } from "./lib/number-hash.ts";
import { recoveryCodes } from "./lib/recovery-code.ts";
import { sessionMint } from "./lib/session-token.ts";
import { webauthnChallenges } from "./lib/webauthn-challenge.ts";
import { importKeyring, type Keyring } from "./lib/sealing.ts";
import { uuidMint } from "./lib/uuid-v7.ts";
import { objectLimits, type Refusals } from "./providers/limits/object-limits.ts";
import { r2Files } from "./providers/files/r2-files.ts";
import { githubLeaks } from "./providers/leaks/github.ts";
import { repeatableSeconds } from "./providers/mail/contract.ts";
import { resend } from "./providers/mail/resend.ts";
import { sealedLetters } from "./providers/mail/sealed-letter.ts";
import { adaptersOf } from "./providers/registry.ts";
import { type CredentialIdentity, type CredentialPurpose, sealCredential } from "./providers/seal-credential.ts";
import { identityProvidersOf } from "./providers/sign-in/configured.ts";
import { simulatorClock } from "./providers/simulator-clock.ts";
import { tokenKeys } from "./providers/token-keys.ts";
import { totpSecrets } from "./providers/totp/totp-secrets.ts";
import { vendors } from "./providers/vendors.ts";

/** Keys as WebCrypto holds them: they cannot be read back out, and importing them costs more than using them. */
export interface Keys {
  readonly numbers: NumberHasher;
  readonly keyring: Keyring;
  readonly hashApiKey: ApiKeyHasher;
}

export async function importKeys(env: Env): Promise<Keys> {
  const peppers = new Map([...env.NUMBER_PEPPERS].map(([version, text]) => [version, bytesOf(text)]));
  const newest = Math.max(...env.KEY_ENCRYPTION_KEYS.keys());
  const keys = Object.fromEntries([...env.KEY_ENCRYPTION_KEYS].map(([version, text]) => [`V${version}`, text]));
  return {
    numbers: await numberHasher(peppers),
    keyring: await importKeyring(keys, `V${newest}`),
    hashApiKey: await apiKeyHasher(bytesOf(env.API_KEY_PEPPER)),
  };
}

/** The clock, randomness and network of one invocation: `worker.ts` alone has them. */
export interface Outside {
  milliseconds(): number;
  random(bytes: number): Uint8Array;
  fetch(url: string, init: RequestInit): Promise<Response>;
  sleep(milliseconds: number): Promise<void>;
}

/** What an isolate keeps from one invocation to the next: results, never a connection. */
export interface Remembered {
  readonly refusals: Refusals;
}

export type Deps = ReturnType<typeof buildDeps>;

/** Everything that one invocation uses; it ends with it. */
export function buildDeps(env: Env, keys: Keys, outside: Outside, remembered: Remembered = { refusals: new Map() }) {
  const now = (): Instant => instantOf(outside.milliseconds() / 1000);
  const newId = uuidMint(outside.milliseconds, outside.random);
  const local = env.NEON_LOCAL_ENDPOINT === undefined ? undefined : { address: env.NEON_LOCAL_ENDPOINT };
  const { keyring } = keys;
  const adapters = adaptersOf({ keyring, simulatorOrigin: env.SIMULATOR_ORIGIN, fetch: outside.fetch, now });
  const mailer = resend({ origin: env.RESEND_ORIGIN, apiKey: env.RESEND_API_KEY, from: env.MAIL_FROM, fetch: outside.fetch });
  const letters = sealedLetters(keyring, mailer);
  return {
    system: new SystemDb(neonTransport(env.DATABASE_URL, local), newId, keys.numbers.held),
    now,
    milliseconds: outside.milliseconds,
    newId,
    random: outside.random,
    magicLinkMinutes: env.MAGIC_LINK_TTL_MINUTES,
    sleep: outside.sleep,
    lookLater: (orgId: string, seconds: number) => send(env, [{ org_id: orgId, work: "reconcile", delay_seconds: seconds }]),
    publicOrigin: env.PUBLIC_ORIGIN,
    numbers: keys.numbers,
    hashApiKey: keys.hashApiKey,
    mintSession: sessionMint(newId, outside.random, keys.hashApiKey),
    leakSigner: githubLeaks(env.GITHUB_LEAK_KEYS ?? new Map()),
    challenges: webauthnChallenges(outside.random, keys.hashApiKey),
    recoveryCodes: recoveryCodes(outside.random, keys.hashApiKey),
    totpSecrets: totpSecrets(keyring, outside.random),
    mintApiKey: apiKeyMint(newId, outside.random, keys.hashApiKey),
    vendors,
    sealCredential: (
      identity: CredentialIdentity,
      purposes: readonly CredentialPurpose[],
      fields: Readonly<Record<string, string>>,
    ) => sealCredential(keyring, identity, purposes, fields),
    sealLetter: letters.seal,
    sendLetter: letters.send,
    repeatableSeconds,
    identityProviders: identityProvidersOf(env, outside.fetch),
    ...adapters,
    adapters,
    tokenKeys: tokenKeys({ keyring, fetch: outside.fetch, ownOrigins: [env.PUBLIC_ORIGIN, env.SIMULATOR_ORIGIN] }),
    simulator: simulatorClock({ origin: env.SIMULATOR_ORIGIN, fetch: outside.fetch }),
    files: r2Files(env.UPLOADS),
    rateLimits: objectLimits({
      namespace: env.RATE_LIMITER,
      refusals: remembered.refusals,
      milliseconds: outside.milliseconds,
      // A machine that does everything by itself is slow now and then; that is no outage.
      answerMillisecondsMax: env.ENVIRONMENT === "production" ? 250 : 5_000,
      digest: async (bucket) => hexOf(await keys.hashApiKey(`rate limit ${bucket}`)),
    }),
    flood: async (door: "api" | "webhooks", address: string) => {
      const asked = (door === "webhooks" ? env.WEBHOOK_FLOOD : env.FLOOD).limit({ key: address });
      return asked.then(({ success }) => success).catch(() => null);
    },
    send: (messages: readonly WorkMessage[]) => send(env, messages),
  };
}

/** Work of one organisation, or mail, which has none. */
export type WorkMessage = OrgWork | MailWork;
interface OrgWork extends Delayed {
  readonly org_id: string;
  readonly work: WorkKind;
}
interface MailWork extends Delayed {
  readonly work: "mail";
}
interface Delayed {
  /** Not before this many seconds; the platform keeps a message twelve hours at most. */
  readonly delay_seconds?: number;
}
/** Works that may wait for each other share a queue; the dial waits for none. */
const queueOf: Readonly<Record<WorkMessage["work"], keyof Env & `${string}_QUEUE`>> = {
  dial: "DIAL_QUEUE",
  permits: "DIAL_QUEUE",
  import: "IMPORT_QUEUE",
  scrub: "IMPORT_QUEUE",
  standing: "IMPORT_QUEUE",
  inbox: "INBOX_QUEUE",
  reconcile: "INBOX_QUEUE",
  outbox: "OUTBOX_QUEUE",
  mail: "OUTBOX_QUEUE",
  test_clock: "CLOCK_QUEUE",
};
/** The platform's own limit of one batch. */
const batchMax = 100;

async function send(env: Env, messages: readonly WorkMessage[]): Promise<void> {
  const byQueue = Map.groupBy(messages, (message) => queueOf[message.work]);
  for (const [name, group] of byQueue) {
    const queue: QueueBinding = env[name];
    for (let from = 0; from < group.length; from += batchMax) {
      await queue.sendBatch(
        group.slice(from, from + batchMax).map(({ delay_seconds: delaySeconds = 0, ...body }) => ({ body, delaySeconds })),
      );
    }
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
