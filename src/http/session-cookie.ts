import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { sessionCookie } from "./authenticate.ts";
import type { OrgDb } from "../db/org-db.ts";
import { renew } from "../domain/sessions/renew-session.ts";
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
