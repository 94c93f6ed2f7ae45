import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { endOwnSupport, endSupport } from "../../domain/support/end-support.ts";
import {
  findOneSupport,
  findOwnSupport,
  findSupport,
  type OwnSupport,
  type Support,
  type WatchedSupport,
} from "../../domain/support/find-support.ts";
import { openSupport } from "../../domain/support/open-support.ts";
import { publicId } from "../../lib/ids.ts";
import { type Instant, instantOf } from "../../lib/instant.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { givenId, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";

const grantRoles = ["viewer", "member", "admin"] as const;
const minutesMax = 8 * 60;
const exampleOrg = publicId("org", "019a9b2c-7d00-7000-8000-000000000001");

const newGrant = z
  .strictObject({
    org_id: givenId("org"),
    reason: line(300),
    role: z.enum(grantRoles),
    minutes: z.int().min(1).max(minutesMax),
  })
  .openapi("NewSupportGrant", { example: { org_id: exampleOrg, reason: "Ticket 4711", role: "viewer", minutes: 60 } });
const fields = {
  id: idField("supportGrant"),
  object: z.literal("support_grant"),
  operator: idField("user"),
  operator_email: z
    .string()
    .openapi({ example: "ada@dialgate.example", description: "The address that the operator signs in by." }),
  operator_name: z.string().nullable(),
  role: z.enum(grantRoles),
  reason: z.string(),
  status: z.enum(["open", "ended", "expired"]),
  created_at: instantField,
  expires_at: instantField,
  ended_at: instantField.nullable(),
};
const grant = z.strictObject(fields).openapi("SupportGrant", { description: "Its instants are of the real clock." });
const watched = z
  .strictObject({
    ...fields,
    requests: z
      .int()
      .openapi({ description: "How many were made by it: `support.acted` and `support.refused` on the organisation's chain." }),
    last_operation: z.string().nullable(),
    last_acted_at: instantField.nullable(),
  })
  .openapi("SupportGrantWithActs");

const own = z
  .strictObject({ ...fields, organisation: z.strictObject({ id: idField("org"), name: z.string() }) })
  .openapi("OwnSupportGrant");

const view = (row: Support, now: Instant): z.infer<typeof grant> => ({
  id: publicId("supportGrant", row.id),
  object: "support_grant",
  operator: publicId("user", row.operatorId),
  operator_email: row.operator.email,
  operator_name: row.operator.name,
  role: row.role,
  reason: row.reason,
  status: row.endedAt !== null ? "ended" : row.expiresAt <= now ? "expired" : "open",
  created_at: row.createdAt,
  expires_at: row.expiresAt,
  ended_at: row.endedAt,
});
const viewWatched = ({ acts, ...row }: WatchedSupport, now: Instant): z.infer<typeof watched> => ({
  ...view(row, now),
  requests: acts?.requests ?? 0,
  last_operation: acts?.last_operation ?? null,
  last_acted_at: acts === null ? null : instantOf(acts.last_at_us / 1_000_000),
});

const viewOwn = (row: OwnSupport, operatorId: string, now: Instant): z.infer<typeof own> => {
  const { org_id: orgId, org_name: name, created_at: createdAt, expires_at: expiresAt, ended_at: endedAt, ...rest } = row;
  const organisation = { id: publicId("org", orgId), name };
  return { ...view({ ...rest, orgId, createdAt, expiresAt, endedAt, operatorId }, now), organisation };
};

export function supportGrantRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/support_grants",
      summary: "Enter an organisation as the platform's operator, for a reason and a time",
      description:
        "By an operator alone; whoever is none is told that there is no such organisation. With the answer's id in `Dialgate-Support-Grant` and the organisation in `Dialgate-Org`, requests are the role's until the grant ends. The organisation's owners get mail, and its audit chain every request.",
      tags: ["support"],
      ...posts("support_grants.open"),
      request: { body: jsonBody(newGrant) },
      responses: { 201: json("It is open.", grant), ...problems },
    }),
    async (c) => {
      const { org_id: org, ...wanted } = c.req.valid("json");
      const { principal } = c.var;
      const done = await openSupport(c.var.org, c.env, principal.id, { ...wanted, orgId: idOf("org", org) }, c.env.now());
      if (!done.ok) throw notFound("organisation");
      await c.env.wakeMail();
      return c.json(view(done.value, c.env.now()), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/support_grants",
      summary: "List by whom of the platform's operators the organisation was entered, newest first",
      description:
        "Those that have ended, too: reason, role, end, how many requests were made by each and what the last one was.",
      tags: ["support"],
      ...reads("support_grants.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(watched)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c, c.req.valid("query"));
      const rows = await findSupport(c.var.org, page);
      return c.json(
        listBody(rows, page, (row) => viewWatched(row, c.env.now())),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/support_grants/{id}",
      summary: "Get a support grant, with what was done by it",
      description:
        "`requests` counts what was asked for by it, whether it was done (`support.acted`) or refused (`support.refused` on the audit chain).",
      tags: ["support"],
      ...reads("support_grants.get"),
      request: { params: idParam("supportGrant") },
      responses: { 200: json("The grant.", watched), ...problems },
    }),
    async (c) => {
      const found = await findOneSupport(c.var.org, idOf("supportGrant", c.req.valid("param").id));
      if (found === null) throw notFound("support grant");
      return c.json(viewWatched(found, c.env.now()), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/support_grants/{id}",
      summary: "End a support grant, at once",
      description:
        "By the organisation's owners and admins, or by the operator whom it lets in, from inside; from anywhere, they end it by `DELETE /v1/me/support_grants/{id}`.",
      tags: ["support"],
      ...changes("support_grants.end"),
      request: { params: idParam("supportGrant") },
      responses: { 200: json("It has ended.", grant), ...problems },
    }),
    async (c) => {
      const found = await endSupport(c.var.org, idOf("supportGrant", c.req.valid("param").id), c.env.now());
      if (found === null) throw notFound("support grant");
      return c.json(view(found, c.env.now()), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/me/support_grants",
      summary: "By which support grants one may enter organisations, or could, newest first",
      description: "In whatever organisation, ended ones too. None for whoever is no operator of the platform.",
      tags: ["support"],
      ...reads("support_grants.list_own"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(own)), ...problems },
    }),
    async (c) => {
      const { org, principal } = c.var;
      const page = pageOf(c, c.req.valid("query"));
      const rows = await findOwnSupport(org, principal.id, page);
      return c.json(
        listBody(rows, page, (row) => viewOwn(row, principal.id, c.env.now())),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/me/support_grants/{id}",
      summary: "End a support grant of one's own, at once",
      description: "By the operator whom it lets in, without the headers that name organisation and grant.",
      tags: ["support"],
      ...changes("support_grants.end_own"),
      request: { params: idParam("supportGrant") },
      responses: { 200: json("It has ended.", grant), ...problems },
    }),
    async (c) => {
      const id = idOf("supportGrant", c.req.valid("param").id);
      const found = await endOwnSupport(c.var.org, c.var.principal.id, id, c.env.now());
      if (found === null) throw notFound("support grant");
      return c.json(view(found, c.env.now()), 200);
    },
  );
}
