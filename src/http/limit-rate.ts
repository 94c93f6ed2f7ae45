import type { Context, MiddlewareHandler } from "hono";
import { hexOf } from "../lib/bytes.ts";
import type { Principal } from "./authenticate.ts";
import { clientAddress } from "./client-address.ts";
import type { HttpEnv } from "./http-env.ts";
import { faultOf } from "./on-error.ts";
import { Problem } from "./problem.ts";
import type { Policy, PolicyName } from "./quotas.ts";
import type { Taken } from "./rate-limits.ts";

export const addressOf = (c: Context<HttpEnv>): string => clientAddress(c.req.header("cf-connecting-ip"));

/**
 * Vendors call for all organisations from a few addresses, and an in-call stop comes once: a quota on them could lose one.
 * Webhooks are counted against floods alone, by a number that no vendor comes near; each must still be signed.
 */
const isWebhook = (c: Context<HttpEnv>): boolean => c.req.path.startsWith("/webhooks/");

/** The platform's binding counts by 10 seconds (wrangler.toml). */
const floodSeconds = 10;

/** First of all: an address that floods is refused before anything else is touched. */
export const limitFlood: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const isLetIn = await c.env.flood(isWebhook(c) ? "webhooks" : "api", addressOf(c));
  if (isLetIn === null) unasked(c);
  if (isLetIn === false) {
    throw new Problem("rate_limited", {
      detail: `Far more requests come from this address than it may send. Wait ${floodSeconds} seconds.`,
      headers: { "retry-after": String(floodSeconds) },
    });
  }
  await next();
};

/** Counts the request for its address, whoever sends it and whatever becomes of it. */
export const limitAddress: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (isWebhook(c)) return next();
  await counted(c, next, `address:${addressOf(c)}`, c.env.quotas.address);
};

/** Counts the request for who sends it. */
export const limitPrincipal: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { bucket, policy } = bucketOf(c.var.principal);
  await counted(c, next, bucket, c.env.quotas[policy]);
};

/**
 * The database has not proved yet who it is, and whoever knows another's id must not use up what is theirs. A key's bucket
 * is therefore the key as it was sent, secret included; a person's is theirs whichever session they use, because nobody but
 * us can make a cookie with their id (session-token.ts).
 */
function bucketOf(principal: Principal): { readonly bucket: string; readonly policy: PolicyName } {
  switch (principal.kind) {
    case "api_key":
      return { bucket: `key:${principal.id}:${hexOf(principal.hash)}`, policy: "key" };
    case "token":
      // Its signature has been proved: the issuer's bucket is nobody else's to use up.
      return { bucket: `issuer:${principal.proof.issuerId}`, policy: "issuer" };
    case "session":
      return { bucket: `user:${principal.id}`, policy: "user" };
  }
}

async function counted(c: Context<HttpEnv>, next: () => Promise<void>, bucket: string, policy: Policy): Promise<void> {
  const taken = await take(c, bucket, policy);
  // A rate limit is no gate of the law: who it cannot be asked about is served, and the platform's limit stands in front.
  if (taken === null) return next();
  if (!taken.allowed) throw rateLimited(policy, taken);
  if (taken.unusual) c.set("unusualRate", true);
  await next();
  // The counter nearest to the caller is told: a key's own, not that of an address that it may share with strangers.
  if (!c.res.headers.has("ratelimit")) for (const [name, value] of headersOf(policy, taken)) c.res.headers.set(name, value);
}

/** Asks, and reports that nobody answered. */
export async function take(c: Context<HttpEnv>, bucket: string, policy: Policy): Promise<Taken | null> {
  const taken = await c.env.rateLimits.take(bucket, policy);
  if (taken === null) unasked(c);
  return taken;
}

const unasked = (c: Context<HttpEnv>): void =>
  c.env.report(faultOf(Object.assign(new Error(), { name: "RateLimitUnasked" }), c.var.requestId));

export function rateLimited(policy: Policy, taken: Taken): Problem {
  const { limit, windowSeconds, name } = policy;
  return new Problem("rate_limited", {
    detail: `The quota "${name}" is ${limit} requests in any ${windowSeconds} seconds. The next is served in ${taken.resetSeconds} seconds.`,
    headers: { "retry-after": String(taken.resetSeconds), ...Object.fromEntries(headersOf(policy, taken)) },
  });
}

/** draft-ietf-httpapi-ratelimit-headers-11. In a sliding window `t` is when there is room for more than `r`, as its section on `t` allows. */
const headersOf = ({ name, limit, windowSeconds }: Policy, { remaining, resetSeconds }: Taken) =>
  [
    ["ratelimit-policy", `"${name}";q=${limit};w=${windowSeconds}`],
    ["ratelimit", `"${name}";r=${remaining};t=${resetSeconds}`],
  ] as const;
