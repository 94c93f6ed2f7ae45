import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { type Campaign, createCampaign, retryReasons, sendableFields } from "../../domain/campaigns/create-campaign.ts";
import { findCampaign, findCampaigns, type FunnelRow, readFunnel } from "../../domain/campaigns/find-campaigns.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { coded, givenId, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { invalid, notFound } from "../problem.ts";

const purposes = ["marketing", "mixed", "informational", "undeclared"] as const;
const statuses = ["draft", "running", "paused", "completed", "cancelled"] as const;
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "A time of day from 00:00 to 23:59 is needed.");
const day = z
  .strictObject({ from: clock, to: clock })
  .refine(({ from, to }) => from < to, coded("window_empty", "`to` has to come after `from`."))
  .optional();
const weekWindow = z
  .strictObject({ mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day })
  .openapi("WeekWindow", {
    description: "Local times, half-open; an absent day is closed. It only narrows what the law allows.",
  });

const fields = {
  name: line(200),
  purpose: z.enum(purposes),
  debt_collection: z.boolean(),
  calling_window: weekWindow.nullable(),
  ring_seconds: z.int().min(15).max(120),
  variables: z.array(z.enum(sendableFields)).max(20).openapi({ description: "The lead fields that the voice provider may see." }),
  retry_on: z.array(z.enum(retryReasons)).max(10),
  retry_after_seconds: z.int().min(0).max(2_592_000),
  max_concurrency: z.int().min(1).max(10_000),
};
const newCampaign = z
  .strictObject({
    ...fields,
    seller_id: givenId("seller"),
    connection_id: givenId("connection"),
    purpose: fields.purpose.default("undeclared"),
    debt_collection: fields.debt_collection.default(false),
    calling_window: fields.calling_window.default(null),
    ring_seconds: fields.ring_seconds.default(25),
    variables: fields.variables.default(["first_name"]),
    retry_on: fields.retry_on.default(["no_answer", "busy", "voicemail"]),
    retry_after_seconds: fields.retry_after_seconds.default(14_400),
    max_concurrency: fields.max_concurrency.default(10),
  })
  .openapi("NewCampaign", {
    example: {
      name: "Solar, November",
      seller_id: publicId("seller", "019a9b2c-7d00-7000-8000-000000000001"),
      connection_id: publicId("connection", "019a9b2c-7d00-7000-8000-000000000002"),
      purpose: "marketing",
    },
  });
export const campaign = z
  .strictObject({
    id: idField("campaign"),
    object: z.literal("campaign"),
    ...fields,
    variables: z.array(z.string()),
    retry_on: z.array(z.string()),
    seller_id: idField("seller"),
    connection_id: idField("connection"),
    from_number: z.string(),
    status: z.enum(statuses),
    status_reason: z.string().nullable(),
    created_at: instantField,
    launched_at: instantField.nullable(),
  })
  .openapi("Campaign");
const counted = z.array(z.strictObject({ name: z.string(), reason: z.string().nullable(), count: z.int() }));
const funnel = z
  .strictObject({
    object: z.literal("funnel"),
    campaign_id: idField("campaign"),
    enrolments: counted,
    standing: z.strictObject({
      current: z.int().openapi({ description: "Open places of which the standing gates' answers are known and still true." }),
      stale: z.int().openapi({ description: "Facts, rules or time have moved on since; they are being judged again." }),
      unjudged: z.int(),
      gates: z
        .array(
          z.strictObject({ gate: z.string(), verdict: z.enum(["allow", "defer", "block"]), reason: z.string(), count: z.int() }),
        )
        .openapi({ description: "Of the current ones: a place is counted once for each standing gate, refusals and not." }),
      callable: z.int().openapi({ description: "Current, waiting, and allowed by every standing gate." }),
      callable_now: z.int().openapi({ description: "Of these, inside an open calling window." }),
    }),
    attempts: counted,
    calls: counted,
  })
  .openapi("Funnel");

export const viewCampaign = (row: Campaign): z.infer<typeof campaign> => ({
  id: publicId("campaign", row.id),
  object: "campaign",
  name: row.name,
  purpose: row.purpose,
  debt_collection: row.debtCollection,
  calling_window: row.callingWindow as z.infer<typeof weekWindow> | null,
  ring_seconds: row.ringSeconds,
  variables: row.variables,
  retry_on: row.retryOn,
  retry_after_seconds: row.retryAfterSeconds,
  max_concurrency: row.maxConcurrency,
  seller_id: publicId("seller", row.sellerId),
  connection_id: publicId("connection", row.connectionId),
  from_number: row.fromNumber,
  status: row.status,
  status_reason: row.statusReason,
  created_at: row.createdAt,
  launched_at: row.launchedAt,
});

