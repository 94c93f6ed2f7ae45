import type { OpenAPIHono } from "@hono/zod-openapi";
import { sessionCookie } from "./authenticate.ts";
import type { HttpDeps, HttpEnv } from "./http-env.ts";
import { describeVendors } from "./vendor-schemas.ts";

/** `/openapi.json`, generated from the routes themselves. */
export function openapiDocument(app: OpenAPIHono<HttpEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "api_key", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "dg_test_…",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "Signed by an issuer that the organisation registered (`POST /v1/token_issuers`).",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description: "Of a person who signed in. Name the organisation by `Dialgate-Org: org_…` where there are several.",
  });
  app.get("/openapi.json", (c) => c.json(documentOf(app, c.env), 200, { "cache-control": "public, max-age=300" }));
}

function documentOf(app: OpenAPIHono<HttpEnv>, { publicOrigin, vendors }: HttpDeps) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Dialgate",
      version: "1",
      description:
        "Places outbound AI-voice calls, and proves for each call and each refusal that the law's gates were applied at that instant. Instants are RFC 3339 in UTC; enums may grow; errors are application/problem+json.",
    },
    servers: [{ url: publicOrigin }],
  });
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path as Record<string, OperationObject>)) describe(operation);
  }
  describeVendors((document.components?.schemas ?? {}) as Record<string, Record<string, unknown>>, vendors);
  return document;
}

interface OperationObject {
  parameters?: unknown[];
  "x-idempotency-key"?: "required" | "optional";
}

function describe(operation: OperationObject): void {
  const key = operation["x-idempotency-key"];
  if (key === undefined) return;
  operation.parameters = [
    ...(operation.parameters ?? []),
    {
      name: "Idempotency-Key",
      in: "header",
      required: key === "required",
      description: "A repetition with the same key and body gets the first answer, for 24 hours.",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
  ];
}
