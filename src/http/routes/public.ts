import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { json, problems } from "../access.ts";
import type { HttpEnv } from "../http-env.ts";
import { notFound, type ProblemCode, problemTypes, problemUri } from "../problem.ts";

/** What needs no key. */
export function publicRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/healthz",
      operationId: "health.get",
      summary: "Whether the worker and its database answer",
      tags: ["service"],
      "x-public": true,
      security: [],
      responses: { 200: json("Both answer.", z.strictObject({ status: z.literal("ok") })), ...problems },
    }),
    async (c) => {
      await c.env.checkDatabase();
      return c.json({ status: "ok" as const }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/errors/{type}",
      operationId: "errors.get",
      summary: "What a problem's type says",
      tags: ["service"],
      "x-public": true,
      security: [],
      request: { params: z.object({ type: z.string().openapi({ example: "dial-blocked" }) }) },
      responses: {
        200: json("The type.", z.strictObject({ type: z.string(), code: z.string(), title: z.string(), status: z.int() })),
        ...problems,
      },
    }),
    (c) => {
      const code = c.req.valid("param").type.replaceAll("-", "_");
      if (!Object.hasOwn(problemTypes, code)) throw notFound("type of problem");
      const known = code as ProblemCode;
      return c.json({ type: problemUri(c.env.publicOrigin, known), code, ...problemTypes[known] }, 200);
    },
  );
}
