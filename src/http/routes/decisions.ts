import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { dryRun } from "../../domain/decisions/dry-run.ts";
import { findDecision, findDecisions } from "../../domain/decisions/find-decisions.ts";
import { findSnapshot } from "../../domain/decisions/find-snapshot.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { decision, viewDecision, viewRecorded } from "../decision-view.ts";
import { givenId, givenInstant, idField, idOf, idParam } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
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

const hash = z.string().openapi({ example: "5dc9da79f2c4b4f6a4b0a6c8f5be7de0d9c1b2a3948576a1b2c3d4e5f6071829" });
const snapshot = z
  .strictObject({
    object: z.literal("decision_snapshot"),
    decision_id: idField("decision"),
    snapshot_digest: hash.openapi({
      description:
        "SHA-256 of the 32 bytes of `shared_digest` with the UTF-8 text `own` behind them: the decision's `snapshot_digest`.",
    }),
    shared_digest: hash.openapi({ description: "SHA-256 of the UTF-8 text `shared`." }),
    shared: z.string().openapi({ description: "What many decisions have in common, as it was hashed." }),
    own: z.string().openapi({ description: "What is the lead's own, as it was hashed." }),
    snapshot: z
      .record(z.string(), z.unknown())
      .openapi({ description: "The two put together: all that the gates saw. The rows' own uuids stand in it." }),
  })
  .openapi("DecisionSnapshot");

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
      description: "As it was recorded, gate by gate. `GET /v1/decisions/{id}/snapshot` answers what the gates read.",
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

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/leads/{id}/decisions",
      summary: "List a lead's decisions, newest first",
      description: "Those that were recorded: each time that it was about to be dialed.",
      tags: ["leads", "decisions"],
      ...reads("leads.decisions"),
      request: { params: idParam("lead"), query: z.strictObject({ ...pageQuery, campaign_id: givenId("campaign").optional() }) },
      responses: { 200: json("A page.", listOf(decision)), ...problems },
    }),
    async (c) => {
      const { campaign_id: campaign, ...query } = c.req.valid("query");
      const page = pageOf(query);
      const leadId = idOf("lead", c.req.valid("param").id);
      const found = await findDecisions(c.var.org, page, leadId, campaign === undefined ? null : idOf("campaign", campaign));
      if (found === null) throw notFound("lead");
      return c.json(listBody(found, page, viewRecorded), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/decisions/{id}/snapshot",
      summary: "Get what a decision was made of",
      description:
        "All facts that the gates read, put together again; the same gates give the same answers on them anywhere. The digest is computed anew before it is answered.",
      tags: ["decisions"],
      ...reads("decisions.snapshot"),
      request: { params: idParam("decision") },
      responses: { 200: json("The snapshot.", snapshot), ...problems },
    }),
    async (c) => {
      const id = idOf("decision", c.req.valid("param").id);
      const found = await findSnapshot(c.var.org, id);
      if (found === null) throw notFound("decision");
      const { digest, sharedDigest, shared, own } = found;
      const body = { decision_id: publicId("decision", id), snapshot_digest: digest, shared_digest: sharedDigest, shared, own };
      return c.json({ object: "decision_snapshot" as const, ...body, snapshot: { ...found.snapshot } }, 200);
    },
  );
}
