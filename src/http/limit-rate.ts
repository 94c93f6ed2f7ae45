import type { Context, MiddlewareHandler } from "hono";
import type { OrgDb } from "../db/org-db.ts";
import { hexOf } from "../lib/bytes.ts";
import type { Principal } from "./authenticate.ts";
import { addressOf, askingOf } from "./asking.ts";
import type { HttpEnv } from "./http-env.ts";
import { faultOf, isAccessRefused } from "./on-error.ts";
import { type Fault, Problem } from "./problem.ts";
import type { Policy } from "./quotas.ts";
import type { Taken } from "./rate-limits.ts";
import type { RefinementOf } from "./refinements.ts";
import { tellOfRefusedUse } from "./tell-of-odd-use.ts";

type SessionPrincipal = Extract<Principal, { readonly kind: "session" }>;

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

/**
 * Counts the request for who sends it. The database has not proved yet who that is, and whoever knows another's id, or holds
 * what was theirs once, must not use up what is theirs.
 */
export const limitPrincipal: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { principal } = c.var;
  switch (principal.kind) {
    case "api_key":
      // As it was sent, secret included.
      return counted(c, next, `key:${principal.id}:${hexOf(principal.hash)}`, c.env.quotas.key, tellOfRefused);
    case "token":
      // Its signature has been proved: the issuer's bucket is nobody else's to use up.
      return counted(c, next, `issuer:${principal.proof.issuerId}`, c.env.quotas.issuer, tellOfRefused);
    case "session":
      return limitSession(c, next, principal);
  }
};

/**
 * A person's bucket is theirs whichever session they use, and is charged for sessions that were proved alone: a cookie whose
 * session has ended counts for itself. Until the database has proved it to this isolate, a session counts for itself and, once
 * that is done, for its person too; from then on for its person alone, before it is served. So does one that waits for a second
 * factor, for as long as it waits: whoever has only read the person's mail must not use up what is theirs.
 */
async function limitSession(c: Context<HttpEnv>, next: () => Promise<void>, sent: SessionPrincipal): Promise<void> {
  const { knownSessions, quotas } = c.env;
  const [hash, theirs] = [hexOf(sent.hash), `user:${sent.id}`];
  // Whoever holds a copy of one session must not keep its person from ending it by using up what is theirs.
  if (endsSessions(c)) return counted(c, next, `session:${hash}`, quotas.user);
  if (knownSessions.has(hash)) {
    await counted(c, next, theirs, quotas.user);
    // What proved nothing may have been a session that has ended since: the next request counts for itself until one does.
    if (proofOf(c, sent) !== true || waits(c)) knownSessions.forget(hash);
    return;
  }
  const provedNow = async () => {
    await next();
    const { principal } = c.var;
    if (proofOf(c, sent) !== true || waits(c) || principal.kind !== "session") return;
    // It may have gone on under another token in this request.
    knownSessions.keep(hexOf(principal.hash));
    const taken = await take(c, theirs, quotas.user);
    if (taken !== null) tell(c, quotas.user, taken);
  };
  await counted(c, provedNow, `session:${hash}`, quotas.user);
}

const endsSessions = (c: Context<HttpEnv>): boolean => c.req.method === "DELETE" && /^\/v1\/sessions(?:\/|$)/.test(c.req.path);

/** Whether the request has proved its session; null: the database was not asked, or has not answered. */
function proofOf(c: Context<HttpEnv>, sent: SessionPrincipal): boolean | null {
  if (c.error !== undefined && isAccessRefused(c.error)) return c.error.reason !== "unknown_principal";
  const isRebound = c.var.principal !== sent;
  return isRebound || (c.var.org as OrgDb | undefined)?.lastBound != null ? true : null;
}

/** Whether the session waits for a second factor. One that has shown it in this request is bound anew, and waits no more. */
const waits = (c: Context<HttpEnv>): boolean => (c.var.org as OrgDb | undefined)?.noticed.factorDue === true;

/** What its quota refuses was sent all the same, and perhaps from where the credential never was. */
const tellOfRefused = (c: Context<HttpEnv>): Promise<void> => tellOfRefusedUse(c, askingOf(c));

async function counted(
  c: Context<HttpEnv>,
  next: () => Promise<void>,
  bucket: string,
  policy: Policy,
  refused: (c: Context<HttpEnv>) => Promise<void> = async () => undefined,
): Promise<void> {
  const taken = await take(c, bucket, policy);
  // A rate limit is no gate of the law: who it cannot be asked about is served, and the platform's limit stands in front.
  if (taken === null) return next();
  if (!taken.allowed) {
    await refused(c);
    throw rateLimited(policy, taken);
  }
  if (taken.unusual) c.set("unusualRate", true);
  await next();
  // The counter nearest to the caller is told: a key's own, not that of an address that it may share with strangers.
  tell(c, policy, taken);
}

function tell(c: Context<HttpEnv>, policy: Policy, taken: Taken): void {
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

/**
 * @param what is counted, where it is not requests
 * @param fault which part of the request is to blame, where one is
 */
export function rateLimited(
  policy: Policy,
  taken: Pick<Taken, "remaining" | "resetSeconds">,
  what = "requests",
  fault: Omit<Fault<RefinementOf<"rate_limited">>, "detail"> | null = null,
): Problem {
  const { limit, windowSeconds, name } = policy;
  const detail = `The quota "${name}" is ${limit} ${what} in any ${windowSeconds} seconds. The next is served in ${taken.resetSeconds} seconds.`;
  return new Problem("rate_limited", {
    detail,
    ...(fault === null ? {} : { errors: [{ ...fault, detail }] }),
    headers: { "retry-after": String(taken.resetSeconds), ...Object.fromEntries(headersOf(policy, taken)) },
  });
}

/** draft-ietf-httpapi-ratelimit-headers-11. In a sliding window `t` is when there is room for more than `r`, as its section on `t` allows. */
const headersOf = (
  { name, limit, windowSeconds }: Policy,
  { remaining, resetSeconds }: Pick<Taken, "remaining" | "resetSeconds">,
) =>
  [
    ["ratelimit-policy", `"${name}";q=${limit};w=${windowSeconds}`],
    ["ratelimit", `"${name}";r=${remaining};t=${resetSeconds}`],
  ] as const;
