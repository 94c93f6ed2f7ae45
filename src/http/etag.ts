import type { MiddlewareHandler } from "hono";
import { hexOf, sha256 } from "../lib/bytes.ts";
import type { HttpEnv } from "./http-env.ts";

/** `ETag` on what was read, and 304 for a poller who has it already. Weak: the same content, not the same bytes on the wire. */
export const etag: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await next();
  // People's data stays in no cache that is not asked to be asked again.
  if (!c.res.headers.has("cache-control"))
    c.res.headers.set("cache-control", c.req.method === "GET" ? "private, no-cache" : "no-store");
  if (c.req.method !== "GET" || c.res.status !== 200 || !c.res.headers.get("content-type")?.startsWith("application/json"))
    return;
  const tag = `W/"${hexOf(sha256(await c.res.clone().text())).slice(0, 32)}"`;
  const known = (c.req.header("if-none-match") ?? "").split(",").map((part) => part.trim());
  if (known.includes(tag) || known.includes("*")) {
    // Hono merges the headers of the response that it replaces; a 304 has no body to describe.
    c.res = new Response(null, { status: 304, headers: { etag: tag } });
    c.res.headers.delete("content-type");
    c.res.headers.delete("content-length");
  } else c.res.headers.set("etag", tag);
};
