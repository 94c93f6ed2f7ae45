import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { json, problems } from "../access.ts";
import type { HttpEnv } from "../http-env.ts";
import { type ProblemCode, problemTypes } from "../problem-types.ts";
import { notFound, problemUri } from "../problem.ts";
import { refinementsOf } from "../refinements.ts";

const problemType = z
  .strictObject({
    type: z.string(),
    code: z.string(),
    title: z.string(),
    status: z.int(),
    cause: z.string().openapi({ description: "Why it arises." }),
    fix: z.string().openapi({ description: "What its reader does." }),
    codes: z
      .array(z.strictObject({ code: z.string(), cause: z.string() }))
      .openapi({ description: "What `errors[].code` says beneath it. More may be added." }),
  })
  .openapi("ProblemType");

/** What needs no key. */
export function publicRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/healthz",
      operationId: "health.get",
      summary: "Whether the worker and its database answer",
      description:
        "For monitors, without a key: 200 when the database answers a query of the worker, 503 `database_unavailable` when it does not.",
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
      summary: "What a problem's type says, why it arises and what to do",
      description:
        "Where the `type` of a problem document leads, without a key: `codes` lists what `errors[].code` may say beneath it.",
      tags: ["service"],
      "x-public": true,
      security: [],
      request: { params: z.object({ type: z.string().openapi({ example: "dial-blocked" }) }) },
      responses: {
        200: json("The type.", problemType),
        ...problems,
      },
    }),
    (c) => {
      const code = c.req.valid("param").type.replaceAll("-", "_");
      if (!Object.hasOwn(problemTypes, code)) throw notFound("type of problem");
      const known = code as ProblemCode;
      return c.json(
        { type: problemUri(c.env.publicOrigin, known), code, ...problemTypes[known], codes: [...refinementsOf(known)] },
        200,
        { "cache-control": "public, max-age=300" },
      );
    },
  );
}
