import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { findLastDecision } from "../../domain/decisions/find-decisions.ts";
import { findLead, findLeads, findLeadsByNumber, type Lead } from "../../domain/leads/find-leads.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { decision, viewRecorded } from "../decision-view.ts";
import { e164Field, givenId, idField, idOf, idParam, instantField, text } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";

export const lead = z
  .strictObject({
    id: idField("lead"),
    object: z.literal("lead"),
    person_id: idField("person"),
    import_id: idField("import").nullable(),
    external_id: z.string().nullable(),
    phone: z.string(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    email: z.string().nullable(),
    city: z.string().nullable(),
    state: z.string().nullable(),
    zip: z.string().nullable(),
    source: z.string().nullable(),
    notes: z.string().nullable(),
    status: z.enum(["eligible", "ineligible"]),
    ineligible_reason: z.string().nullable(),
    created_at: instantField,
  })
  .openapi("Lead");

export const viewLead = (row: Lead): z.infer<typeof lead> => ({
  id: publicId("lead", row.id),
  object: "lead",
  person_id: publicId("person", row.personId),
  import_id: row.importId === null ? null : publicId("import", row.importId),
  external_id: row.externalId,
  phone: row.e164,
  first_name: row.firstName,
  last_name: row.lastName,
  email: row.email,
  city: row.city,
  state: row.state,
  zip: row.zip,
  source: row.source,
  notes: row.notes,
  status: row.status,
  ineligible_reason: row.ineligibleReason,
  created_at: row.createdAt,
});

export function leadRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads",
      operationId: "leads.list",
      summary: "List leads, newest first",
      tags: ["leads"],
      ...reads("leads:read"),
      request: {
        query: z.strictObject({
          ...pageQuery,
          status: z.enum(["eligible", "ineligible"]).optional(),
          import_id: givenId("import").optional(),
          external_id: text(200).optional(),
        }),
      },
      responses: { 200: json("A page.", listOf(lead)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      const importId = query.import_id === undefined ? undefined : idOf("import", query.import_id);
      const rows = await findLeads(c.var.org, page, { status: query.status, importId, externalId: query.external_id });
      return c.json(listBody(rows, page, viewLead), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/leads/search",
      operationId: "leads.search",
      summary: "Find leads by number",
      description: "A POST, because numbers do not belong in addresses that are logged.",
      tags: ["leads"],
      ...posts("leads:read"),
      request: { body: jsonBody(z.strictObject({ phone: e164Field }).openapi("LeadSearch")) },
      responses: { 200: json("The leads of the number.", z.strictObject({ object: z.literal("list"), data: z.array(lead) })), ...problems },
    }),
    async (c) => {
      const found = await findLeadsByNumber(c.var.org, c.env.numbers, c.req.valid("json").phone);
      return c.json({ object: "list" as const, data: found.map(viewLead) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads/{id}",
      operationId: "leads.get",
      summary: "Get a lead",
      tags: ["leads"],
      ...reads("leads:read"),
      request: { params: idParam("lead") },
      responses: { 200: json("The lead.", lead), ...problems },
    }),
    async (c) => {
      const found = await findLead(c.var.org, idOf("lead", c.req.valid("param").id));
      if (found === null) throw notFound("lead");
      return c.json(viewLead(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads/{id}/decision",
      operationId: "leads.decision",
      summary: "Why a lead was dialed or was not: its last decision, gate by gate",
      tags: ["leads", "decisions"],
      ...reads("decisions:read"),
      request: { params: idParam("lead"), query: z.strictObject({ campaign_id: givenId("campaign").optional() }) },
      responses: { 200: json("The decision.", decision), ...problems },
    }),
    async (c) => {
      const { campaign_id: campaign } = c.req.valid("query");
      const leadId = idOf("lead", c.req.valid("param").id);
      const found = await findLastDecision(c.var.org, leadId, campaign === undefined ? null : idOf("campaign", campaign));
      if (found === null) throw notFound("recorded decision of such a lead");
      return c.json(viewRecorded(found), 200);
    },
  );
}
