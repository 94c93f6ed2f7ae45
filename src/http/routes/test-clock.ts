import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { advanceTestClock, findTestClock, type TestClock } from "../../domain/test-clock/advance.ts";
import type { Instant } from "../../lib/instant.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { givenInstant, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { conflict, invalid, notFound } from "../problem.ts";

const clock = z
  .strictObject({
    object: z.literal("test_clock"),
    now: instantField,
    target: instantField.nullable(),
    status: z.enum(["ready", "advancing", "failed"]),
    status_reason: z.string().nullable(),
  })
  .openapi("TestClock");
const advance = z
  .strictObject({ to: givenInstant.optional(), seconds: z.int().min(1).max(34_560_000).optional() })
  .openapi("AdvanceTestClock", { example: { seconds: 3600 } });

const view = (row: TestClock): z.infer<typeof clock> => ({
  object: "test_clock",
  now: row.now,
  target: row.target,
  status: row.status,
  status_reason: row.statusReason,
});

export function testClockRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/test_clock",
      summary: "Read the test clock",
      description: "Of a test organisation: its instant, and where it is on its way to. A live organisation gets 404.",
      tags: ["test clock"],
      ...reads("test_clock.get"),
      responses: { 200: json("The clock; a live organisation has none.", clock), ...problems },
    }),
    async (c) => {
      const found = await findTestClock(c.var.org);
      if (found === null) throw notFound("test clock");
      return c.json(view(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/test_clock/advance",
      summary: "Move the test clock forward",
      description:
        "Answers at once; the clock stops at every event on the way. Poll it until its status is `ready`. Permits that were not used expire: after a launch, wait for the first attempts before you move it.",
      tags: ["test clock"],
      ...posts("test_clock.advance"),
      request: { body: jsonBody(advance) },
      responses: { 202: json("It is moving.", clock), ...problems },
    }),
    async (c) => {
      const { to, seconds } = c.req.valid("json");
      if ((to === undefined) === (seconds === undefined)) {
        throw invalid({
          pointer: "/to",
          code: "one_of",
          detail: "Say `to` which instant or by how many `seconds`, one of them.",
        });
      }
      const done = await advanceTestClock(c.var.org, to === undefined ? { seconds: seconds ?? 0 } : (to as Instant));
      if (done.ok) {
        await c.env.wake(done.value.orgId, "test_clock");
        return c.json(view(done.value), 202);
      }
      switch (done.refusal) {
        case "not_a_test_org":
          throw notFound("test clock");
        case "already_advancing":
          throw conflict(done.refusal, "The clock is on its way already.");
        case "not_later":
          throw invalid({ pointer: "/to", code: done.refusal, detail: "The clock only goes forward." });
        case "too_far":
          throw invalid({ pointer: "/to", code: done.refusal, detail: "At most 400 days at once." });
      }
    },
  );
}
