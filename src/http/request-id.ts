import type { MiddlewareHandler } from "hono";
import { publicId } from "../lib/ids.ts";
import type { HttpEnv } from "./http-env.ts";

/** Two years, as browsers' own lists ask for. Of this host alone: what its domain serves elsewhere is not ours to decide. */
const onlyHttps = "max-age=63072000";

/** Ours alone: an id from outside could be chosen to collide with another request's in the log. */
export const requestId: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.set("requestId", publicId("request", c.env.newId()));
  await next();
  c.res.headers.set("request-id", c.var.requestId);
  c.res.headers.set("x-content-type-options", "nosniff");
  if (c.env.publicOrigin.startsWith("https:")) c.res.headers.set("strict-transport-security", onlyHttps);
};
