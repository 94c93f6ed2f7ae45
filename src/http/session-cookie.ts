import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { sessionCookie } from "./authenticate.ts";
import type { OrgDb } from "../db/org-db.ts";
import type { Asking } from "../db/system-db.ts";
import { renew } from "../domain/sessions/renew-session.ts";
import { parseSessionToken } from "../lib/session-token.ts";
import type { HttpEnv } from "./http-env.ts";
import { faultOf, isAccessRefused } from "./on-error.ts";

/** `__Host-`: this host alone, the whole of it, never without TLS; no script reads it. Gone with the browser. */
const attributes = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

export const setSessionCookie = (c: Context<HttpEnv>, token: string): void => setCookie(c, sessionCookie, token, attributes);
export const clearSessionCookie = (c: Context<HttpEnv>): void => void deleteCookie(c, sessionCookie, attributes);

/**
 * After a change of the person's role: the session goes on under another token (OWASP Session Management: renew on privilege
 * change), whatever it was that it asked for, and what came of that. Asked as the person, and not as the member: the request may
 * have been their last in the organisation, or one after it.
 */
export async function renewSession(c: Context<HttpEnv>, asking: Asking): Promise<void> {
  const { principal } = c.var;
  if (principal.kind !== "session" || (c.var.org as OrgDb | undefined)?.noticed.rotationDue !== true) return;
  const session = { id: principal.sessionId, userId: principal.id, hash: principal.hash };
  const own = c.env.system.asPerson(session, ["open", "factor_due"], { scope: null, roles: null, factor: false }, asking);
  const minted = await c.env.mintSession(principal.id, principal.sessionId);
  try {
    if (await renew(own, minted, c.env.now())) setSessionCookie(c, minted.clear);
  } catch (thrown) {
    // The request has ended the session: there is nothing to go on with. Otherwise the next request renews it.
    if (thrown instanceof Error && isAccessRefused(thrown)) return;
    c.env.report(faultOf(thrown instanceof Error ? thrown : new Error("unknown"), c.var.requestId));
  }
}

/** The session that the browser sends along, as far as the request alone can say; null when it sends none of ours. */
export async function heldSession(c: Context<HttpEnv>): Promise<{ readonly id: string; readonly hash: Uint8Array } | null> {
  const session = await parseSessionToken(getCookie(c, sessionCookie) ?? "", c.env.hashApiKey);
  return session === null ? null : { id: session.id, hash: await c.env.hashApiKey(session.clear) };
}
