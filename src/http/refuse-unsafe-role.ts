import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";

/** With a role that row-level security does not bind, one wall between organisations is missing, silently: nothing is served. */
export const refuseUnsafeRole: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (!(await c.env.roleIsSafe())) {
    throw new Problem("unsafe_database_role", {
      detail: "The service is set up with a database role that must not serve.",
      headers: { "retry-after": "60" },
    });
  }
  await next();
};
