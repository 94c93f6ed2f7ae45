import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { findAttempt } from "../../domain/attempts/find-attempts.ts";
import { type Call, findCall, findCalls } from "../../domain/calls/find-calls.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { viewDecision } from "../decision-view.ts";
import { givenId, idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import type { Disposition } from "../../providers/voice/contract.ts";
import { invalid, notFound, Problem } from "../problem.ts";
import { attempt, viewAttempt } from "./attempts.ts";

const dispositions = [
  "answered", "voicemail", "no_answer", "busy", "failed", "invalid_number", "not_connected", "unknown",
] as const satisfies readonly Disposition[]; // prettier-ignore

const call = z
  .strictObject({
    id: idField("call"),
    object: z.literal("call"),
    attempt_id: idField("attempt"),
    campaign_id: idField("campaign"),
    lead_id: idField("lead"),
    connection_id: idField("connection"),
    provider_call_id: z.string(),
    status: z
      .string()
      .openapi({ description: "registered, in_progress, ended, not_connected or error, as the provider last said." }),
    disposition: z.string().openapi({ description: `One of ${dispositions.join(", ")}; what is not known yet is unknown.` }),
    provider_reason: z.string().nullable(),
    started_at: instantField.nullable(),
    ended_at: instantField.nullable(),
    duration_seconds: z.int().nullable(),
    ended_by: z.string().openapi({ description: "person, agent, not_connected or unknown." }),
    stop_requested: z.boolean(),
    stop_searched: z.boolean(),
    transcript_state: z.string(),
    transcript: z.array(z.record(z.string(), z.unknown())).nullable(),
    recording_ref: z.string().nullable(),
    created_at: instantField,
  })
  .openapi("Call");

const view = (row: Call): z.infer<typeof call> => ({
  id: publicId("call", row.id),
  object: "call",
  attempt_id: publicId("attempt", row.attemptId),
  campaign_id: publicId("campaign", row.campaignId),
  lead_id: publicId("lead", row.leadId),
  connection_id: publicId("connection", row.connectionId),
  provider_call_id: row.providerCallId,
  status: row.status,
  disposition: row.disposition,
  provider_reason: row.providerReason,
  started_at: row.startedAt,
  ended_at: row.endedAt,
  duration_seconds: row.durationSeconds,
  ended_by: row.endedBy,
  stop_requested: row.stopRequested,
  stop_searched: row.stopSearched,
  transcript_state: row.transcriptState,
  transcript: row.transcript as z.infer<typeof call>["transcript"],
  recording_ref: row.recordingRef,
  created_at: row.createdAt,
});

const newCall = z.strictObject({ lead_id: givenId("lead"), campaign_id: givenId("campaign") }).openapi("NewCall", {
  example: {
    lead_id: publicId("lead", "019a9b2c-7d00-7000-8000-000000000001"),
    campaign_id: publicId("campaign", "019a9b2c-7d00-7000-8000-000000000002"),
  },
});

export function callRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/calls",
      summary: "Call one lead now, if every gate allows it",
      description:
        "201 with the attempt; 409 `dial_blocked` with the whole decision whenever no permit was minted. What capacity refuses, as a second call within a second of `calls_per_second`, has no `next_eligible_at`: a slot is freed by what happens, not by the clock. Ask again in a moment of real time.",
      tags: ["calls"],
      ...posts("calls.create", { keyRequired: true }),
      request: { body: jsonBody(newCall) },
      responses: { 201: json("The attempt; its state says what the provider answered.", attempt), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const of = { leadId: idOf("lead", body.lead_id), campaignId: idOf("campaign", body.campaign_id) };
      const done = await c.env.callNow(c.var.org, of);
      if (done.kind === "unknown_lead")
        throw invalid({ pointer: "/lead_id", code: "lead_unknown", detail: "There is no such lead." });
      if (done.kind === "unknown_campaign")
        throw invalid({ pointer: "/campaign_id", code: "campaign_unknown", detail: "There is no such campaign." });
      if (done.kind === "refused") {
        const { decision, decisionId, outcome, snapshotDigest } = done.recorded;
        const detail =
          decision.verdict === "allow"
            ? `Every gate allows, and no permit was minted: ${outcome}.`
            : `Refused by: ${decision.results
                .filter((result) => result.verdict !== "allow")
                .map((result) => result.gate)
                .join(", ")}.`;
        const told = viewDecision(decision, { ...of, id: decisionId, kind: "dial", outcome, snapshotDigest });
        throw new Problem("dial_blocked", { detail, members: { decision: told, outcome } });
      }
      const placed = await findAttempt(c.var.org, done.attemptId);
      if (placed === null) throw new Error("an attempt is gone that was just made");
      return c.json(viewAttempt(placed), 201, { location: `/v1/attempts/${publicId("attempt", placed.id)}` });
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/calls",
      summary: "List calls, newest first",
      description:
        "Calls that a provider took, with what became of them; filtered by `campaign_id`, `lead_id` or `disposition`. Reading them is written on the audit chain.",
      tags: ["calls"],
      ...reads("calls.list"),
      request: {
        query: z.strictObject({
          ...pageQuery,
          lead_id: givenId("lead").optional(),
          campaign_id: givenId("campaign").optional(),
          disposition: z.enum(dispositions).optional(),
        }),
      },
      responses: { 200: json("A page.", listOf(call)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      const rows = await findCalls(c.var.org, page, {
        leadId: query.lead_id === undefined ? undefined : idOf("lead", query.lead_id),
        campaignId: query.campaign_id === undefined ? undefined : idOf("campaign", query.campaign_id),
        disposition: query.disposition,
      });
      return c.json(listBody(rows, page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/calls/{id}",
      summary: "Get a call",
      description: "With its transcript, where the policy keeps transcripts, and how far it was searched for a stop.",
      tags: ["calls"],
      ...reads("calls.get"),
      request: { params: idParam("call") },
      responses: { 200: json("The call.", call), ...problems },
    }),
    async (c) => {
      const found = await findCall(c.var.org, idOf("call", c.req.valid("param").id));
      if (found === null) throw notFound("call");
      return c.json(view(found), 200);
    },
  );
}
