import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { IdentityRow } from "../../db/queries/oidc.ts";
import { findIdentities } from "../../domain/identities/find-identities.ts";
import { removeOwnIdentity } from "../../domain/identities/remove-identity.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { actingIn } from "../second-factor.ts";

const identity = z
  .strictObject({
    id: idField("identity"),
    object: z.literal("identity"),
    provider: z.enum(["google", "microsoft"]),
    issuer: z.string().openapi({ description: "Whose accounts it is one of: at Microsoft the tenant." }),
    created_at: instantField.openapi({ description: "When it signed in the first time." }),
    last_used_at: instantField,
  })
  .openapi("Identity", { description: "An account at Google or Microsoft that signs in to one's user." });
const removed = z.strictObject({
  id: idField("identity"),
  object: z.literal("identity"),
  deleted: z.literal(true),
  sessions_ended: z.int().openapi({ description: "Those that it had begun, but the one of this request." }),
});

const view = (row: IdentityRow): z.infer<typeof identity> => ({
  id: publicId("identity", row.id),
  object: "identity",
  provider: row.provider,
  issuer: row.issuer,
  created_at: row.created_at,
  last_used_at: row.last_used_at,
});

export function identityRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/me/identities",
      summary: "The accounts at Google and Microsoft that sign in to one's user, newest first",
      description: "Those that have not signed in for long, too: each stays until it is removed.",
      tags: ["users"],
      ...reads("identities.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(identity)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      return c.json(listBody(await findIdentities(c.var.org, c.var.principal.id, page), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/me/identities/{id}",
      summary: "Remove an account at Google or Microsoft from one's user",
      description:
        "It signs in no more, and the sessions that it began end, but the one of this request. Its person is told by mail. It comes back in a browser that is signed in as that person, and not by its address alone.",
      tags: ["users"],
      ...changes("identities.delete"),
      request: { params: idParam("identity") },
      responses: { 200: json("It is removed.", removed), ...problems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const ended = await removeOwnIdentity(c.env, c.var.org, actingIn(c), idOf("identity", id));
      if (ended === null) throw notFound("identity");
      return c.json({ id, object: "identity" as const, deleted: true as const, sessions_ended: ended }, 200);
    },
  );
}
