import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { onInvalid } from "./invalid-request.ts";
import { checkJson } from "./read-json.ts";

const reads = new Set(["get", "head"]);
const smallBytes = 64 * 1024;
const nothing = z.strictObject({});

/** Takes no bytes or `{}`. It comes where a declared body is checked, and refuses in the same words. */
const refuseBody: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.bodyCache.text === undefined) await checkJson(c, smallBytes);
  const data: unknown = JSON.parse(await c.req.text());
  onInvalid({ target: "json", data, ...nothing.safeParse(data) });
  await next();
};

/**
 * Whatever changes something and declares no body takes none: a field that is sent all the same would be believed to have been
 * read. Said here for every route that is added after it, so that none can forget it.
 */
export function refuseUndeclaredBodies(app: OpenAPIHono<HttpEnv>): void {
  const add = app.openapi;
  const addChecked: typeof add = (route, ...rest) => {
    if (route.request?.body !== undefined || reads.has(route.method)) return add(route, ...rest);
    const own = [route.middleware ?? []].flat();
    return add({ ...route, middleware: [...own, refuseBody] }, ...rest);
  };
  app.openapi = addChecked;
}
