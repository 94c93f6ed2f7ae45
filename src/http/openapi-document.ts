import type { OpenAPIHono } from "@hono/zod-openapi";
import { sessionCookie } from "./authenticate.ts";
import { describeExamples, type Described } from "./describe-examples.ts";
import type { HttpDeps, HttpEnv } from "./http-env.ts";
import type { PolicyName, Quotas } from "./quotas.ts";
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
    description:
      "Of a person who signed in (`/auth/sign-in`). Name the organisation by `Dialgate-Org: org_…` where there are several. What changes something says where it comes from: browsers do by `Sec-Fetch-Site`, a program sends `Origin` with the service's own address, or is refused (403 `cross_site`). Any answer may replace the cookie (`Set-Cookie`), as after a change of one's role or a second factor: send the new one from then on, the old one ends seconds later.",
  });
  app.get("/openapi.json", (c) => c.json(documentOf(app, c.env), 200, { "cache-control": "public, max-age=300" }));
}

function documentOf(app: OpenAPIHono<HttpEnv>, { publicOrigin, vendors, quotas }: HttpDeps) {
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
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(item as Record<string, OperationObject>)) {
      describe(operation);
      describeLimits(path, operation, quotas);
    }
  }
  const schemas = (document.components?.schemas ?? {}) as Record<string, Record<string, unknown>>;
  describeVendors(schemas, vendors);
  const described = Object.values(document.paths ?? {}).flatMap((item) => Object.values(item as Record<string, Described>));
  describeExamples(schemas, described);
  return document;
}

interface OperationObject {
  parameters?: unknown[];
  responses?: Record<string, unknown>;
  security?: readonly Record<string, unknown>[];
  "x-rate-limit"?: readonly { readonly policy: string; readonly q: number; readonly w: number }[];
  "x-attempts"?: readonly PolicyName[];
  "x-idempotency-key"?: "required" | "optional";
  "x-role"?: string | null;
  "x-scope"?: string;
}

/** What a session needs beside its cookie. */
const orgHeaders = [
  {
    name: "Dialgate-Org",
    what: "`org_…`: which organisation is meant, where a person has several. A key's or token's own, or 404.",
  },
  { name: "Dialgate-Support-Grant", what: "`sgr_…`: for an operator of the platform, the grant that lets them in." },
].map(({ name, what }) => ({
  name,
  in: "header",
  required: false,
  description: what,
  schema: { type: "string", maxLength: 64 },
}));

function describe(operation: OperationObject): void {
  // Who asks who they are asks it of an organisation, too: of a key's own, or of one that a support grant opens.
  if (typeof operation["x-role"] === "string" || operation["x-scope"] === "any")
    operation.parameters = [...(operation.parameters ?? []), ...orgHeaders];
  const key = operation["x-idempotency-key"];
  if (key === undefined) return;
  operation.parameters = [
    ...(operation.parameters ?? []),
    {
      name: "Idempotency-Key",
      in: "header",
      required: key === "required",
      description:
        "A repetition with the same key and body gets the first answer, for 24 hours. Whose keys are counted together: an API key's with its successors' and predecessors', a token's by its issuer and `sub`, a person's; of each organisation apart, and of what is of none.",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
  ];
}

/** The quotas that a caller is counted by, by how it authenticates. A token comes where an API key does. */
const policiesOf: Readonly<Record<string, readonly PolicyName[]>> = { api_key: ["key", "issuer"], session: ["user"] };

/** Which quotas count the operation, as the `RateLimit` headers name them. Webhooks have none (limit-rate.ts). */
function describeLimits(path: string, operation: OperationObject, quotas: Quotas): void {
  if (path.startsWith("/webhooks/")) return;
  const principals = (operation.security ?? []).flatMap((scheme) =>
    Object.keys(scheme).flatMap((name) => policiesOf[name] ?? []),
  );
  const names = new Set<PolicyName>(["address", ...principals, ...(operation["x-attempts"] ?? [])]);
  delete operation["x-attempts"];
  operation["x-rate-limit"] = [...names].map((name) => ({
    policy: name,
    q: quotas[name].limit,
    w: quotas[name].windowSeconds,
  }));
  operation.responses = { ...operation.responses, 429: tooMany };
}

const header = (description: string, type: string) => ({ description, schema: { type } });
const tooMany = {
  description: "A quota is used up: `rate_limited`. Nothing was done.",
  headers: {
    "Retry-After": header("Seconds until the next request is served.", "integer"),
    "RateLimit-Policy": header('The quota that refused, as `"key";q=6000;w=60`.', "string"),
    RateLimit: header("Its state: `r` requests may be sent now, more in `t` seconds.", "string"),
  },
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};
