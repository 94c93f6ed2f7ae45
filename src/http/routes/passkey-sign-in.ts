import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { askAnyPasskey } from "../../domain/factors/ask-passkey.ts";
import { signInByPasskey } from "../../domain/factors/sign-in-by-passkey.ts";
import { publicId } from "../../lib/ids.ts";
import { challengeSeconds } from "../../lib/webauthn-challenge.ts";
import { json, jsonBody, problems } from "../access.ts";
import { countryOf } from "../bind-org.ts";
import { idField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { limitChallenge } from "../limit-challenges.ts";
import { readJson } from "../read-json.ts";
import { refuseCrossSite } from "../refuse-cross-site.ts";
import { factorRefused } from "../second-factor.ts";
import { setSessionCookie } from "../session-cookie.ts";
import { requestOptions, shownCredential } from "../webauthn-fields.ts";

/** What a challenge is bound to before there is a session: of this host alone, no script's, and gone with the challenge. */
export const browserCookie = "__Host-dialgate-passkey";
const attributes = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" } as const;
const bodyBytesMax = 32 * 1024;
const userAgentCharactersMax = 300;

const open = { tags: ["sign_in"], "x-public": true, security: [] };
const answer = z.strictObject({ credential: shownCredential }).openapi("PasskeySignIn");
const signedIn = z
  .strictObject({ object: z.literal("session"), id: idField("session"), status: z.literal("open") })
  .openapi("SignedIn", { description: "The session itself is in the cookie." });

/** The browser's secret that its cookie holds; null for none that was made here. */
function browserOf(c: Context<HttpEnv>): string | null {
  const cookie = getCookie(c, browserCookie) ?? "";
  return /^[A-Za-z0-9_-]{43}$/.test(cookie) ? cookie : null;
}

/** Signing in with a passkey: by whoever is not known yet, from our own pages. */
export function passkeySignInRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/passkey/options",
      operationId: "sign_in.passkey_options",
      summary: "Options for signing in with a passkey",
      description: "Bound to this browser by a cookie.",
      ...open,
      responses: { 200: json("For the browser.", requestOptions), ...problems },
    }),
    async (c) => {
      refuseCrossSite(c);
      // Kept where there is one, so that pages of the same browser do not void each other's challenges.
      const browser = browserOf(c) ?? c.env.challenges.browserSecret();
      setCookie(c, browserCookie, browser, { ...attributes, maxAge: challengeSeconds });
      const options = await askAnyPasskey(c.env, browser);
      return c.json({ ...options, allowCredentials: [] }, 200, { "cache-control": "no-store" });
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/passkey",
      operationId: "sign_in.passkey",
      summary: "Sign in with a passkey",
      description: "It is both factors: the session is open, and has shown a second factor.",
      ...open,
      middleware: [readJson(bodyBytesMax)],
      request: { body: jsonBody(answer) },
      responses: { 200: json("Signed in.", signedIn), ...problems },
    }),
    async (c) => {
      refuseCrossSite(c);
      const { credential } = c.req.valid("json");
      const browser = browserOf(c);
      await limitChallenge(c, { kind: "passkey", account: credential.id, device: browser ?? "" });
      const visitor = c.env.system.asVisitor(c.var.requestId, c.env.now());
      const userAgent = c.req.header("user-agent")?.slice(0, userAgentCharactersMax).toWellFormed() ?? null;
      const by = { deviceId: null, country: countryOf(c), userAgent };
      const minted = browser === null ? null : await signInByPasskey(c.env, visitor, browser, credential, by);
      if (minted === null) throw factorRefused("/credential");
      deleteCookie(c, browserCookie, attributes);
      setSessionCookie(c, minted.clear);
      const body = { object: "session" as const, id: publicId("session", minted.id), status: "open" as const };
      return c.json(body, 200, { "cache-control": "no-store" });
    },
  );
}
