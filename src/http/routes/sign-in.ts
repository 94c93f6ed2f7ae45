import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { askForLink } from "../../domain/sign-in/ask-for-link.ts";
import { nextPaths } from "../../domain/sign-in/next-path.ts";
import {
  type Completed,
  enterCode,
  type OpenDeps,
  openLink,
  type Refused,
  type Visitor,
} from "../../domain/sign-in/open-link.ts";
import { json, jsonBody, problems } from "../access.ts";
import { addressOf, countryOf } from "../asking.ts";
import { networkOf } from "../client-address.ts";
import { emailField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { isBrowserOf, knownBrowser } from "../known-browser.ts";
import { countsAttempts, countsMails, limitChallenge, limitMails } from "../limit-challenges.ts";
import { accountPage } from "../pages/account-page.ts";
import { factorsPage } from "../pages/factors-page.ts";
import { linkPage } from "../pages/link-page.ts";
import type { Page } from "../pages/page.ts";
import { secondFactorPage } from "../pages/second-factor-page.ts";
import { signInPage } from "../pages/sign-in-page.ts";
import { invalid, type Problem } from "../problem.ts";
import { heldSession, setSessionCookie } from "../session-cookie.ts";
import { configuredNames } from "../sign-in-providers.ts";
import {
  clearVerifier,
  countedDevice,
  heldDevice,
  heldVerifier,
  mintCookie,
  mintDevice,
  named,
  setDevice,
  setVerifier,
} from "../sign-in-cookies.ts";
import { visits } from "../visits.ts";

const askedLink = z
  .strictObject({
    email: emailField,
    next: z.enum(nextPaths).optional().openapi({ description: "Where to go on after signing in." }),
  })
  .openapi("NewSignInLink", { example: { email: "ada@example.com" } });
const sentLink = z
  .strictObject({ object: z.literal("sign_in_link"), minutes: z.int().openapi({ description: "How long the link works." }) })
  .openapi("SignInLink", { description: "On its way, to every address alike." });
const openedLink = z
  .strictObject({ token: z.string().max(200).openapi({ description: "What stands behind the # of the mail's link." }) })
  .openapi("OpenedSignInLink", { example: { token: "n3yVb0pXkZ1t8QdJm5sWc7LhG2aRfE4uT6oYiPqKxAM" } });
const enteredCode = z
  .strictObject({ code: z.string().max(40).openapi({ description: "As shown; case, spaces and hyphens do not matter." }) })
  .openapi("EnteredSignInCode", { example: { code: "7K3M-Q9TZ" } });

const signedIn = z.strictObject({
  object: z.literal("sign_in"),
  status: z.literal("signed_in"),
  next: z
    .enum(["done", "second_factor"])
    .openapi({ description: "Whether a second factor is due before the session opens anything." }),
  go_to: z.enum(nextPaths).nullable(),
});
const relayed = z.strictObject({
  object: z.literal("sign_in"),
  status: z.literal("relay"),
  code: z.string().openapi({ description: "For the browser that asked for the link. Nothing is used up." }),
});
export const completed = signedIn.openapi("SignIn");
const opened = z.discriminatedUnion("status", [signedIn, relayed]).openapi("OpenedSignIn");

const depsOf = (c: Context<HttpEnv>): OpenDeps => ({
  system: c.env.system,
  newId: () => c.env.newId(),
  random: (bytes) => c.env.random(bytes),
  publicOrigin: c.env.publicOrigin,
  sealLetter: c.env.sealLetter,
  mintSession: c.env.mintSession,
  keyedHash: c.env.hashApiKey,
  magicLinkMinutes: c.env.magicLinkMinutes,
});

async function visitorOf(c: Context<HttpEnv>): Promise<Visitor> {
  return {
    visitor: c.env.system.asVisitor(c.var.requestId, c.env.now()),
    verifier: heldVerifier(c),
    browser: {
      device: heldDevice(c) ?? (await mintDevice(c)),
      country: countryOf(c),
      userAgent: c.req.header("user-agent") ?? null,
      session: await heldSession(c),
    },
  };
}

/** The session is in the cookie, and nowhere else. */
export function welcome(
  c: Context<HttpEnv>,
  { clear, secondFactorDue, next }: Completed,
  device: string,
): z.infer<typeof signedIn> {
  setSessionCookie(c, clear);
  setDevice(c, device);
  clearVerifier(c);
  return { object: "sign_in", status: "signed_in", next: secondFactorDue ? "second_factor" : "done", go_to: next };
}

async function refusal(c: Context<HttpEnv>, { mailQueued }: Refused, field: "token" | "code"): Promise<Problem> {
  if (mailQueued) await c.env.wakeMail();
  const detail = {
    token: "This link does not work: it was used, has ended, or another one was asked for since. Ask for a new link.",
    code: "This code does not work here: it is mistyped, was used, has ended, or is of another browser's link. Ask for a new link.",
  }[field];
  return invalid({ pointer: `/${field}`, code: field === "token" ? "link_invalid" : "code_invalid", detail });
}

const serve = ({ html, headers }: Page): Response => new Response(html, { headers });
const pageRoute = <const Path extends string, const Id extends string>(
  path: Path,
  operationId: Id,
  summary: string,
  description: string,
) =>
  createRoute({
    method: "get",
    path,
    operationId,
    summary,
    description,
    tags: ["sign-in"],
    "x-public": true,
    security: [],
    responses: { 200: { description: "The page.", content: { "text/html": { schema: z.string() } } }, ...problems },
  });

/** What somebody does who is not known yet. Nothing here says whether an address is anyone's. */
export function signInRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    pageRoute(
      "/auth/sign-in",
      "sign_in.page",
      "The page on which somebody signs in",
      "A form for an address of mail, and what leads on to Google, Microsoft and passkeys. Its form sends what `POST /auth/link` takes.",
    ),
    (c) => serve(signInPage(configuredNames(c.env.identityProviders))),
  );
  app.openapi(
    pageRoute(
      "/auth/second-factor",
      "sign_in.second_factor_page",
      "The page on which somebody shows their second factor",
      "Where signing in leads whoever has a second factor. It sends what the operations beneath `/v1/me/second_factor` take.",
    ),
    () => serve(secondFactorPage),
  );
  app.openapi(
    pageRoute(
      "/auth/factors",
      "sign_in.factors_page",
      "The page of one's own passkeys, authenticator app and recovery codes",
      "For whoever is signed in: passkeys are added, named and removed there, an authenticator app is set up, and recovery codes are made.",
    ),
    () => serve(factorsPage),
  );
  app.openapi(
    pageRoute(
      "/auth/account",
      "sign_in.account_page",
      "The page of one's own sessions, linked accounts, and support grants in one's organisations",
      "What it shows and ends it asks of the API, with the session's cookie: without one it leads to the sign-in page and comes back.",
    ),
    () => serve(accountPage),
  );
  app.openapi(
    pageRoute(
      "/auth/link",
      "sign_in.link_page",
      "The page to which a mail's link leads; loading it changes nothing",
      "The token stands behind the `#` of the mail's link, and is sent by the page's button alone (`POST /auth/link/open`): programs that follow links use nothing up.",
    ),
    () => serve(linkPage),
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/link",
      summary: "Have a link to sign in sent to an address",
      description: "Whoever completes it has an account, or is given one. Answered alike for every address.",
      tags: ["sign-in"],
      ...visits("sign_in.ask"),
      ...countsMails,
      request: { body: jsonBody(askedLink) },
      responses: { 202: json("It is on its way.", sentLink), ...problems },
    }),
    async (c) => {
      const { email, next = null } = c.req.valid("json");
      await limitChallenge(c, {
        kind: "link",
        account: email,
        device: await countedDevice(c),
        known: await knownBrowser(c, email),
      });
      await limitMails(c, email, () => isBrowserOf(c, email));
      const verifier = heldVerifier(c) ?? mintCookie(c);
      await askForLink(depsOf(c), { email, verifier, next, network: networkOf(addressOf(c)) }, c.env.now());
      await c.env.wakeMail();
      setVerifier(c, verifier);
      setDevice(c, heldDevice(c) ?? (await mintDevice(c)));
      return c.json({ object: "sign_in_link" as const, minutes: c.env.magicLinkMinutes }, 202);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/link/open",
      summary: "Open a mail's link on purpose",
      description:
        "Signs in where it was asked for. Elsewhere it uses up nothing, and gives the code that the asking browser takes.",
      tags: ["sign-in"],
      ...visits("sign_in.open"),
      ...countsAttempts,
      request: { body: jsonBody(openedLink) },
      responses: { 200: json("Signed in, or the code.", opened), ...problems },
    }),
    async (c) => {
      const { token } = c.req.valid("json");
      await limitChallenge(c, {
        kind: "open",
        account: named(token),
        device: await countedDevice(c),
        known: await knownBrowser(c, null),
      });
      const from = await visitorOf(c);
      const result = await openLink(depsOf(c), from, token, c.env.now());
      if (!result.ok) throw await refusal(c, result.refusal, "token");
      if ("relayCode" in result.value)
        return c.json({ object: "sign_in" as const, status: "relay" as const, code: result.value.relayCode }, 200);
      if (result.value.mailQueued) await c.env.wakeMail();
      return c.json(welcome(c, result.value, from.browser.device), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/auth/link/relay",
      summary: "Enter the code that another browser shows",
      description: "In the browser that asked for the link. Five are compared for each link.",
      tags: ["sign-in"],
      ...visits("sign_in.relay"),
      ...countsAttempts,
      request: { body: jsonBody(enteredCode) },
      responses: { 200: json("Signed in.", completed), ...problems },
    }),
    async (c) => {
      await limitChallenge(c, {
        kind: "relay",
        account: named(heldVerifier(c)),
        device: await countedDevice(c),
        known: await knownBrowser(c, null),
      });
      const from = await visitorOf(c);
      const result = await enterCode(depsOf(c), from, c.req.valid("json").code, c.env.now());
      if (!result.ok) throw await refusal(c, result.refusal, "code");
      if (result.value.mailQueued) await c.env.wakeMail();
      return c.json(welcome(c, result.value, from.browser.device), 200);
    },
  );
}
