import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { SessionRow } from "../../db/queries/users.ts";
import { endOtherSessionsOf, endOwnSession } from "../../domain/sessions/end-sessions.ts";
import { findOwnSessions } from "../../domain/sessions/find-sessions.ts";
import { deviceName } from "../../lib/device-name.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, problems, reads } from "../access.ts";
import type { Principal } from "../authenticate.ts";
import { idField, idOf, idParam, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { actingIn } from "../second-factor.ts";
import { clearSessionCookie } from "../session-cookie.ts";

const session = z
  .strictObject({
    id: idField("session"),
    object: z.literal("session"),
    current: z.boolean().openapi({ description: "The one of this request." }),
    method: z.string().openapi({ description: "By what the person signed in." }),
    status: z.enum(["second_factor_due", "open", "ended"]).openapi({ description: "`ended` in the answer that ends it alone." }),
    country: z.string().nullable(),
    device: z.string().openapi({
      example: "Firefox on Windows",
      description: "What the browser says that it is, in words. A browser may say what it likes.",
    }),
    user_agent: z.string().nullable(),
    created_at: instantField,
    last_seen_at: instantField.openapi({ description: "To the minute." }),
    ends_at: instantField.openapi({ description: "Or earlier, after an hour without a request." }),
  })
  .openapi("Session", { description: "Its instants are of the real clock." });

const view = (row: SessionRow, principal: Principal, ended: "ended" | null = null): z.infer<typeof session> => ({
  id: publicId("session", row.id),
  object: "session",
  current: principal.kind === "session" && principal.sessionId === row.id,
  method: row.method,
  status: ended ?? (row.stage === "open" ? "open" : "second_factor_due"),
  country: row.country,
  device: deviceName(row.user_agent),
  user_agent: row.user_agent,
  created_at: row.created_at,
  last_seen_at: row.last_seen_at,
  ends_at: row.ends_at,
});

export function sessionRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/sessions",
      summary: "One's own sessions that have not ended, newest first",
      description: "`current` marks the one of this request, on whichever page it stands.",
      tags: ["users"],
      ...reads("sessions.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(session)), ...problems },
    }),
    async (c) => {
      const { principal, org } = c.var;
      const page = pageOf(c, c.req.valid("query"));
      const rows = await findOwnSessions(org, principal.id, page, c.env.now());
      return c.json(
        listBody(rows, page, (row) => view(row, principal)),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/sessions",
      summary: "End all of one's own sessions but the one of this request, at once",
      description: "Answers all that it ended, in one list.",
      tags: ["users"],
      ...changes("sessions.end_others"),
      responses: { 200: json("They have ended.", listOf(session)), ...problems },
    }),
    async (c) => {
      const { principal, org } = c.var;
      const rows = await endOtherSessionsOf(org, principal.id, actingIn(c).id, c.env.now());
      return c.json(
        listBody(rows, { limit: rows.length, after: null }, (row) => view(row, principal, "ended")),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/sessions/{id}",
      summary: "End one of one's own sessions, at once",
      description: "Also the one of this request: that is how to sign out.",
      tags: ["users"],
      ...changes("sessions.end"),
      request: { params: idParam("session") },
      responses: { 200: json("It has ended.", session), ...problems },
    }),
    async (c) => {
      const { principal, org } = c.var;
      const ended = await endOwnSession(org, principal.id, idOf("session", c.req.valid("param").id), c.env.now());
      if (ended === null) throw notFound("session");
      if (principal.kind === "session" && principal.sessionId === ended.id) clearSessionCookie(c);
      return c.json(view(ended, principal, "ended"), 200);
    },
  );
}
