import type { Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";

/**
 * What a browser's cookie would prove must come from our own pages: the browser says from where (Fetch Metadata), and an older one
 * at least its origin (OWASP Cross-Site Request Forgery Prevention).
 *
 * @param instead what a program may do where it is not to send our origin
 */
export function refuseCrossSite(c: Context<HttpEnv>, instead = ""): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  const { publicOrigin } = c.env;
  const [site, origin] = [c.req.header("sec-fetch-site"), c.req.header("origin")];
  if (site === undefined ? origin === publicOrigin : site === "same-origin") return;
  const what =
    site !== undefined
      ? `The browser says (Sec-Fetch-Site) that no page of ${publicOrigin} asked: this is taken from those alone.`
      : `${origin === undefined ? "Nothing says where this comes from" : "The Origin is another's"}. A program sends the header \`Origin: ${publicOrigin}\`.`;
  throw new Problem("cross_site", { detail: `${what}${instead}` });
}
