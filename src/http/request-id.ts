import type { MiddlewareHandler } from "hono";
import { publicId } from "../lib/ids.ts";
import type { HttpEnv } from "./http-env.ts";

/** Ours alone: an id from outside could be chosen to collide with another request's in the log. */
export const requestId: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.set("requestId", publicId("request", c.env.newId()));
  await next();
  c.res.headers.set("request-id", c.var.requestId);
  c.res.headers.set("x-content-type-options", "nosniff");
};
