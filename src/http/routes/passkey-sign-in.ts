import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { askAnyPasskey } from "../../domain/factors/ask-passkey.ts";
import { signInByPasskey } from "../../domain/factors/sign-in-by-passkey.ts";
import { json, jsonBody, problems } from "../access.ts";
import { countryOf } from "../asking.ts";
import type { HttpEnv } from "../http-env.ts";
import { knownBrowser } from "../known-browser.ts";
import { countsAttempts, limitChallenge } from "../limit-challenges.ts";
import { factorRefused } from "../second-factor.ts";
import { heldSession } from "../session-cookie.ts";
import { countedDevice, heldDevice, mintDevice, setDevice } from "../sign-in-cookies.ts";
import { visits } from "../visits.ts";
import { requestOptions, shownPasskey } from "../webauthn-fields.ts";
import { completed, welcome } from "./sign-in.ts";

const bodyBytesMax = 16 * 1024;

/** Signing in with a passkey: by whoever is not known yet, from our own pages. */
export function passkeySignInRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/passkey/options",
      summary: "Options for signing in with a passkey",
      description: "Bound to this browser by its cookie. Whether anyone has a passkey is not asked.",
      tags: ["sign-in"],
      ...visits("sign_in.passkey_options"),
      responses: { 200: json("For the browser.", requestOptions), ...problems },
    }),
    async (c) => {
      const device = heldDevice(c) ?? (await mintDevice(c));
      setDevice(c, device);
      return c.json({ ...(await askAnyPasskey(c.env, device)), allowCredentials: [] }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/passkey",
      summary: "Sign in with a passkey",
      description: "It is both factors: the session is open, and has shown a second factor.",
      tags: ["sign-in"],
      ...visits("sign_in.passkey", bodyBytesMax),
      ...countsAttempts,
      request: { body: jsonBody(shownPasskey) },
      responses: { 200: json("Signed in.", completed), ...problems },
    }),
    async (c) => {
      const { credential } = c.req.valid("json");
      const device = heldDevice(c);
      await limitChallenge(c, {
        kind: "passkey",
        account: credential.id,
        device: await countedDevice(c),
        known: await knownBrowser(c, null),
      });
      // A browser without the cookie was given no challenge.
      if (device === null) throw factorRefused("/credential");
      const visitor = c.env.system.asVisitor(c.var.requestId, c.env.now());
      const userAgent = c.req.header("user-agent") ?? null;
      const browser = { device, country: countryOf(c), userAgent, session: await heldSession(c) };
      const signedIn = await signInByPasskey(c.env, visitor, browser, credential);
      if (signedIn === null) throw factorRefused("/credential");
      return c.json(welcome(c, { ...signedIn, next: null }, device), 200);
    },
  );
}
