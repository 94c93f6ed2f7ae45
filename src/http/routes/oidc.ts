import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { beginSignIn, flowSeconds } from "../../domain/sign-in/oidc/begin-sign-in.ts";
import { finishSignIn, type SignInRefusal } from "../../domain/sign-in/oidc/finish-sign-in.ts";
import { knownPath, nextPaths } from "../../domain/sign-in/next-path.ts";
import { givenSecret } from "../../domain/sign-in/link-secrets.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import type { IdentityProviderName } from "../../providers/sign-in/contract.ts";
import { json, problems } from "../access.ts";
import { countryOf } from "../asking.ts";
import type { HttpEnv } from "../http-env.ts";
import { knownBrowser } from "../known-browser.ts";
import { countsAttempts, limitChallenge } from "../limit-challenges.ts";
import { faultOf } from "../on-error.ts";
import { noticePage } from "../pages/notice-page.ts";
import { notFound, Problem } from "../problem.ts";
import { refuseCrossSite } from "../refuse-cross-site.ts";
import { heldSession, setSessionCookie } from "../session-cookie.ts";
import { providerTitles } from "../../domain/sign-in/oidc/provider-titles.ts";
import { heldDevice, mintCookie, mintDevice, setDevice } from "../sign-in-cookies.ts";

/** Which browser began: a sign-in that was begun elsewhere cannot be slipped into it (login CSRF, RFC 9700 §4.7). */
export const browserCookie = "__Host-dialgate-oidc";
const landing = "/auth/signed-in";

const open = { tags: ["sign-in"], "x-public": true, security: [] };
const provider = z.object({ provider: z.string().openapi({ example: "google", description: "`google` or `microsoft`." }) });
const answered = z.string().min(1).max(2_048).optional();

export function oidcRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/oidc/{provider}",
      operationId: "oidc.begin",
      summary: "Begin to sign in with an account at Google or Microsoft",
      description:
        "From our own pages only. Answers where the browser goes next; a form is sent there at once. The sign-in is finished by the same browser within ten minutes.",
      ...open,
      ...countsAttempts,
      request: {
        params: provider,
        query: z.object({
          next: z
            .string()
            .max(200)
            .optional()
            .openapi({ description: `Where to go on after signing in: ${nextPaths.join(", ")}. Anything else leads nowhere.` }),
        }),
      },
      responses: {
        200: json("Where the browser goes.", z.strictObject({ url: z.string() })),
        303: { description: "To the provider, for a form." },
        ...problems,
      },
    }),
    async (c) => {
      const { identity, redirectUri } = asked(c, c.req.valid("param").provider);
      const next = knownPath(c.req.valid("query").next ?? null);
      refuseCrossSite(c);
      // Of two tabs the second must not make a stranger of the first.
      const browser = givenSecret(getCookie(c, browserCookie)) ?? mintCookie(c);
      // Each makes us ask a provider. Nobody has said yet who they are: the address and the browser are counted.
      await limitChallenge(c, {
        kind: "oidc",
        account: identity.name,
        device: sha256Hex(browser),
        known: await knownBrowser(c, null),
      });
      const now = c.env.now();
      const visitor = c.env.system.asVisitor(c.var.requestId, now);
      const tokens = { state: mintCookie(c), browser };
      const url = await beginSignIn(visitor, c.env.hashApiKey, identity, redirectUri, tokens, next, now);
      setCookie(c, browserCookie, browser, { path: "/", secure: true, httpOnly: true, sameSite: "Lax", maxAge: flowSeconds });
      c.header("referrer-policy", "no-referrer");
      const isForm = c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded") === true;
      return isForm ? c.redirect(url, 303) : c.json({ url }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/auth/oidc/{provider}/callback",
      operationId: "oidc.finish",
      summary: "Where Google or Microsoft sends the browser back to",
      description:
        "Finishes the sign-in that this browser began. A browser is answered by a page, a program by a problem document.",
      ...open,
      request: { params: provider, query: z.object({ state: answered, code: answered, error: answered, iss: answered }) },
      responses: { 303: { description: "Signed in; the session's cookie is set." }, ...problems },
    }),
    async (c) => {
      const { identity, redirectUri } = asked(c, c.req.valid("param").provider);
      // A look at the headers alone must not use up what the person is about to.
      if (c.req.method !== "GET")
        throw new Problem("method_not_allowed", { detail: "This path takes GET.", headers: { allow: "GET" } });
      const { state = null, code = null, error = null, iss: issuer = null } = c.req.valid("query");
      const now = c.env.now();
      const visitor = c.env.system.asVisitor(c.var.requestId, now);
      const returned = { state, code, error, issuer, begun: getCookie(c, browserCookie) ?? null };
      const browser = {
        device: heldDevice(c) ?? (await mintDevice(c)),
        country: countryOf(c),
        userAgent: c.req.header("user-agent") ?? null,
        session: await heldSession(c),
      };
      const done = await finishSignIn(visitor, c.env, identity, redirectUri, returned, browser, now);
      if (!done.ok) return refused(c, done.refusal, identity.name);
      setSessionCookie(c, done.value.clear);
      setDevice(c, browser.device);
      if (done.value.mailQueued) await c.env.wakeMail();
      c.header("cache-control", "no-store");
      c.header("referrer-policy", "no-referrer");
      const { secondFactorDue, next } = done.value;
      const onward = next === null ? "" : `?next=${encodeURIComponent(next)}`;
      return c.redirect(secondFactorDue ? `/auth/second-factor${onward}` : (next ?? landing), 303);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: landing,
      operationId: "oidc.signed_in",
      summary: "Where a browser ends up that has signed in",
      description: "A page that says so, and leads on to one's second factors.",
      ...open,
      responses: { 200: { description: "A page.", content: { "text/html": { schema: z.string() } } }, ...problems },
    }),
    () =>
      noticePage({
        status: 200,
        title: "You are signed in",
        paragraphs: [
          "You can close this window.",
          "A passkey signs you in by itself, and is the second factor that owners and admins need.",
        ],
        link: { path: "/auth/factors", words: "Your passkeys and second factors" },
      }),
  );
}

