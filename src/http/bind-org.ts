import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";
import type { Scope } from "./scopes.ts";

/**
 * Mints the org-bound handle, with the scope that the route demands. It asks nothing by itself: principal, org and scope
 * are proved by the first statement that the handle sends, in the same request to the database.
 */
export const bindOrg = (scope: Scope): MiddlewareHandler<HttpEnv> =>
  async function bindOrg(c, next) {
    const { principal, requestId } = c.var;
    c.set("org", c.env.system.asApiKey({ id: principal.id, hash: principal.hash, scope }, requestId, c.env.now()));
    await next();
    // A fault of the request itself is told only to a caller who was proved.
    if (c.error instanceof Problem && c.error.parts.unproven) await c.var.org.bound();
  };
