import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { onInvalid } from "./invalid-request.ts";

const reads = new Set(["get", "head"]);
const nothing = z.strictObject({});

/** It comes where a declared query is checked, and refuses in the same words. */
const refuseQuery: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const data = c.req.query();
  onInvalid({ target: "query", data, ...nothing.safeParse(data) });
  await next();
};
/** Hono leaves out what has no name. */
const refuseNameless: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (new URL(c.req.url).searchParams.has("")) {
    const data = { "": "" };
    onInvalid({ target: "query", data, ...nothing.safeParse(data) });
  }
  await next();
};

interface Declared {
  readonly method: string;
  readonly path: string;
  readonly security?: readonly unknown[] | undefined;
}
/**
 * Needs no credential, and is opened in a browser, asked by monitors, or sent by vendors: mail clients, proxies and vendors add
 * parameters of their own to such addresses, and a page, a stop or a report refused for one is lost.
 */
const mayBeAddedTo = ({ method, path, security }: Declared): boolean =>
  security?.length === 0 && (reads.has(method) || !path.startsWith("/auth/"));

/**
 * What declares no query takes none: who sends `dry_run` to what knows none would see it done. Said here for every route that
 * is added after it, as of bodies (refuse-undeclared-bodies.ts).
 */
export function refuseUndeclaredQueries(app: OpenAPIHono<HttpEnv>): void {
  const add = app.openapi;
  const addChecked: typeof add = (route, ...rest) => {
    if (mayBeAddedTo(route)) return add(route, ...rest);
    const own = [route.middleware ?? []].flat();
    const checks = route.request?.query === undefined ? [refuseNameless, refuseQuery] : [refuseNameless];
    return add({ ...route, middleware: [...own, ...checks] }, ...rest);
  };
  app.openapi = addChecked;
}
