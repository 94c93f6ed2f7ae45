import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { roles } from "../../domain/access/operations.ts";
import { acceptInvitation } from "../../domain/invitations/accept-invitation.ts";
import { createInvitation, type InvitationRefusal, type InvitationRow } from "../../domain/invitations/create-invitation.ts";
import { findInvitation, findInvitations } from "../../domain/invitations/find-invitations.ts";
import { revokeInvitation } from "../../domain/invitations/revoke-invitation.ts";
import { publicId } from "../../lib/ids.ts";
import { type Instant, secondsOf } from "../../lib/instant.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { emailField, idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { invitationPage } from "../pages/invitation-page.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { rateLimited } from "../limit-rate.ts";
import { conflict, notFound, Problem } from "../problem.ts";
import type { Quotas } from "../quotas.ts";

const newInvitation = z
  .strictObject({ email: emailField, role: z.enum(roles) })
  .openapi("NewInvitation", { example: { email: "dana@example.com", role: "member" } });
const invitation = z
  .strictObject({
    id: idField("invitation"),
    object: z.literal("invitation"),
    email: z.string(),
    role: z.enum(roles),
    status: z.enum(["open", "accepted", "revoked", "expired"]),
    invited_by: idField("user"),
    created_at: instantField,
    expires_at: instantField,
    accepted_at: instantField.nullable(),
    revoked_at: instantField.nullable(),
  })
  .openapi("Invitation", { description: "Its instants are of the real clock. Its token is in the mail alone." });
const acceptance = z
  .strictObject({ token: z.string().min(1).max(200) })
  .openapi("InvitationAcceptance", { example: { token: "dgi_…" } });
const joined = z
  .strictObject({
    object: z.literal("membership"),
    organisation: z.strictObject({ id: idField("org"), name: z.string(), livemode: z.boolean() }),
    role: z.enum(roles).openapi({ description: "The invitation's; or the one that the person had already, which stays." }),
  })
  .openapi("Membership");

const statusOf = (row: InvitationRow, now: Instant): z.infer<typeof invitation>["status"] => {
  if (row.acceptedAt !== null) return "accepted";
  // An expired one is closed when another takes its place: that is no revocation.
  if (row.revokedAt !== null && row.revokedAt < row.expiresAt) return "revoked";
  return row.expiresAt <= now ? "expired" : "open";
};
const view = (row: InvitationRow, now: Instant): z.infer<typeof invitation> => ({
  id: publicId("invitation", row.id),
  object: "invitation",
  email: row.email,
  role: row.role,
  status: statusOf(row, now),
  invited_by: publicId("user", row.invitedBy),
  created_at: row.createdAt,
  expires_at: row.expiresAt,
  accepted_at: row.acceptedAt,
  revoked_at: statusOf(row, now) === "revoked" ? row.revokedAt : null,
});

/** Counted by the database in the transaction that invites, and said in the document as a quota of the operation. */
const countsInvitations = { "x-attempts": ["invitation_address", "invitation_inviter", "invitation_org"] } as const;
const limitsOf = (quotas: Quotas) => ({
  address: quotas.invitation_address,
  inviter: quotas.invitation_inviter,
  org: quotas.invitation_org,
});

function refused(refusal: InvitationRefusal, quotas: Quotas, now: Instant): Problem {
  if (refusal === "role_too_low") return new Problem("role_missing", { detail: "This takes the role owner." });
  if (refusal === "replaces_higher") {
    const detail = "The address has an open invitation to be an owner: an owner replaces it, or somebody revokes it first.";
    return new Problem("role_missing", { detail, errors: [{ pointer: "/email", code: "owner_invited", detail }] });
  }
  if (refusal === "already_member")
    return conflict(refusal, "Someone with this address is a member already: change their role instead.", "/email");
  const code = `invitation_${refusal.full}` as const;
  const resetSeconds = secondsOf(refusal.until) - secondsOf(now);
  const what = {
    address: "invitations to one address, whoever sends them, that nobody has accepted",
    inviter: "invitations by one person, from all of their organisations, that nobody has accepted",
    org: "invitations by one organisation",
  }[refusal.full];
  return rateLimited(quotas[code], { remaining: 0, resetSeconds }, what, {
    pointer: refusal.full === "address" ? "/email" : "",
    code,
  });
}

