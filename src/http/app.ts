import { OpenAPIHono } from "@hono/zod-openapi";
import { authenticate } from "./authenticate.ts";
import { etag } from "./etag.ts";
import type { HttpEnv } from "./http-env.ts";
import { onInvalid } from "./invalid-request.ts";
import { onError } from "./on-error.ts";
import { openapiDocument } from "./openapi-document.ts";
import { requestId } from "./request-id.ts";
import { sellerRoutes } from "./routes/sellers.ts";
import { publicRoutes } from "./routes/public.ts";
import { unmatched } from "./unmatched.ts";

/**
 * The chain: request id, then for `/v1` the credential, the org-bound handle (per route, with its scope), the body, the
 * Idempotency-Key, the schema, the verb. Built once and stateless; each request brings its `HttpDeps` as bindings.
 */
export function createApp(): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({ defaultHook: onInvalid });
  app.use(requestId);
  app.use("/v1/*", authenticate, etag);

  publicRoutes(app);
  sellerRoutes(app);

  openapiDocument(app);
  app.notFound(unmatched(app));
  app.onError(onError);
  return app;
}