function asked(c: Context<HttpEnv>, name: string) {
  const { identityProviders, publicOrigin } = c.env;
  const identity = Object.hasOwn(identityProviders, name) ? identityProviders[name as keyof typeof identityProviders] : undefined;
  if (identity === undefined) throw notFound("provider of sign-in");
  // Registered with the provider letter by letter, and one for each: an answer of one cannot pass for the other's.
  return { identity, redirectUri: `${publicOrigin}/auth/oidc/${identity.name}/callback` };
}

/** Title, what happened and what to do. `{it}` is the provider. */
const words: Readonly<Record<SignInRefusal, readonly [title: string, what: string, fix: string]>> = {
  flow_unknown: [
    "This sign-in cannot be finished here",
    "It was begun in another browser, has been used already, or is older than ten minutes.",
    "Go back to the sign-in page and begin again, in this browser.",
  ],
  cancelled: [
    "You were not signed in",
    "The sign-in was ended at {it}.",
    "Begin again, or sign in by a link that is mailed to you.",
  ],
  provider_refused: [
    "You were not signed in",
    "{it} did not finish the sign-in.",
    "Begin again. If that does not help, sign in by a link that is mailed to you, and tell whoever operates this service.",
  ],
  token_invalid: [
    "You were not signed in",
    "What {it} sent does not prove who you are.",
    "Begin again. If that does not help, sign in by a link that is mailed to you, and tell whoever operates this service.",
  ],
  address_unverified: [
    "{it} does not vouch for your address",
    "Your account there was proved, but not that its mail address is yours today.",
    "Sign in by a link that is mailed to the address. For all accounts of your organisation, whoever operates this service can have it changed.",
  ],
  address_unusable: [
    "Your address cannot be used here",
    "Your account at {it} has a mail address that this service does not read.",
    "Sign in with another account, or by a link that is mailed to another address.",
  ],
  account_disabled: ["This account is closed", "Nobody can sign in to it.", "Write to whoever operates this service."],
  identity_removed: [
    "This account was removed from your user",
    "Whoever it is of took this {it} account away: it signs in to them no more.",
    "Sign in by a link that is mailed to you. To have the {it} account back, sign in with it after that, in the same browser.",
  ],
  provider_unavailable: [
    "{it} does not answer",
    "Whether it was you could not be asked.",
    "Begin again after a while, or sign in by a link that is mailed to you.",
  ],
  provider_misconfigured: [
    "{it} does not accept this service",
    "The service's own registration there is wrong or has run out. It was reported.",
    "Sign in by a link that is mailed to you.",
  ],
};
const retryAfterSeconds = 30;

function refused(c: Context<HttpEnv>, refusal: SignInRefusal, provider: IdentityProviderName): Response {
  const [title, what, fix] = words[refusal].map((text) => text.replaceAll("{it}", providerTitles[provider])) as [
    string,
    string,
    string,
  ];
  const isOutage = refusal === "provider_unavailable" || refusal === "provider_misconfigured";
  if (refusal === "provider_misconfigured")
    c.env.report(faultOf(Object.assign(new Error(), { name: "SignInMisconfigured" }), c.var.requestId));
  const headers = isOutage ? { "retry-after": String(retryAfterSeconds) } : {};
  if (c.req.header("accept")?.includes("text/html") === true)
    return noticePage({
      status: isOutage ? 503 : 403,
      title,
      paragraphs: [what, fix, `Request: ${c.var.requestId}`],
      link: { path: "/auth/sign-in", words: "Sign in" },
      headers,
    });
  const detail = `${what} ${fix}`;
  throw new Problem(isOutage ? "sign_in_unavailable" : "sign_in_refused", {
    detail,
    errors: [{ pointer: "", code: refusal, detail }],
    headers,
  });
}
