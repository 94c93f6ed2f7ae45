import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { PasskeyRow } from "../../db/queries/factors.ts";
import { addPasskey, askNewPasskey, passkeysMax } from "../../domain/factors/add-passkey.ts";
import { findPasskeys } from "../../domain/factors/find-factors.ts";
import { renameOwnPasskey } from "../../domain/factors/rename-passkey.ts";
import { removeOwnFactor } from "../../domain/factors/remove-factor.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { countsAttempts } from "../limit-challenges.ts";
import { listBody, listOf } from "../page.ts";
import { conflict, notFound } from "../problem.ts";
import { actingIn, addingRefused, factorRefused, limitFactor, renewFor } from "../second-factor.ts";
import { createdCredential, creationOptions } from "../webauthn-fields.ts";

const passkey = z
  .strictObject({
    id: idField("passkey"),
    object: z.literal("passkey"),
    name: z.string(),
    backed_up: z.boolean().openapi({ description: "It is kept by a service that copies it to the person's devices." }),
    created_at: instantField,
    last_used_at: instantField.nullable(),
  })
  .openapi("Passkey");
const newPasskey = z.strictObject({ name: line(100), credential: createdCredential }).openapi("NewPasskey", {
  example: {
    name: "Laptop",
    credential: {
      id: "nv0m3k8Kf0yYbC1h9gYp2Q",
      rawId: "nv0m3k8Kf0yYbC1h9gYp2Q",
      type: "public-key",
      response: {
        clientDataJSON: "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        attestationObject: "o2NmbXRkbm9uZQ",
        transports: ["internal"],
      },
    },
  },
});
const changedPasskey = z.strictObject({ name: line(100) }).openapi("ChangedPasskey", { example: { name: "Ada's laptop" } });
const removed = z.strictObject({ id: idField("passkey"), object: z.literal("passkey"), deleted: z.literal(true) });

const view = (row: PasskeyRow): z.infer<typeof passkey> => ({
  id: publicId("passkey", row.id),
  object: "passkey",
  name: row.name,
  backed_up: row.backed_up,
  created_at: row.created_at,
  last_used_at: row.last_used_at,
});

export function passkeyRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/passkeys/options",
      summary: "Options for a new passkey",
      description:
        "Bound to this session. A first factor takes a session of the last fifteen minutes, a further one a session that has shown one.",
      tags: ["second_factors"],
      ...posts("passkeys.options"),
      responses: { 200: json("For the browser.", creationOptions), ...problems },
    }),
    async (c) => {
      const asked = await askNewPasskey(c.env, c.var.org, actingIn(c));
      if (!asked.ok) throw addingRefused(asked.refusal);
      const { pubKeyCredParams, excludeCredentials, ...rest } = asked.value;
      return c.json(
        { ...rest, pubKeyCredParams: [...pubKeyCredParams], excludeCredentials: excludeCredentials.map(mutable) },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/me/passkeys",
      summary: "Add a passkey",
      description: "The session has shown a second factor by it, and goes on under another cookie. Its person is told by mail.",
      tags: ["second_factors"],
      ...posts("passkeys.create"),
      ...countsAttempts,
      request: { body: jsonBody(newPasskey) },
      responses: { 201: json("The passkey.", passkey), ...problems },
    }),
    async (c) => {
      await limitFactor(c, "passkey_added");
      const added = await addPasskey(c.env, c.var.org, actingIn(c), c.req.valid("json"));
      if (added.ok) {
        renewFor(c, "passkeys.create", added.value.renewed);
        return c.json(view(added.value.passkey), 201);
      }
      if (added.refusal === "not_held") throw factorRefused("/credential");
      if (added.refusal === "too_many")
        throw conflict(added.refusal, `There are ${passkeysMax} passkeys already: remove one first.`);
      throw addingRefused(added.refusal);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/me/passkeys",
      summary: "One's own passkeys, newest first",
      description: `All of them in one list, by the names that their person gave them: nobody has more than ${passkeysMax}. The keys themselves are in no answer.`,
      tags: ["second_factors"],
      ...reads("passkeys.list"),
      responses: { 200: json("All of them.", listOf(passkey)), ...problems },
    }),
    async (c) => {
      const rows = await findPasskeys(c.var.org, c.var.principal.id);
      return c.json(listBody(rows, { limit: rows.length, after: null }, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/me/passkeys/{id}",
      summary: "Rename one of one's own passkeys",
      description: "Devices keep the name that they have for it themselves.",
      tags: ["second_factors"],
      ...changes("passkeys.update"),
      request: { params: idParam("passkey"), body: jsonBody(changedPasskey) },
      responses: { 200: json("The passkey.", passkey), ...problems },
    }),
    async (c) => {
      const { name } = c.req.valid("json");
      const renamed = await renameOwnPasskey(c.var.org, actingIn(c), idOf("passkey", c.req.valid("param").id), name);
      if (renamed === null) throw notFound("passkey");
      return c.json(view(renamed), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/me/passkeys/{id}",
      summary: "Remove one of one's own passkeys",
      description:
        "After the last factor no session has shown one any more, and recovery codes are gone. Its person is told by mail.",
      tags: ["second_factors"],
      ...changes("passkeys.delete"),
      request: { params: idParam("passkey") },
      responses: { 200: json("It is removed.", removed), ...problems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      if (!(await removeOwnFactor(c.env, c.var.org, actingIn(c), idOf("passkey", id)))) throw notFound("passkey");
      return c.json({ id, object: "passkey" as const, deleted: true as const }, 200);
    },
  );
}

const mutable = <T extends { readonly transports: readonly string[] }>(one: T) => ({ ...one, transports: [...one.transports] });