export function invitationRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/auth/invitation",
      operationId: "invitations.page",
      summary: "The page to which an invitation's link leads; loading it changes nothing",
      description:
        "The token stands behind the `#` of the mail's link; the page's button sends it (`POST /v1/invitations/accept`) for whoever is signed in by the invited address.",
      tags: ["members"],
      "x-public": true,
      security: [],
      responses: { 200: { description: "The page.", content: { "text/html": { schema: z.string() } } }, ...problems },
    }),
    () => new Response(invitationPage.html, { headers: invitationPage.headers }),
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/invitations",
      summary: "Invite an address by mail",
      description:
        "For seven days, once, and only whoever signs in by that address. Inviting it again replaces the invitation before. An admin gives every role but owner.",
      tags: ["members"],
      ...posts("invitations.create"),
      ...countsInvitations,
      request: { body: jsonBody(newInvitation) },
      responses: { 201: json("The mail is on its way.", invitation), ...problems },
    }),
    async (c) => {
      const deps = { ...c.env, limits: limitsOf(c.env.quotas) };
      const done = await createInvitation(c.var.org, deps, c.req.valid("json"), c.env.now());
      if (!done.ok) throw refused(done.refusal, c.env.quotas, c.env.now());
      await c.env.wakeMail();
      return c.json(view(done.value, c.env.now()), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/invitations",
      summary: "List invitations, newest first",
      description: "Those that have ended, too.",
      tags: ["members"],
      ...reads("invitations.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(invitation)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      const rows = await findInvitations(c.var.org, page);
      return c.json(
        listBody(rows, page, (row) => view(row, c.env.now())),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/invitations/{id}",
      summary: "Get an invitation",
      description: "Also one that has ended. Its token is in no answer.",
      tags: ["members"],
      ...reads("invitations.get"),
      request: { params: idParam("invitation") },
      responses: { 200: json("The invitation.", invitation), ...problems },
    }),
    async (c) => {
      const found = await findInvitation(c.var.org, idOf("invitation", c.req.valid("param").id));
      if (found === null) throw notFound("invitation");
      return c.json(view(found, c.env.now()), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/invitations/{id}",
      summary: "Revoke an invitation, at once",
      description: "One that was accepted or has expired stays as it is: remove the member instead.",
      tags: ["members"],
      ...changes("invitations.revoke"),
      request: { params: idParam("invitation") },
      responses: { 200: json("As it stands.", invitation), ...problems },
    }),
    async (c) => {
      const found = await revokeInvitation(c.var.org, idOf("invitation", c.req.valid("param").id), c.env.now());
      if (found === null) throw notFound("invitation");
      return c.json(view(found, c.env.now()), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/invitations/accept",
      summary: "Accept an invitation, signed in by the address that it is for",
      description:
        "One answer for a token that has expired, was revoked or used, is for another address, or was given by someone who may no longer give that role. The role of whoever is a member already stays.",
      tags: ["members"],
      ...posts("invitations.accept"),
      request: { body: jsonBody(acceptance) },
      responses: { 200: json("A member, from now on.", joined), ...problems },
    }),
    async (c) => {
      const done = await acceptInvitation(c.var.org, c.req.valid("json").token, c.var.principal.id, c.env.now());
      if (!done.ok)
        throw new Problem("not_found", {
          detail: "No such invitation is open for the address that you are signed in by. Ask whoever invited you for another.",
          unproven: true,
        });
      const { orgId, role, ...org } = done.value;
      return c.json({ object: "membership" as const, organisation: { id: publicId("org", orgId), ...org }, role }, 200);
    },
  );
}
