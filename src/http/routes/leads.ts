import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { findLastDecision } from "../../domain/decisions/find-decisions.ts";
import { correctLead, type LeadCorrection } from "../../domain/leads/correct-lead.ts";
import { type CreatedLead, createLeads, leadsMax, newLead } from "../../domain/leads/create-leads.ts";
import { findLead, findLeads, findLeadsByNumber, type Lead } from "../../domain/leads/find-leads.ts";
import { placeWarnings } from "../../domain/leads/place-warnings.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { decision, viewRecorded } from "../decision-view.ts";
import { e164Field, givenId, givenInstant, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { invalid, notFound, Problem } from "../problem.ts";

/** A thousand leads, each with a long consent text. */
const batchBytesMax = 8 * 1024 * 1024;

const lead = z
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
    callback_at: instantField
      .nullable()
      .openapi({ description: "When the person asked to be called back. It may end the organisation's own re-call gap early." }),
    created_at: instantField,
  })
  .openapi("Lead");

const viewLead = (row: Lead): z.infer<typeof lead> => ({
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
  callback_at: row.callbackAt,
  created_at: row.createdAt,
});

const warnings = z.array(z.strictObject({ code: z.string(), detail: z.string() })).openapi({
  description: "Why calling hours will block every dial to the lead, as it stands: `unknown_state`, `unassigned_area_code`.",
});
const created = z
  .strictObject({
    id: idField("lead"),
    object: z.literal("lead"),
    status: z.enum(["eligible", "ineligible"]),
    ineligible_reason: z.string().nullable(),
    warnings,
  })
  .openapi("CreatedLead");
const batchResult = z
  .strictObject({
    index: z.int(),
    status: z.enum(["created", "rejected"]),
    lead_id: idField("lead").nullable(),
    eligible: z.boolean(),
    code: z.string().nullable().openapi({ description: "Why it was rejected, or why its lead is not eligible." }),
    detail: z.string().nullable(),
    warnings,
  })
  .openapi("LeadBatchResult");
const correction = newLead
  .omit({ phone: true, consent: true })
  .extend({ callback_at: givenInstant.nullish() })
  .openapi("LeadCorrection", { example: { state: "NY", zip: "10001" } });
const corrected = z
  .strictObject({
    ...lead.shape,
    enrolments_moved: z.int().openapi({ description: "Places in campaigns that follow other hours now, or are asked again." }),
    warnings,
  })
  .openapi("CorrectedLead");
const offered = newLead.openapi("NewLead", { example: { phone: "+13035550142", first_name: "Dana", state: "CO" } });

/** New leads are scrubbed and judged now, and not at the next tick: the first minutes are when they want to be called. */
async function wakeForLeads(c: Context<HttpEnv>): Promise<void> {
  const { orgId } = c.var.org.lastBound ?? (await c.var.org.bound());
  for (const work of ["scrub", "standing"] as const) await c.env.wake(orgId, work);
}

