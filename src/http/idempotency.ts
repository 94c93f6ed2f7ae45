import type { Context, MiddlewareHandler } from "hono";
import type { AuditEntry, OrgDb } from "../db/org-db.ts";
import { claimKey, keepAnswer, releaseKey, type KeyedRequest } from "../domain/idempotency/answer-once.ts";
import type { HttpEnv } from "./http-env.ts";
import { isAccessRefused, isDbError, nothingDone, sameKey } from "./on-error.ts";
import { Problem } from "./problem.ts";

export interface KeyRule {
  readonly keyRequired?: boolean;
  /** `secret` in the answer is told once. */
  readonly tellsSecret?: boolean;
  /** What is done concerns the session that asks, and is not true of another one of its person's. */
  readonly ofSession?: boolean;
}

const keyForm = /^[\x21-\x7e]{1,255}$/;
const keptHeaders = ["content-type", "location"];
/** No header of the answer: kept beside them, whose data it shows, by public ids. */
const notedHeader = ":noted";

/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), per principal (an API key's rotations are one), kept 24 h. A
 * repetition gets the first answer; where nobody knows what came of the first, it says so instead of doing it again. One that
 * failed here and did nothing for certain leaves its key free.
 */
export const idempotency = ({
  keyRequired = false,
  tellsSecret = false,
  ofSession = false,
}: KeyRule): MiddlewareHandler<HttpEnv> =>
  async function idempotency(c, next) {
    const key = c.req.header("idempotency-key");
    if (key === undefined) {
      if (!keyRequired) return next();
      throw new Problem("idempotency_key_missing", {
        detail: "Send an Idempotency-Key, so that a repetition cannot do this twice.",
        unproven: true,
      });
    }
    if (!keyForm.test(key))
      throw new Problem("idempotency_key_invalid", { detail: "1 to 255 visible ASCII characters.", unproven: true });
    const { principal } = c.var;
    const request: KeyedRequest = {
      principalId: ofSession && principal.kind === "session" ? principal.sessionId : principal.id,
      key,
      method: c.req.method,
      path: c.req.path,
      body: await fingerprinted(c),
    };
    const claim = await claimKey(c.var.org, request).catch((thrown: unknown) => {
      throw thrown instanceof Error && isLost(thrown) ? keyInDoubt() : thrown;
    });
    if (claim.kind === "replay") {
      const { status, headers: kept, body } = claim.answer;
      const { [notedHeader]: noted, ...headers } = kept;
      // What is shown again is of whom it was of the first time.
      if (noted !== undefined) c.var.org.noteAgain(JSON.parse(noted) as AuditEntry);
      await c.var.org.noteRead();
      return new Response(body === "" ? null : body, { status, headers: { ...headers, "idempotent-replayed": "true" } });
    }
    if (claim.kind !== "claimed") throw refusals[claim.kind]();
    const claimedIn = (c.var.org as OrgDb).lastBound?.orgId ?? null;
    await next();
    await settle(c, claimedIn, request, tellsSecret ? withoutSecret : (body) => body);
  };

const refusals = {
  reused: () => new Problem("idempotency_key_reused", { detail: "The key belongs to a request with another path or body." }),
  in_flight: () =>
    new Problem("idempotency_key_in_flight", { detail: "Ask again in a moment.", headers: { "retry-after": "1" } }),
  unknown: () =>
    new Problem("idempotency_state_unknown", { detail: "Look up what the first request did; to do it again, use a new key." }),
};

/** The database failed without saying what became of its transaction. */
const isLost = (thrown: Error): boolean => isDbError(thrown) && !thrown.isUndone;
/** By the same key nothing is ever done twice, whatever became of it here or came of an earlier request with it. */
const keyInDoubt = () =>
  new Problem("database_unavailable", {
    detail: `${sameKey} Should that answer idempotency_state_unknown, look up what came of it, and use a new key.`,
    headers: { "retry-after": "5" },
  });

/** The body's text; an upload is known by its declared length and digest, because it is not read before it is stored. */
async function fingerprinted(c: Context<HttpEnv>): Promise<string> {
  if (c.req.bodyCache.text !== undefined) return c.req.text();
  return [
    c.req.url.split("?")[1] ?? "",
    c.req.header("content-type"),
    c.req.header("content-length"),
    c.req.header("content-digest"),
  ].join("\n");
}

/** What is kept for repetitions holds no secret. */
const withoutSecret = (body: string): string => JSON.stringify({ ...(JSON.parse(body) as object), secret: null });

/** @param claimedIn the organisation in which its key was taken; null: none */
async function settle(
  c: Context<HttpEnv>,
  claimedIn: string | null,
  request: KeyedRequest,
  kept: (body: string) => string,
): Promise<void> {
  if (nothingDone(c.error, c) && c.res.status >= 500) {
    await releaseKey(c.var.org, request).catch(() => Promise.reject(keyInDoubt()));
    return;
  }
  const org = c.var.org as OrgDb;
  try {
    await keep(c, org, request, kept).catch((thrown: unknown) => {
      // What it did may have ended its own credential, as a rotation without overlap does: its successor asks for the answer. Of what
      // was refused nothing is settled so: it may have acted before its credential ended, and its key must not come free.
      if (claimedIn === null || !c.res.ok || !(thrown instanceof Error && isAccessRefused(thrown))) throw thrown;
      return keep(c, c.env.system.asOrg(claimedIn, org.actor, c.var.requestId, c.env.now()), request, kept);
    });
  } catch {
    // The work is done or refused, and its answer stands; the key alone will say that its state is unknown.
  }
}

async function keep(c: Context<HttpEnv>, org: OrgDb, request: KeyedRequest, kept: (body: string) => string): Promise<void> {
  const { status, headers } = c.res;
  const refusedUnread = c.error instanceof Problem && c.error.parts.unproven === true;
  if (refusedUnread || status === 401 || status === 403 || status === 429) return releaseKey(org, request);
  if (status >= 500) return keepAnswer(org, request, null);
  const { access } = c.var.org;
  const named = [
    ...keptHeaders.flatMap((name) => (headers.get(name) === null ? [] : [[name, headers.get(name) as string]])),
    ...(access === null ? [] : [[notedHeader, JSON.stringify(access)]]),
  ];
  const body = await c.res.clone().text();
  await keepAnswer(org, request, { status, headers: Object.fromEntries(named), body: status < 300 ? kept(body) : body });
}
