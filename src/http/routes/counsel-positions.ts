import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { endPosition } from "../../domain/positions/end-position.ts";
import { findPositions } from "../../domain/positions/find-positions.ts";
import { type CounselPosition, recordPosition } from "../../domain/positions/record-position.ts";
import { hexOf } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { givenInstant, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { invalid, notFound } from "../problem.ts";

const fields = {
  rule_id: line(100).openapi({ description: "The rule's id, as a refusal names it." }),
  counsel: line(200),
  document_sha256: z.string().regex(/^[0-9a-f]{64}$/, "A SHA-256 in 64 hexadecimal digits is needed."),
  dated_at: givenInstant,
  until: givenInstant,
  by: line(200),
};
const newPosition = z.strictObject(fields).openapi("NewCounselPosition", {
  example: {
    rule_id: "automated-voice/NM",
    counsel: "Reyes & Holt LLP",
    document_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    dated_at: "2026-11-01T00:00:00Z",
    until: "2027-11-01T00:00:00Z",
    by: "Dana Reyes, owner",
  },
});
const shown = z
  .strictObject({
    id: idField("position"),
    object: z.literal("counsel_position"),
    ...fields,
    dated_at: instantField,
    until: instantField,
    created_at: instantField,
  })
  .openapi("CounselPosition");

const view = (row: CounselPosition): z.infer<typeof shown> => ({
  id: publicId("position", row.id),
  object: "counsel_position",
  rule_id: row.ruleId,
  counsel: row.counsel,
  document_sha256: hexOf(row.documentSha256),
  dated_at: row.datedAt,
  until: row.untilAt,
  by: row.by,
  created_at: row.recordedAt,
});

const refusals = {
  rule_not_liftable: ["/rule_id", "A position lifts contested rows and listings on states' do-not-call lists alone."],
  position_too_long: ["/until", "A position lasts from its date for at most 365 days."],
  position_in_future: ["/dated_at", "The document's date has not come."],
} as const;

export function counselPositionRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/counsel_positions",
      summary: "Record counsel's written position on a rule",
      description:
        "An owner's act. While it lasts it lifts the rule for this organisation; it never lifts what is unknown or stale.",
      tags: ["account"],
      ...posts("counsel_positions.create"),
      request: { body: jsonBody(newPosition) },
      responses: { 201: json("The position.", shown), ...problems },
    }),
    async (c) => {
      const { rule_id: ruleId, counsel, document_sha256: documentSha256, dated_at: datedAt, until, by } = c.req.valid("json");
      const input = { ruleId, counsel, documentSha256, datedAt: datedAt as Instant, untilAt: until as Instant, by };
      const done = await recordPosition(c.var.org, input);
      if (!done.ok) {
        const [pointer, detail] = refusals[done.refusal];
        throw invalid({ pointer, code: done.refusal, detail });
      }
      return c.json(view(done.value), 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/counsel_positions",
      summary: "List counsel's positions, newest first",
      tags: ["account"],
      ...reads("counsel_positions.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(shown)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c.req.valid("query"));
      return c.json(listBody(await findPositions(c.var.org, page), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/counsel_positions/{id}/end",
      summary: "End a position before its time",
      tags: ["account"],
      ...posts("counsel_positions.end"),
      request: { params: idParam("position") },
      responses: { 200: json("It has ended.", shown), ...problems },
    }),
    async (c) => {
      const ended = await endPosition(c.var.org, idOf("position", c.req.valid("param").id));
      if (ended === null) throw notFound("lasting position");
      return c.json(view(ended), 200);
    },
  );
}