export function leadRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/leads",
      summary: "Add a lead",
      description: "A lead whose consent does not pass is kept as ineligible, with the reason, and enters no queue.",
      tags: ["leads"],
      ...posts("leads.create"),
      request: { body: jsonBody(offered) },
      responses: { 201: json("The lead.", created), ...problems },
    }),
    async (c) => {
      const deps = { numbers: c.env.numbers, packs: await c.env.desk.packs() };
      const [made] = await createLeads(c.var.org, deps, [c.req.valid("json")], "leads.create");
      if (made === undefined) throw new Error("a lead was neither made nor refused");
      if (!made.ok && made.code === "duplicate_in_org") {
        const detail = "There is a lead with this number.";
        throw new Problem("conflict", {
          detail,
          errors: [{ pointer: "/phone", code: made.code, detail }],
          members: { lead_id: publicId("lead", made.leadId) },
        });
      }
      if (!made.ok)
        throw invalid({
          pointer: made.code === "seller_unknown" ? "/consent/seller_id" : "/phone",
          code: made.code,
          detail: made.detail,
        });
      const id = publicId("lead", made.leadId);
      const { status, ineligibleReason } = made;
      await wakeForLeads(c);
      return c.json(
        { id, object: "lead" as const, status, ineligible_reason: ineligibleReason, warnings: [...made.warnings] },
        201,
        { location: `/v1/leads/${id}` },
      );
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/leads/batch",
      summary: "Add up to 1,000 leads, with a result for each",
      description:
        "One bad lead keeps no other: each result says `created` or `rejected`, with the reason. A body that its schema refuses is refused as a whole.",
      tags: ["leads"],
      ...posts("leads.create_batch", { bodyBytesMax: batchBytesMax }),
      request: {
        body: jsonBody(
          z
            .strictObject({ leads: z.array(newLead).min(1).max(leadsMax) })
            .openapi("NewLeads", { example: { leads: [{ phone: "+13035550142" }] } }),
        ),
      },
      responses: {
        200: json(
          "In the order sent.",
          z.strictObject({
            object: z.literal("lead_batch"),
            accepted: z.int(),
            rejected: z.int(),
            results: z.array(batchResult),
          }),
        ),
        ...problems,
      },
    }),
    async (c) => {
      const deps = { numbers: c.env.numbers, packs: await c.env.desk.packs() };
      const results = (await createLeads(c.var.org, deps, c.req.valid("json").leads, "leads.create_batch")).map(viewCreated);
      const accepted = results.filter((result) => result.status === "created").length;
      if (accepted > 0) await wakeForLeads(c);
      return c.json({ object: "lead_batch" as const, accepted, rejected: results.length - accepted, results }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads",
      summary: "List leads, newest first",
      description:
        "Filtered by `status`, `import_id` or `external_id`, one or several. Reading them is written on the audit chain, one entry a page.",
      tags: ["leads"],
      ...reads("leads.list"),
      request: {
        query: z.strictObject({
          ...pageQuery,
          status: z.enum(["eligible", "ineligible"]).optional(),
          import_id: givenId("import").optional(),
          external_id: line(200).optional(),
        }),
      },
      responses: { 200: json("A page.", listOf(lead)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(c, query);
      const importId = query.import_id === undefined ? undefined : idOf("import", query.import_id);
      const rows = await findLeads(c.var.org, page, { status: query.status, importId, externalId: query.external_id });
      return c.json(listBody(rows, page, viewLead), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/leads/search",
      summary: "Find leads by number",
      description: "A POST, because numbers do not belong in addresses that are logged.",
      tags: ["leads"],
      ...posts("leads.search"),
      request: {
        body: jsonBody(z.strictObject({ phone: e164Field }).openapi("LeadSearch", { example: { phone: "+13035550142" } })),
      },
      responses: {
        200: json("The leads of the number.", z.strictObject({ object: z.literal("list"), data: z.array(lead) })),
        ...problems,
      },
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
      summary: "Get a lead",
      description: "With its status and, where no queue takes it, the reason. Reading it is written on the audit chain.",
      tags: ["leads"],
      ...reads("leads.get"),
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
      method: "patch",
      path: "/v1/leads/{id}",
      summary: "Correct a lead",
      description:
        "The fields that are sent; `null` empties one. Every permit minted before is void. Another state or ZIP moves its places to the hours of where the person is now and has do-not-call lists asked again. The number is not corrected: add another lead.",
      tags: ["leads"],
      ...changes("leads.correct"),
      request: { params: idParam("lead"), body: jsonBody(correction) },
      responses: { 200: json("The lead.", corrected), ...problems },
    }),
    async (c) => {
      const done = await correctLead(c.var.org, idOf("lead", c.req.valid("param").id), correctionOf(c.req.valid("json")));
      if (done === null) throw notFound("lead");
      for (const work of ["standing", "scrub", "dial"] as const) await c.env.wake(done.orgId, work);
      const warnings = placeWarnings(done.lead);
      return c.json({ ...viewLead(done.lead), enrolments_moved: done.enrolmentsMoved, warnings }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads/{id}/decision",
      summary: "Why a lead was dialed or was not: its last decision, gate by gate",
      description:
        "Of all campaigns, or of the one in `campaign_id`: verdict, reason and rule with citation of each gate, and what to do or when it may be asked again.",
      tags: ["leads", "decisions"],
      ...reads("leads.decision"),
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

/** As at intake, a text of nothing is none. */
function correctionOf(body: z.infer<typeof correction>): LeadCorrection {
  const { external_id, first_name, last_name, callback_at, ...others } = body;
  const named = {
    externalId: external_id,
    firstName: first_name,
    lastName: last_name,
    callbackAt: callback_at as Instant | null | undefined,
    ...others,
  };
  const sent = Object.entries(named).filter(([, value]) => value !== undefined);
  return Object.fromEntries(sent.map(([field, value]) => [field, value === "" ? null : value]));
}

const viewCreated = (made: CreatedLead, index: number): z.infer<typeof batchResult> =>
  made.ok
    ? {
        index,
        status: "created",
        lead_id: publicId("lead", made.leadId),
        eligible: made.status === "eligible",
        code: made.ineligibleReason,
        detail: null,
        warnings: [...made.warnings],
      }
    : {
        index,
        status: "rejected",
        lead_id: made.code === "duplicate_in_org" ? publicId("lead", made.leadId) : null,
        eligible: false,
        code: made.code,
        detail: made.detail,
        warnings: [],
      };
