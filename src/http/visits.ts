import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { readJson } from "./read-json.ts";
import { refuseCrossSite } from "./refuse-cross-site.ts";

const bodyBytesMax = 4 * 1024;

/** Without this another site could sign its visitor in as somebody else (login CSRF). What is answered is kept by nobody. */
const fromOurPages: MiddlewareHandler<HttpEnv> = async (c, next) => {
  refuseCrossSite(c);
  await next();
  c.res.headers.set("cache-control", "no-store");
};

/** A POST of somebody who is not known yet, as whoever signs in. It stands outside `/v1`, and takes no Idempotency-Key. */
export const visits = <const Id extends string>(operationId: Id) => ({
  operationId,
  "x-public": true,
  security: [],
  middleware: [fromOurPages, readJson(bodyBytesMax)] as MiddlewareHandler<HttpEnv>[],
});
