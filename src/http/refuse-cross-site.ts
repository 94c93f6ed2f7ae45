import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";

/**
 * A change that a browser's cookie would prove must come from our own pages: the browser says from where (Fetch Metadata),
 * and an older one at least its origin (OWASP Cross-Site Request Forgery Prevention).
 */
export function refuseCrossSite(c: Context<HttpEnv>): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  const site = c.req.header("sec-fetch-site");
  const ours = site === undefined ? c.req.header("origin") === c.env.publicOrigin : site === "same-origin";
  if (!ours)
    throw new Problem("cross_site", {
      detail: `With a session's cookie a change comes from ${c.env.publicOrigin} alone. Programs use an API key.`,
    });
}
