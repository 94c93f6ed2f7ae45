import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { addressOf, rateLimited, take } from "./limit-rate.ts";
import { Problem } from "./problem.ts";
import type { Policy } from "./quotas.ts";
import type { Taken } from "./rate-limits.ts";

export interface Challenge {
  /** What is asked for or answered: each kind has attempts of its own. */
  readonly kind: string;
  /** Whose, as they said it: an address of mail that is known here and one that is not are counted alike. */
  readonly account: string;
  /** The browser; empty for one that shows none. */
  readonly device: string;
}

/**
 * Counts an attempt at a challenge of sign-in, before it is looked at. By account, device and address together, and by
 * address alone: never by the account alone, because whoever knows a person's address of mail could then keep them out.
 *
 * @throws Problem `rate_limited`, or `limits_unavailable` where an attempt cannot be counted: a code that may be guessed
 * without end is no code, so that this one limit fails closed.
 */
export async function limitChallenge(c: Context<HttpEnv>, { kind, account, device }: Challenge): Promise<void> {
  const { challenge, challenge_address } = c.env.quotas;
  const address = addressOf(c);
  await admit(c, `challenge_address:${address}`, challenge_address);
  await admit(c, `challenge:${JSON.stringify([kind, account, device, address])}`, challenge);
}

/**
 * How long a mail to the account is held back, in seconds; mostly 0. All who ask for mails to one account share this, so
 * that nobody's mailbox is flooded from many addresses. It slows mails and nothing else: passkeys and the other ways in
 * stay open, and so does a link that was sent before.
 *
 * @throws Problem `limits_unavailable`
 */
export async function mailDelaySeconds(c: Context<HttpEnv>, account: string): Promise<number> {
  const taken = await ask(c, `challenge_mail:${account}`, c.env.quotas.challenge_mail);
  return taken.allowed ? 0 : taken.resetSeconds;
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
