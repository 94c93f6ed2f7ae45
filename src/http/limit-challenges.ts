import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { addressOf } from "./asking.ts";
import { rateLimited, take } from "./limit-rate.ts";
import { Problem } from "./problem.ts";
import type { Policy } from "./quotas.ts";
import type { Taken } from "./rate-limits.ts";

export interface Challenge {
  /** What is asked for or answered: each kind has attempts of its own. */
  readonly kind: string;
  /** Whose, as they said it: an address of mail that is known here and one that is not are counted alike. */
  readonly account: string;
  /** The browser; empty for one that shows no cookie of ours. */
  readonly device: string;
  /** Who it was before, if they say so by what we gave them; null: nobody whom we know. */
  readonly known: Known | null;
}
/** A browser that has signed in before, or a session. */
export interface Known {
  /** What tells it from others, as it was sent, secret included. */
  readonly by: string;
  /** Asked only where the address's quota is used up. */
  isSo(): Promise<boolean>;
}

/** What a route declares that counts attempts here: the document says it as quotas (openapi-document.ts), and a test compares. */
export const countsAttempts = { "x-attempts": ["challenge_address", "challenge_known", "challenge"] } as const;
export const countsCodes = { "x-attempts": [...countsAttempts["x-attempts"], "challenge_code"] } as const;
export const countsMails = { "x-attempts": [...countsAttempts["x-attempts"], "challenge_mail"] } as const;

/**
 * Counts an attempt at a challenge of sign-in, before it is looked at. By account, device and address together, and by
 * address: never by the account alone, because whoever knows a person's address of mail could then keep them out. Nor does a
 * stranger who uses up what an address has keep those out who share it and were here before: they go on by a count of their own.
 *
 * @throws Problem `rate_limited`, or `limits_unavailable` where an attempt cannot be counted: a code that may be guessed
 * without end is no code, so that this one limit fails closed.
 */
export async function limitChallenge(c: Context<HttpEnv>, { kind, account, device, known }: Challenge): Promise<void> {
  const { challenge, challenge_address, challenge_known } = c.env.quotas;
  const address = addressOf(c);
  const taken = await ask(c, `challenge_address:${address}`, challenge_address);
  if (!taken.allowed) {
    if (known === null) throw rateLimited(challenge_address, taken);
    // Counted before it is asked whether it is so: each asks the database.
    await admit(c, `challenge_known:${JSON.stringify([known.by, address])}`, challenge_known);
    if (!(await known.isSo())) throw rateLimited(challenge_address, taken);
  }
  await admit(c, `challenge:${JSON.stringify([kind, account, device, address])}`, challenge);
}

/**
 * Counts a mail that somebody asks for to an account from a network address. Who asks from another one has a count of their
 * own: were it shared, a stranger who asks often enough would keep the account's person out. A mailbox is flooded then from as
 * many addresses as somebody has, ten mails an hour each; that is the price. Held back until a later hour, mails would only come
 * all at once: they are refused.
 *
 * @param isTheirs whether who asks has signed in with the account before; asked only where the quota is used up. They are
 *   served all the same: whoever shares their address keeps nobody out who uses the account.
 * @throws Problem `rate_limited`, `limits_unavailable`
 */
export async function limitMails(c: Context<HttpEnv>, account: string, isTheirs: () => Promise<boolean>): Promise<void> {
  const policy = c.env.quotas.challenge_mail;
  const taken = await ask(c, `challenge_mail:${JSON.stringify([account, addressOf(c)])}`, policy);
  if (!taken.allowed && !(await isTheirs())) throw rateLimited(policy, taken);
}

/**
 * Counts a code that is tried at an account from browsers in which its person never showed a second factor. To get so far takes
 * their mail, so that a stranger keeps nobody out by it. Whoever reads their mail has browsers without number, and a million
 * codes are soon guessed; they may use this up, and then the person goes on by a browser that is known, a passkey or a recovery
 * code.
 *
 * @throws Problem `rate_limited`, `limits_unavailable`
 */
export async function limitCodes(c: Context<HttpEnv>, account: string): Promise<void> {
  const policy = c.env.quotas.challenge_code;
  const taken = await ask(c, `challenge_code:${JSON.stringify([account])}`, policy);
  if (!taken.allowed)
    throw rateLimited(
      policy,
      taken,
      "codes from browsers in which you never showed a second factor (a passkey or a recovery code is taken)",
    );
}

async function admit(c: Context<HttpEnv>, bucket: string, policy: Policy): Promise<void> {
  const taken = await ask(c, bucket, policy);
  if (!taken.allowed) throw rateLimited(policy, taken);
}

async function ask(c: Context<HttpEnv>, bucket: string, policy: Policy): Promise<Taken> {
  const taken = await take(c, bucket, policy);
  if (taken !== null) return taken;
  throw new Problem("limits_unavailable", {
    detail: "Attempts to sign in cannot be counted at the moment, and none is made uncounted.",
    headers: { "retry-after": "5" },
  });
}
