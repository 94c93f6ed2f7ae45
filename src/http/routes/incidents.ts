import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { closeIncident } from "../../domain/incidents/close-incident.ts";
import { findIncident, findIncidents, type Incident } from "../../domain/incidents/find-incidents.ts";
import { type IdKind, publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, notFound } from "../problem.ts";

const incident = z
  .strictObject({
    id: idField("incident"),
    object: z.literal("incident"),
    severity: z.int().min(1).max(3),
    code: z.string().openapi({ description: "What happened; docs/incidents.md says what is to be done about each." }),
    subject: z
      .string()
      .openapi({ description: "What it is about: an attempt, a connection, a webhook event, the organisation." }),
    halt_id: idField("halt").nullable(),
    halting: z.boolean().openapi({ description: "Dials that its halt covers do not leave until it is closed." }),
    detail: z.record(z.string(), z.unknown()),
    opened_at: instantField,
    closed_at: instantField.nullable(),
    closed_by: z.string().nullable().openapi({ description: "Who closed it, or `system` where its cause went away." }),
    close_reason: z.string().nullable(),
  })
  .openapi("Incident");
const closing = z
  .strictObject({ reason: lines(500) })
  .openapi("IncidentClosing", { example: { reason: "The provider confirmed that the call ended; ticket 4711." } });

/** What the rows are that an incident's detail names. */
const kinds: Readonly<Record<string, IdKind>> = { attempt: "attempt", connection: "connection", webhook: "event" };
const view = (row: Incident): z.infer<typeof incident> => ({
  id: publicId("incident", row.id),
  object: "incident",
  severity: row.severity,
  code: row.code,
  subject: row.subject,
  halt_id: row.halt_id === null ? null : publicId("halt", row.halt_id),
  halting: row.halting,
  detail: Object.fromEntries(
    Object.entries(row.detail).map(([name, value]) => {
      const kind = kinds[name];
      return [name, kind !== undefined && typeof value === "string" ? publicId(kind, value) : value];
    }),
  ),
  opened_at: row.opened_at,
  closed_at: row.closed_at,
  closed_by: row.closed_by,
  close_reason: row.close_reason,
});

export function incidentRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/incidents",
      summary: "List incidents, newest first",
      description: "`?open=true` leaves out those that are closed. An incident closes by itself when its cause is gone.",
      tags: ["halts"],
      ...reads("incidents.list"),
      request: { query: z.strictObject({ ...pageQuery, open: z.enum(["true", "false"]).optional() }) },
      responses: { 200: json("A page.", listOf(incident)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      return c.json(listBody(await findIncidents(c.var.org, page, query.open === "true"), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/incidents/{id}",
      summary: "Get an incident",
      tags: ["halts"],
      ...reads("incidents.get"),
      request: { params: idParam("incident") },
      responses: { 200: json("The incident.", incident), ...problems },
    }),
    async (c) => {
      const found = await findIncident(c.var.org, idOf("incident", c.req.valid("param").id));
      if (found === null) throw notFound("incident");
      return c.json(view(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/incidents/{id}/close",
      summary: "Close an incident, with a reason",
      description:
        "Its halt, where it has one, ends with it: do first what the halt's note asks. What a failing do-not-call source halted closes only after a fresh scrub. Where the cause is still there, the next sign of it opens another incident.",
      tags: ["halts"],
      ...posts("incidents.close"),
      request: { params: idParam("incident"), body: jsonBody(closing) },
      responses: { 200: json("It is closed.", incident), ...problems },
    }),
    async (c) => {
      const done = await closeIncident(c.var.org, idOf("incident", c.req.valid("param").id), c.req.valid("json").reason);
      if (!done.ok) throw refusalProblem(done.refusal);
      if (done.value.haltEnded) await c.env.wake(done.value.orgId, "dial");
      return c.json(view(done.value.incident), 200);
    },
  );
}

function refusalProblem(refusal: Exclude<Awaited<ReturnType<typeof closeIncident>>, { ok: true }>["refusal"]) {
  switch (refusal) {
    case "incident_unknown":
      return notFound("incident");
    case "incident_closed":
      return conflict(refusal, "It is closed already: `closed_by` and `close_reason` say by whom and why.");
    case "scrub_wanted":
      return conflict(
        refusal,
        "A do-not-call source failed, and no list has been answered since. It is asked again every ten minutes: repair its connection or connect another, wait for a scrub, then close this.",
      );
  }
}
