import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { type Attempt, findAttempt, findAttempts } from "../../domain/attempts/find-attempts.ts";
import { publicId } from "../../lib/ids.ts";
import { json, problems, reads } from "../access.ts";
import { givenId, idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";

const states = [
  "permitted",
  "dialing",
  "placed",
  "in_progress",
  "unknown",
  "completed",
  "failed",
  "cancelled",
  "expired",
  "refused",
  "failed_no_call",
  "not_placed",
] as const;

export const attempt = z
  .strictObject({
    id: idField("attempt"),
    object: z.literal("attempt"),
    kind: z.enum(["campaign", "single"]),
    campaign_id: idField("campaign"),
    lead_id: idField("lead"),
    connection_id: idField("connection"),
    decision_id: idField("decision"),
    state: z.enum(states),
    reason: z.string().nullable(),
    permitted_at: instantField,
    ring_by: instantField,
    ended_at: instantField.nullable(),
    provider_call_id: z.string().nullable(),
    stop_requested: z.boolean(),
    stop_accepted: z.boolean(),
  })
  .openapi("Attempt");

export const viewAttempt = (row: Attempt): z.infer<typeof attempt> => ({
  id: publicId("attempt", row.id),
  object: "attempt",
  kind: row.kind,
  campaign_id: publicId("campaign", row.campaignId),
  lead_id: publicId("lead", row.leadId),
  connection_id: publicId("connection", row.connectionId),
  decision_id: publicId("decision", row.decisionId),
  state: row.state,
  reason: row.reason,
  permitted_at: row.mintedAt,
  ring_by: row.ringBy,
  ended_at: row.endedAt,
  provider_call_id: row.providerCallId,
  stop_requested: row.stopRequestedAt !== null,
  stop_accepted: row.stopAcceptedAt !== null,
});

export function attemptRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/attempts",
      summary: "List attempts, newest first",
      description: "Each is one permit and at most one call; filtered by `campaign_id`, `lead_id` or `state`.",
      tags: ["calls"],
      ...reads("attempts.list"),
      request: {
        query: z.strictObject({
          ...pageQuery,
          lead_id: givenId("lead").optional(),
          campaign_id: givenId("campaign").optional(),
          state: z.enum(states).optional(),
        }),
      },
      responses: { 200: json("A page.", listOf(attempt)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      const rows = await findAttempts(c.var.org, page, {
        leadId: query.lead_id === undefined ? undefined : idOf("lead", query.lead_id),
        campaignId: query.campaign_id === undefined ? undefined : idOf("campaign", query.campaign_id),
        state: query.state,
      });
      return c.json(listBody(rows, page, viewAttempt), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/attempts/{id}",
      summary: "Get an attempt",
      description: "Its state, the decision that permitted it, and the provider's id of the call once there is one.",
      tags: ["calls"],
      ...reads("attempts.get"),
      request: { params: idParam("attempt") },
      responses: { 200: json("The attempt.", attempt), ...problems },
    }),
    async (c) => {
      const found = await findAttempt(c.var.org, idOf("attempt", c.req.valid("param").id));
      if (found === null) throw notFound("attempt");
      return c.json(viewAttempt(found), 200);
    },
  );
}
