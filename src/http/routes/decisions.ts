import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { dryRun } from "../../domain/decisions/dry-run.ts";
import { findDecision } from "../../domain/decisions/find-decisions.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { decision, viewDecision, viewRecorded } from "../decision-view.ts";
import { givenId, givenInstant, idOf, idParam } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { invalid, notFound } from "../problem.ts";

const question = z
  .strictObject({ lead_id: givenId("lead"), campaign_id: givenId("campaign"), at: givenInstant.nullable().default(null) })
  .openapi("DecisionQuestion", {
    example: {
      lead_id: publicId("lead", "019a9b2c-7d00-7000-8000-000000000001"),
      campaign_id: publicId("campaign", "019a9b2c-7d00-7000-8000-000000000002"),
      at: "2026-11-18T15:00:00Z",
    },
  });

export function decisionRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/decisions",
      summary: "What the gates would answer, at any instant",
      description: "On today's facts. It permits nothing and records nothing.",
      tags: ["decisions"],
      ...posts("decisions.dry_run"),
      request: { body: jsonBody(question) },
      responses: { 200: json("The decision.", decision), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const of = { leadId: idOf("lead", body.lead_id), campaignId: idOf("campaign", body.campaign_id) };
      const answer = await dryRun(c.var.org, c.env.desk, { ...of, at: body.at as Instant | null });
      if (!answer.ok) {
        const [pointer, noun] = answer.refusal === "lead_unknown" ? ["/lead_id", "lead"] : ["/campaign_id", "campaign"];
        throw invalid({ pointer, code: answer.refusal, detail: `There is no such ${noun}.` });
      }
      const { decision: made, snapshotDigest } = answer.value;
      return c.json(viewDecision(made, { ...of, id: null, kind: "dry_run", outcome: null, snapshotDigest }), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/decisions/{id}",
      summary: "Get a recorded decision",
      tags: ["decisions"],
      ...reads("decisions.get"),
      request: { params: idParam("decision") },
      responses: { 200: json("The decision.", decision), ...problems },
    }),
    async (c) => {
      const found = await findDecision(c.var.org, idOf("decision", c.req.valid("param").id));
      if (found === null) throw notFound("decision");
      return c.json(viewRecorded(found), 200);
    },
  );
}
