import type { OpenAPIHono } from "@hono/zod-openapi";
import type { NotFoundHandler } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { Problem } from "./problem.ts";

/** 405 with Allow where another method of the path exists, else 404. */
export function unmatched(app: OpenAPIHono<HttpEnv>): NotFoundHandler<HttpEnv> {
  const paths = new Map<string, { form: RegExp; methods: Set<string> }>();
  for (const { method, path } of app.routes) {
    if (method === "ALL") continue;
    const form = new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:[a-z_]+/g, "[^/]+")}$`);
    const known = paths.get(path) ?? { form, methods: new Set<string>() };
    known.methods.add(method);
    paths.set(path, known);
  }
  return (c) => {
    const methods = [...paths.values()].filter(({ form }) => form.test(c.req.path)).flatMap((known) => [...known.methods]);
    if (methods.length === 0) throw new Problem("not_found", { detail: "There is no such path." });
    const allow = [...new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods)].toSorted().join(", ");
    throw new Problem("method_not_allowed", { detail: `This path takes ${allow}.`, headers: { allow } });
  };
}
