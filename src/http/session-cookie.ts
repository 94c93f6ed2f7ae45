import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { sessionCookie } from "./authenticate.ts";
import type { OrgDb } from "../db/org-db.ts";
import { renew } from "../domain/sessions/renew-session.ts";
import { parseSessionToken } from "../lib/session-token.ts";
import type { HttpEnv } from "./http-env.ts";

/** `__Host-`: this host alone, the whole of it, never without TLS; no script reads it. Gone with the browser. */
const attributes = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;

export const setSessionCookie = (c: Context<HttpEnv>, token: string): void => setCookie(c, sessionCookie, token, attributes);
export const clearSessionCookie = (c: Context<HttpEnv>): void => void deleteCookie(c, sessionCookie, attributes);

/** After a change of the person's role: the session goes on under another token (OWASP Session Management: renew on privilege change). */
export async function renewSession(c: Context<HttpEnv>): Promise<void> {
  const { principal } = c.var;
  if (principal.kind !== "session" || (c.var.org as OrgDb | undefined)?.lastBound?.rotationDue !== true) return;
  const minted = await c.env.mintSession(principal.id, principal.sessionId);
  if (await renew(c.var.org, minted, c.env.now())) setSessionCookie(c, minted.clear);
}

/** The session that the browser sends along, as far as the request alone can say; null when it sends none of ours. */
export async function heldSession(c: Context<HttpEnv>): Promise<{ readonly id: string; readonly hash: Uint8Array } | null> {
  const session = await parseSessionToken(getCookie(c, sessionCookie) ?? "", c.env.hashApiKey);
  return session === null ? null : { id: session.id, hash: await c.env.hashApiKey(session.clear) };
}
