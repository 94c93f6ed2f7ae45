import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { findStopChecks, type StopCheck } from "../../domain/stop-checks/find-stop-checks.ts";
import { judgeStopCheck } from "../../domain/stop-checks/judge-stop-check.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField, line, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, notFound } from "../problem.ts";

const statuses = ["missing", "pending"] as const;
const listedStatus = z.enum(statuses).default("missing").openapi({ description: "One of the two; `missing` when absent." });
const stopCheck = z
  .strictObject({
    id: idField("person"),
    object: z.literal("stop_check"),
    status: z.enum(statuses),
    since: instantField.openapi({ description: "When the call ended." }),
    missing_at: instantField.openapi({ description: "From then on a person judges it." }),
    lead_id: idField("lead").nullable(),
    phone: z.string().nullable(),
    call_id: idField("call").nullable().openapi({ description: "Null when the provider knows nothing of the call." }),
    attempt_id: idField("attempt").nullable(),
  })
  .openapi("StopCheck");
const newJudgement = z
  .strictObject({ verdict: z.enum(["clear", "stop"]), judged_by: line(200), reason: lines(500) })
  .openapi("NewStopCheckJudgement", {
    example: { verdict: "clear", judged_by: "Dana Reyes", reason: "Listened to the recording: no stop." },
  });
const judgement = z
  .strictObject({
    id: idField("judgement"),
    object: z.literal("stop_check_judgement"),
    person_id: idField("person"),
    verdict: z.enum(["clear", "stop"]),
    judged_by: z.string(),
    reason: z.string(),
    created_at: instantField,
    enrolments_reopened: z.int().openapi({ description: "Places in campaigns that are judged again." }),
    suppression_id: idField("suppression").nullable(),
    attempts_cancelled: z.int(),
    enrolments_closed: z.int(),
  })
  .openapi("StopCheckJudgement");

const view = (row: StopCheck): z.infer<typeof stopCheck> => ({
  id: publicId("person", row.id),
  object: "stop_check",
  status: row.status,
  since: row.since,
  missing_at: row.missing_at,
  lead_id: row.lead_id === null ? null : publicId("lead", row.lead_id),
  phone: row.e164,
  call_id: row.call_id === null ? null : publicId("call", row.call_id),
  attempt_id: row.attempt_id === null ? null : publicId("attempt", row.attempt_id),
});

export function stopCheckRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/stop_checks",
      summary: "Persons whose last call has not been searched for a stop",
      description:
        "They are not called. `missing`, which is listed when no status is asked for: a day has passed, and a person must judge it. `pending`: the call is still being searched, and nothing is to be done yet.",
      tags: ["suppressions"],
      ...reads("stop_checks.list"),
      request: { query: z.strictObject({ ...pageQuery, status: listedStatus }) },
      responses: { 200: json("A page.", listOf(stopCheck)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      return c.json(listBody(await findStopChecks(c.var.org, page, query.status), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/stop_checks/{id}/judge",
      summary: "Judge a missing stop check: clear, or stop",
      description: "`clear`: who was held by it is judged again. `stop`: a suppression, at once and like any other.",
      tags: ["suppressions"],
      ...posts("stop_checks.judge"),
      request: { params: idParam("person"), body: jsonBody(newJudgement) },
      responses: { 201: json("The judgement.", judgement), ...problems },
    }),
    async (c) => {
      const personId = idOf("person", c.req.valid("param").id);
      const { verdict, judged_by, reason } = c.req.valid("json");
      const done = await judgeStopCheck(c.var.org, personId, { verdict, judgedBy: judged_by, reason });
      if (!done.ok) throw refusalProblem(done.refusal);
      const { orgId, id, judgedAt, enrolmentsReopened, suppression } = done.value;
      await c.env.wake(orgId, verdict === "stop" ? "outbox" : "dial");
      await c.env.wake(orgId, "standing");
      const body = {
        id: publicId("judgement", id),
        object: "stop_check_judgement" as const,
        person_id: publicId("person", personId),
        verdict,
        judged_by,
        reason,
        created_at: judgedAt,
        enrolments_reopened: enrolmentsReopened,
        suppression_id: suppression === null ? null : publicId("suppression", suppression.id),
        attempts_cancelled: suppression?.attemptsCancelled ?? 0,
        enrolments_closed: suppression?.enrolmentsClosed ?? 0,
      };
      return c.json(body, 201);
    },
  );
}

function refusalProblem(refusal: Exclude<Awaited<ReturnType<typeof judgeStopCheck>>, { ok: true }>["refusal"]) {
  switch (refusal) {
    case "person_unknown":
      return notFound("person");
    case "stop_check_clear":
      return conflict(
        refusal,
        "There is nothing to judge: no call of this person waits for a search. To stop calls, suppress the number.",
      );
    case "stop_check_pending":
      return conflict(
        refusal,
        "The call is still being searched for a stop. Wait for it: 24 hours after the call's end (`missing_at`) it is yours to judge. Only `stop` may come before.",
      );
  }
}
