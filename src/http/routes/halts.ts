import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { endHalt } from "../../domain/halts/end-halt.ts";
import { findHalts, halt, type Halt, type HaltInput } from "../../domain/halts/halt.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { e164Field, givenId, idField, idOf, idParam, instantField, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, invalid, notFound } from "../problem.ts";

const note = lines(500);
const newHalt = z
  .discriminatedUnion("reason", [
    z.strictObject({ reason: z.literal("org_halted"), note }),
    z.strictObject({ reason: z.literal("seller_halted"), note, seller_id: givenId("seller") }),
    z.strictObject({ reason: z.literal("connection_halted"), note, connection_id: givenId("connection") }),
    z.strictObject({
      reason: z.literal("state_halted"),
      note,
      state: z.string().regex(/^[A-Z]{2}$/, "A state's two letters are needed, such as FL."),
    }),
    z.strictObject({ reason: z.literal("caller_number_halted"), note, phone: e164Field }),
  ])
  .openapi("NewHalt", { example: { reason: "org_halted", note: "Complaint under review" } });
const shown = z
  .strictObject({
    id: idField("halt"),
    object: z.literal("halt"),
    reason: z.string(),
    target: z.string().nullable(),
    note: z.string(),
    by: z.string().openapi({ description: "Who halted it, as `api_key:key_…`, or what, as `incident:second_call_for_attempt`." }),
    since: instantField,
    ended_at: instantField.nullable(),
  })
  .openapi("Halt");

const view = (row: Halt): z.infer<typeof shown> => ({
  id: publicId("halt", row.id),
  object: "halt",
  reason: row.reason,
  target: row.targetId === null ? row.target : publicId(row.reason === "seller_halted" ? "seller" : "connection", row.targetId),
  note: row.note,
  by: row.by,
  since: row.since,
  ended_at: row.endedAt,
});

export function haltRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/halts",
      summary: "Stop dials, at once",
      description: "When the answer arrives, no dial that the halt covers leaves, also none that was permitted before.",
      tags: ["halts"],
      ...posts("halts.create"),
      request: { body: jsonBody(newHalt) },
      responses: { 201: json("The halt.", shown), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const done = await halt(c.var.org, inputOf(body));
      if (!done.ok) throw invalid({ ...targetOf[body.reason], code: done.refusal });
      return c.json(view(done.value), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/halts",
      summary: "List halts, newest first",
      tags: ["halts"],
      ...reads("halts.list"),
      request: { query: z.strictObject({ ...pageQuery, open: z.enum(["true", "false"]).optional() }) },
      responses: { 200: json("A page.", listOf(shown)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      return c.json(listBody(await findHalts(c.var.org, page, query.open === "true"), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/halts/{id}/end",
      summary: "End a halt",
      description: "What a failing do-not-call source halted ends only after a fresh scrub.",
      tags: ["halts"],
      ...posts("halts.end"),
      request: { params: idParam("halt") },
      responses: { 200: json("It has ended.", shown), ...problems },
    }),
    async (c) => {
      const ended = await endHalt(c.var.org, idOf("halt", c.req.valid("param").id));
      if (!ended.ok) {
        if (ended.refusal === "halt_unknown") throw notFound("open halt");
        throw conflict(
          ended.refusal,
          "A do-not-call source failed, and no list has been answered since. It is asked again every ten minutes: repair its connection or connect another, wait for a scrub, then end this.",
        );
      }
      await c.env.wake(ended.value.orgId, "dial");
      return c.json(view(ended.value), 200);
    },
  );
}

/** Where the body names what it halts, and what is wanting when there is no such thing. */
const targetOf = {
  org_halted: { pointer: "", detail: "There is no such organisation." },
  seller_halted: { pointer: "/seller_id", detail: "There is no such seller." },
  connection_halted: { pointer: "/connection_id", detail: "There is no such connection." },
  state_halted: { pointer: "/state", detail: "There is no such state or territory." },
  caller_number_halted: { pointer: "/phone", detail: "No connection calls from this number." },
} as const;

function inputOf(body: z.infer<typeof newHalt>): HaltInput {
  switch (body.reason) {
    case "org_halted":
      return { reason: body.reason, note: body.note };
    case "seller_halted":
      return { reason: body.reason, note: body.note, targetId: idOf("seller", body.seller_id) };
    case "connection_halted":
      return { reason: body.reason, note: body.note, targetId: idOf("connection", body.connection_id) };
    case "state_halted":
      return { reason: body.reason, note: body.note, target: body.state };
    case "caller_number_halted":
      return { reason: body.reason, note: body.note, target: body.phone };
  }
}
