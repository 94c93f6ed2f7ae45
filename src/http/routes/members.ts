import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { roles } from "../../domain/access/operations.ts";
import { changeRole, type ChangedMember } from "../../domain/members/change-role.ts";
import { findMember, findMembers, type MemberRow, seesWaysIn } from "../../domain/members/find-members.ts";
import { makeOwner } from "../../domain/members/make-owner.ts";
import { removeMember } from "../../domain/members/remove-member.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, notFound, Problem } from "../problem.ts";

const fields = {
  id: idField("user"),
  object: z.literal("member"),
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(roles),
  joined_at: instantField,
  second_factor: z.boolean().nullable().openapi({
    description:
      "Whether the person has a passkey or an authenticator app. Shown to owners and admins, and to the keys and tokens that they answer for; null to everyone else.",
    example: true,
  }),
  last_signed_in_at: instantField.nullable().openapi({
    description:
      "When the person last signed in, in whatever organisation; null: never yet, or (as `second_factor` then is, too) not shown to who asks.",
  }),
};
const member = z.strictObject(fields).openapi("Member");
const affected = z.strictObject({
  object: z.enum(["api_key", "token_issuer"]),
  id: z.string(),
  name: z.string(),
  effect: z.enum(["ended", "limited"]),
});
const changedMember = z
  .strictObject({
    ...fields,
    credentials: z.array(affected).openapi({
      description:
        "API keys and token issuers that this person answers for and that do less from now on: `ended` are revoked, `limited` lack the role for some of their scopes.",
    }),
    invitations: z.array(idField("invitation")).openapi({
      description: "Open invitations that this person gave and may give no more: they are revoked.",
    }),
  })
  .openapi("ChangedMember");
const newOwner = z
  .strictObject({
    ...fields,
    invitations: z.array(idField("invitation")).openapi({
      description: "Open invitations to be an owner that the former owner gave, who may give none any more: they are revoked.",
    }),
  })
  .openapi("NewOwner");
const newRole = z.strictObject({ role: z.enum(roles) }).openapi("NewRole", { example: { role: "member" } });

/** @param shown whether who asks sees how members get in. */
const view = (row: MemberRow, shown: boolean): z.infer<typeof member> => ({
  id: publicId("user", row.id),
  object: "member",
  email: row.email,
  name: row.name,
  role: row.role,
  joined_at: row.created_at,
  second_factor: shown ? row.second_factor : null,
  last_signed_in_at: shown ? row.last_signed_in_at : null,
});
const viewChanged = (
  { member: row, credentials, invitations }: ChangedMember,
  shown: boolean,
): z.infer<typeof changedMember> => ({
  ...view(row, shown),
  credentials: credentials.map(({ kind, ...rest }) => ({ object: kind, ...rest })),
  invitations: [...invitations],
});

export function refusedMember(
  refusal: "member_unknown" | "role_too_low" | "last_owner" | "already_owner" | "second_factor_missing" | "member_disabled",
): Problem {
  switch (refusal) {
    case "member_unknown":
      return notFound("member");
    case "role_too_low":
      return new Problem("role_missing", { detail: "This takes the role owner." });
    case "second_factor_missing":
      return new Problem("second_factor_missing", { detail: "An owner or admin shows a second factor before they leave." });
    case "last_owner":
      return conflict(
        refusal,
        "An organisation keeps an owner whose account is not disabled: hand ownership on first, POST /v1/members/{id}/make_owner.",
      );
    case "member_disabled":
      return conflict(
        refusal,
        "That member's account is disabled: it can be given a lower role or be removed, and be given no higher one.",
      );
    case "already_owner":
      return conflict(refusal, "That member is an owner already. To be one no more, change your own role.");
  }
}

export function memberRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/members",
      summary: "List the organisation's members",
      description:
        "Newest accounts first, each with the role that counts from its next request on. Owners and admins see of each whether there is a second factor, and when they last signed in.",
      tags: ["members"],
      ...reads("members.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(member)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      const found = await findMembers(c.var.org, page);
      const shown = await seesWaysIn(c.var.org);
      return c.json(
        listBody(found, page, (row) => view(row, shown)),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/members/{id}",
      summary: "Get a member",
      description: "By the id of the person, `user_…`. Whoever is no member is answered as one who never was.",
      tags: ["members"],
      ...reads("members.get"),
      request: { params: idParam("user") },
      responses: { 200: json("The member.", member), ...problems },
    }),
    async (c) => {
      const found = await findMember(c.var.org, idOf("user", c.req.valid("param").id));
      if (found === null) throw notFound("member");
      return c.json(view(found, await seesWaysIn(c.var.org)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/members/{id}",
      summary: "Change a member's role, from their next request on",
      description:
        "For each credential that they use or answer for. An admin changes everyone but owners, and makes none; only an owner does. The member is told by mail.",
      tags: ["members"],
      ...changes("members.update"),
      request: { params: idParam("user"), body: jsonBody(newRole) },
      responses: { 200: json("The member, with the credentials that do less now.", changedMember), ...problems },
    }),
    async (c) => {
      const wanted = { userId: idOf("user", c.req.valid("param").id), role: c.req.valid("json").role };
      const done = await changeRole(c.var.org, c.env, wanted, c.env.now());
      if (!done.ok) throw refusedMember(done.refusal);
      await c.env.wakeMail();
      return c.json(viewChanged(done.value, await seesWaysIn(c.var.org)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/members/{id}",
      summary: "Remove a member, at once; or leave, when it is oneself",
      description:
        "Whatever the role, everyone may leave, but the last owner: 409 `conflict` with `last_owner`. Open invitations that the person gave are revoked. API keys and token issuers that the person answers for are revoked: to keep a key going, whoever stays rotates it before, and answers for its successor.",
      tags: ["members"],
      ...changes("members.remove"),
      request: { params: idParam("user") },
      responses: { 200: json("As it was, with the credentials that have ended.", changedMember), ...problems },
    }),
    async (c) => {
      const done = await removeMember(c.var.org, c.env, idOf("user", c.req.valid("param").id), c.env.now());
      if (!done.ok) throw refusedMember(done.refusal);
      await c.env.wakeMail();
      return c.json(viewChanged(done.value, await seesWaysIn(c.var.org)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/members/{id}/make_owner",
      summary: "Hand ownership on: the member becomes an owner, whoever asks an admin",
      description:
        "Both changes are one. Open invitations to be an owner that the asker gave are revoked, and named. 409 `conflict` with `already_owner` for whoever is one. Repeated with its `Idempotency-Key` by the asker, who is an admin by then, it answers as it did.",
      tags: ["members"],
      ...posts("members.make_owner"),
      request: { params: idParam("user") },
      responses: { 200: json("The new owner, with what the former one may no more.", newOwner), ...problems },
    }),
    async (c) => {
      const done = await makeOwner(c.var.org, c.env, idOf("user", c.req.valid("param").id), c.env.now());
      if (!done.ok) throw refusedMember(done.refusal);
      await c.env.wakeMail();
      const { member: row, invitations } = done.value;
      return c.json({ ...view(row, await seesWaysIn(c.var.org)), invitations: [...invitations] }, 200);
    },
  );
}