function viewStanding(rows: readonly FunnelRow[]): z.infer<typeof funnel>["standing"] {
  const count = (part: FunnelRow["part"], name: string) => rows.find((row) => row.part === part && row.name === name)?.count ?? 0;
  const [open, closed] = [count("callable", "open"), count("callable", "closed")];
  return {
    current: count("standing_age", "current"),
    stale: count("standing_age", "stale"),
    unjudged: count("standing_age", "unjudged"),
    gates: rows
      .filter((row) => row.part === "standing")
      .map((row) => ({
        gate: row.name,
        verdict: row.verdict as "allow" | "defer" | "block",
        reason: row.reason ?? "",
        count: row.count,
      })),
    callable: open + closed,
    callable_now: open,
  };
}

export function campaignRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/campaigns",
      summary: "Draft a campaign",
      description:
        "Nothing is called before `POST /v1/campaigns/{id}/launch`. The calling window only narrows what the law allows.",
      tags: ["campaigns"],
      ...posts("campaigns.create"),
      request: { body: jsonBody(newCampaign) },
      responses: { 201: json("The draft.", campaign), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const made = await createCampaign(c.var.org, {
        name: body.name,
        sellerId: idOf("seller", body.seller_id),
        connectionId: idOf("connection", body.connection_id),
        purpose: body.purpose,
        debtCollection: body.debt_collection,
        callingWindow: withoutAbsentDays(body.calling_window),
        ringSeconds: body.ring_seconds,
        variables: body.variables,
        retryOn: body.retry_on,
        retryAfterSeconds: body.retry_after_seconds,
        maxConcurrency: body.max_concurrency,
      });
      if (!made.ok) {
        if (made.refusal === "seller_unknown")
          throw invalid({ pointer: "/seller_id", code: made.refusal, detail: "There is no such seller." });
        const detail =
          made.refusal === "connection_unknown" ? "There is no such connection." : "A campaign calls through a voice connection.";
        throw invalid({ pointer: "/connection_id", code: made.refusal, detail });
      }
      return c.json(viewCampaign(made.value), 201, { location: `/v1/campaigns/${publicId("campaign", made.value.id)}` });
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/campaigns",
      summary: "List campaigns, newest first",
      description: "Of every status, drafts and those that have ended among them.",
      tags: ["campaigns"],
      ...reads("campaigns.list"),
      request: { query: z.strictObject({ ...pageQuery, status: z.enum(statuses).optional() }) },
      responses: { 200: json("A page.", listOf(campaign)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(c, query);
      return c.json(listBody(await findCampaigns(c.var.org, page, query.status ?? null), page, viewCampaign), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/campaigns/{id}",
      summary: "Get a campaign",
      description: "With its status and, where it was paused, the reason (`status_reason`).",
      tags: ["campaigns"],
      ...reads("campaigns.get"),
      request: { params: idParam("campaign") },
      responses: { 200: json("The campaign.", campaign), ...problems },
    }),
    async (c) => {
      const found = await findCampaign(c.var.org, idOf("campaign", c.req.valid("param").id));
      if (found === null) throw notFound("campaign");
      return c.json(viewCampaign(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/campaigns/{id}/funnel",
      summary: "Where a campaign's leads stand",
      description:
        "Places, attempts and calls by state and reason, and what the standing gates say of those that wait. It is no decision: a dial asks every gate again.",
      tags: ["campaigns"],
      ...reads("campaigns.funnel"),
      request: { params: idParam("campaign") },
      responses: { 200: json("Counts.", funnel), ...problems },
    }),
    async (c) => {
      const id = idOf("campaign", c.req.valid("param").id);
      const rows = await readFunnel(c.var.org, id);
      if (rows.length === 0 && (await findCampaign(c.var.org, id)) === null) throw notFound("campaign");
      const of = (part: string) =>
        rows.filter((row) => row.part === part).map(({ name, reason, count }) => ({ name, reason, count }));
      const body = { enrolments: of("enrolment"), standing: viewStanding(rows), attempts: of("attempt"), calls: of("call") };
      return c.json({ object: "funnel" as const, campaign_id: publicId("campaign", id), ...body }, 200);
    },
  );
}

function withoutAbsentDays(window: z.infer<typeof weekWindow> | null) {
  return window === null ? null : Object.fromEntries(Object.entries(window).filter(([, hours]) => hours !== undefined));
}
