import { OpenAPIHono } from "@hono/zod-openapi";
import { authenticate } from "./authenticate.ts";
import { etag } from "./etag.ts";
import type { HttpEnv } from "./http-env.ts";
import { onInvalid } from "./invalid-request.ts";
import { limitAddress, limitFlood, limitPrincipal } from "./limit-rate.ts";
import { onError } from "./on-error.ts";
import { openapiDocument } from "./openapi-document.ts";
import { refuseUnsafeRole } from "./refuse-unsafe-role.ts";
import { requestId } from "./request-id.ts";
import { accountRoutes } from "./routes/account.ts";
import { apiKeyRoutes } from "./routes/api-keys.ts";
import { attemptRoutes } from "./routes/attempts.ts";
import { auditRoutes } from "./routes/audit.ts";
import { callRoutes } from "./routes/calls.ts";
import { campaignStateRoutes } from "./routes/campaign-states.ts";
import { campaignRoutes } from "./routes/campaigns.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { consentEventRoutes } from "./routes/consent-events.ts";
import { counselPositionRoutes } from "./routes/counsel-positions.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { haltRoutes } from "./routes/halts.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { importRoutes } from "./routes/imports.ts";
import { invitationRoutes } from "./routes/invitations.ts";
import { leadRoutes } from "./routes/leads.ts";
import { leakedKeyRoutes } from "./routes/leaked-keys.ts";
import { meRoutes } from "./routes/me.ts";
import { memberRoutes } from "./routes/members.ts";
import { orgRoutes } from "./routes/orgs.ts";
import { oidcRoutes } from "./routes/oidc.ts";
import { passkeySignInRoutes } from "./routes/passkey-sign-in.ts";
import { passkeyRoutes } from "./routes/passkeys.ts";
import { policyRoutes } from "./routes/policy.ts";
import { publicRoutes } from "./routes/public.ts";
import { secondFactorRoutes } from "./routes/second-factors.ts";
import { sellerRoutes } from "./routes/sellers.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { stopCheckRoutes } from "./routes/stop-checks.ts";
import { supportGrantRoutes } from "./routes/support-grants.ts";
import { suppressionRoutes } from "./routes/suppressions.ts";
import { testClockRoutes } from "./routes/test-clock.ts";
import { tokenIssuerRoutes } from "./routes/token-issuers.ts";
import { totpRoutes } from "./routes/totp.ts";
import { unmatched } from "./unmatched.ts";
import { voiceWebhooks } from "./webhooks/voice.ts";

/**
 * The chain: request id, what the address may send, then for `/v1` the credential, what it may send, the org-bound handle
 * (per route, with its scope), the body, the Idempotency-Key, the schema, the verb. Built once and stateless; each request brings its `HttpDeps` as bindings.
 */
export function createApp(): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({ defaultHook: onInvalid });
  app.use(requestId, limitFlood, limitAddress, refuseUnsafeRole);
  app.use("/v1/*", authenticate, limitPrincipal, etag);

  publicRoutes(app);
  signInRoutes(app);
  meRoutes(app);
  sessionRoutes(app);
  orgRoutes(app);
  memberRoutes(app);
  invitationRoutes(app);
  supportGrantRoutes(app);
  oidcRoutes(app);
  passkeySignInRoutes(app);
  passkeyRoutes(app);
  totpRoutes(app);
  secondFactorRoutes(app);
  accountRoutes(app);
  apiKeyRoutes(app);
  leakedKeyRoutes(app);
  tokenIssuerRoutes(app);
  policyRoutes(app);
  counselPositionRoutes(app);
  sellerRoutes(app);
  connectionRoutes(app);
  importRoutes(app);
  leadRoutes(app);
  consentEventRoutes(app);
  suppressionRoutes(app);
  stopCheckRoutes(app);
  campaignRoutes(app);
  campaignStateRoutes(app);
  decisionRoutes(app);
  callRoutes(app);
  attemptRoutes(app);
  haltRoutes(app);
  incidentRoutes(app);
  auditRoutes(app);
  testClockRoutes(app);
  voiceWebhooks(app);

  openapiDocument(app);
  app.notFound(unmatched(app));
  app.onError(onError);
  return app;
}
