import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { confirmOwnTotp, startOwnTotp } from "../../domain/factors/add-totp.ts";
import { removeOwnFactor } from "../../domain/factors/remove-factor.ts";
import { renewRecoveryCodes } from "../../domain/factors/renew-recovery-codes.ts";
import { qrRows } from "../../lib/qr-code.ts";
import { changes, json, jsonBody, posts, problems } from "../access.ts";
import { instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { countsAttempts } from "../limit-challenges.ts";
import { conflict, notFound } from "../problem.ts";
import { actingIn, addingRefused, factorRefused, limitFactor, renewFor } from "../second-factor.ts";

const toldOnce = "Told once. A repetition by Idempotency-Key gets null.";
const startedTotp = z
  .strictObject({
    object: z.literal("totp"),
    status: z.literal("started"),
    ends_at: instantField.openapi({ description: "Until then it waits for its first code." }),
    secret: z
      .strictObject({
        base32: z.string(),
        uri: z.string().openapi({ description: "`otpauth://totp/…`" }),
        qr: z
          .array(z.string())
          .openapi({ description: "The URI as a QR code, by its rows: `1` is dark. Leave a light margin of four around it." }),
      })
      .nullable()
      .openapi({ description: toldOnce }),
  })
  .openapi("StartedTotp");
const codesSecret = z
  .strictObject({ recovery_codes: z.array(z.string()) })
  .nullable()
  .openapi({ description: toldOnce });
const confirmedTotp = z
  .strictObject({ object: z.literal("totp"), status: z.literal("confirmed"), confirmed_at: instantField, secret: codesSecret })
  .openapi("ConfirmedTotp");
const recoveryCodes = z.strictObject({ object: z.literal("recovery_codes"), secret: codesSecret }).openapi("RecoveryCodes");

export const totpCode = z
  .strictObject({
    code: z
      .string()
      .regex(/^\d{3} ?\d{3}$/, "The six digits that the authenticator shows are needed.")
      .transform((code) => code.replace(" ", "")),
  })
  .openapi("TotpCode", { example: { code: "492039" } });

export function totpRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/totp",
      summary: "Start to add an authenticator app",
      description: "Answers its secret, which is no factor before a code of it was sent to `/v1/me/totp/confirm`.",
      tags: ["second_factors"],
      ...posts("totp.start", { tellsSecret: true }),
      responses: { 201: json("The secret.", startedTotp), ...problems },
    }),
    async (c) => {
      const started = await startOwnTotp(c.env, c.var.org, actingIn(c));
      if (started.ok) {
        const { base32, uri, endsAt } = started.value;
        const secret = { base32, uri, qr: [...qrRows(uri)] };
        return c.json({ object: "totp" as const, status: "started" as const, ends_at: endsAt, secret }, 201);
      }
      if (started.refusal !== "totp_exists") throw addingRefused(started.refusal);
      throw conflict("totp_exists", "There is an authenticator: remove it first, DELETE /v1/me/totp.");
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/totp/confirm",
      summary: "Add the authenticator app by its first code",
      description:
        "Answers ten recovery codes. The session has shown a second factor by it, and goes on under another cookie. Its person is told by mail.",
      tags: ["second_factors"],
      ...posts("totp.confirm", { tellsSecret: true }),
      ...countsAttempts,
      request: { body: jsonBody(totpCode) },
      responses: { 200: json("It is added.", confirmedTotp), ...problems },
    }),
    async (c) => {
      await limitFactor(c, "totp_added");
      const confirmed = await confirmOwnTotp(c.env, c.var.org, actingIn(c), c.req.valid("json").code);
      if (confirmed.ok) {
        const { confirmedAt, recoveryCodes: codes, renewed } = confirmed.value;
        renewFor(c, "totp.confirm", renewed);
        const secret = { recovery_codes: [...codes] };
        return c.json({ object: "totp" as const, status: "confirmed" as const, confirmed_at: confirmedAt, secret }, 200);
      }
      if (confirmed.refusal === "not_held") throw factorRefused("/code");
      if (confirmed.refusal === "totp_not_started") {
        throw conflict(confirmed.refusal, "No authenticator waits for its first code: start with POST /v1/me/totp.");
      }
      throw addingRefused(confirmed.refusal);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/me/totp",
      summary: "Remove the authenticator app",
      description:
        "After the last factor no session has shown one any more, and recovery codes are gone. Its person is told by mail.",
      tags: ["second_factors"],
      ...changes("totp.delete"),
      responses: {
        200: json("It is removed.", z.strictObject({ object: z.literal("totp"), deleted: z.literal(true) })),
        ...problems,
      },
    }),
    async (c) => {
      if (!(await removeOwnFactor(c.env, c.var.org, actingIn(c), null))) throw notFound("authenticator");
      return c.json({ object: "totp" as const, deleted: true as const }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/recovery_codes",
      summary: "Make a new set of recovery codes",
      description: "Those of before no longer work. Its person is told by mail.",
      tags: ["second_factors"],
      ...posts("recovery_codes.create", { tellsSecret: true }),
      responses: { 201: json("Ten codes.", recoveryCodes), ...problems },
    }),
    async (c) => {
      const codes = await renewRecoveryCodes(c.env, c.var.org, actingIn(c));
      return c.json({ object: "recovery_codes" as const, secret: { recovery_codes: [...codes] } }, 201);
    },
  );
}
