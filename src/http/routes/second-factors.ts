import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { OperationId } from "../../domain/access/operations.ts";
import { askOwnPasskey } from "../../domain/factors/ask-passkey.ts";
import { describeFactors } from "../../domain/factors/find-factors.ts";
import { showRecoveryCode, showTotp } from "../../domain/factors/show-code.ts";
import type { FactorMethod, Shown } from "../../domain/factors/show-factor.ts";
import { showPasskey } from "../../domain/factors/show-passkey.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { countsAttempts, countsCodes } from "../limit-challenges.ts";
import { actingIn, factorRefused, limitCode, limitFactor, renewFor } from "../second-factor.ts";
import { requestOptions, shownPasskey } from "../webauthn-fields.ts";
import { totpCode } from "./totp.ts";

const factors = z
  .strictObject({
    object: z.literal("second_factors"),
    passkeys: z.int().openapi({ description: "How many." }),
    totp_confirmed_at: instantField.nullable().openapi({ description: "Null: there is no authenticator app." }),
    recovery_codes_left: z.int(),
  })
  .openapi("SecondFactors");
const shown = z
  .strictObject({
    object: z.literal("second_factor"),
    method: z.enum(["passkey", "totp", "recovery_code"]),
    shown_at: instantField,
  })
  .openapi("ShownSecondFactor", { description: "The session is open, and goes on under another cookie." });
const recoveryCode = z
  .strictObject({ code: z.string().min(1).max(64) })
  .openapi("RecoveryCode", { example: { code: "7kq2-0dvx-m4tb-9w1e-zz3h-p5ra" } });

const answers = { responses: { 200: json("It holds.", shown), ...problems } };
const described =
  "In a session that waits for a second factor, or is to show one again. The session goes on under another cookie, and the old one ends at once; after ten that did not hold the session ends.";

function answerShown(c: Context<HttpEnv>, operation: OperationId, method: FactorMethod, shown: Shown) {
  if (!shown.ok) throw factorRefused(method === "passkey" ? "/credential" : "/code", shown.refusal);
  renewFor(c, operation, shown.value);
  return { object: "second_factor" as const, method, shown_at: c.env.now() };
}

export function secondFactorRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/me/second_factors",
      summary: "What second factors one has",
      description:
        "How many passkeys, since when an authenticator app, and how many recovery codes are left. Also answered while one of them is due.",
      tags: ["second_factors"],
      ...reads("second_factors.get"),
      responses: { 200: json("One's own.", factors), ...problems },
    }),
    async (c) => c.json({ object: "second_factors" as const, ...(await describeFactors(c.var.org, c.var.principal.id)) }, 200),
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/second_factor/passkey/options",
      summary: "Options for showing a passkey in this session",
      description:
        "The challenge holds for one answer, in this session, for a few minutes: give the browser these options and send what it returns to `POST /v1/me/second_factor/passkey`.",
      tags: ["second_factors"],
      ...posts("second_factors.passkey_options", { ofSession: true }),
      responses: { 200: json("For the browser.", requestOptions), ...problems },
    }),
    async (c) => {
      const options = await askOwnPasskey(c.env, c.var.org, actingIn(c));
      const allowCredentials = options.allowCredentials.map((one) => ({ ...one, transports: [...one.transports] }));
      return c.json({ ...options, allowCredentials }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/second_factor/passkey",
      summary: "Show a passkey",
      description: described,
      tags: ["second_factors"],
      ...posts("second_factors.passkey", { ofSession: true }),
      ...countsAttempts,
      request: { body: jsonBody(shownPasskey) },
      ...answers,
    }),
    async (c) => {
      await limitFactor(c, "passkey");
      const renewed = await showPasskey(c.env, c.var.org, actingIn(c), c.req.valid("json").credential);
      return c.json(answerShown(c, "second_factors.passkey", "passkey", renewed), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/second_factor/totp",
      summary: "Show a code of the authenticator app",
      description: described,
      tags: ["second_factors"],
      ...posts("second_factors.totp", { ofSession: true }),
      ...countsCodes,
      request: { body: jsonBody(totpCode) },
      ...answers,
    }),
    async (c) => {
      await limitCode(c);
      const renewed = await showTotp(c.env, c.var.org, actingIn(c), c.req.valid("json").code);
      return c.json(answerShown(c, "second_factors.totp", "totp", renewed), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/second_factor/recovery_code",
      summary: "Show a recovery code in the place of a factor that is lost",
      description: `${described} Its person is told by mail.`,
      tags: ["second_factors"],
      ...posts("second_factors.recovery_code", { ofSession: true }),
      ...countsAttempts,
      request: { body: jsonBody(recoveryCode) },
      ...answers,
    }),
    async (c) => {
      await limitFactor(c, "recovery_code");
      const renewed = await showRecoveryCode(c.env, c.var.org, actingIn(c), c.req.valid("json").code);
      return c.json(answerShown(c, "second_factors.recovery_code", "recovery_code", renewed), 200);
    },
  );
}
