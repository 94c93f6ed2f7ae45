import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { lookUpNumbers, type SuppressionRow } from "../../domain/suppressions/look-up.ts";
import { numbersMax, suppressNumbers, suppressionSources } from "../../domain/suppressions/suppress.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems } from "../access.ts";
import { e164Field, idField, instantField, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";

const apiSources = [
  "api",
  "console",
  "bulk_file",
  "inbound_call",
  "voicemail_reply",
  "mail_reply",
  "public_page",
  "wrong_number",
] as const;
const newSuppressions = z
  .strictObject({
    phones: z.array(e164Field).min(1).max(numbersMax),
    source: z.enum(apiSources).default("api"),
    requested_by: z
      .enum(["person", "org"])
      .default("person")
      .openapi({ description: "`org`: entered without the person's word, as a wrong bulk file; a lift then ends it at once." }),
    note: lines(500).nullable().default(null),
  })
  .openapi("NewSuppressions", { example: { phones: ["+13035550142"] } });

const suppression = z
  .strictObject({
    id: idField("suppression"),
    object: z.literal("suppression"),
    phone: z.string(),
    source: z.enum(suppressionSources),
    requested_by: z.enum(["person", "org"]),
    note: z.string().nullable(),
    created_at: instantField,
    attempts_cancelled: z.int().openapi({ description: "Permitted dials that this stopped." }),
    enrolments_closed: z.int().openapi({ description: "Places in campaigns that this closed." }),
  })
  .openapi("Suppression");

const lookedUp = z
  .strictObject({
    phone: z.string(),
    suppressed: z.boolean().openapi({
      description:
        "Whether any entry may still stand. A person's own stop ends only with a lift and a newer consent, which a decision judges; here it counts.",
    }),
    suppressions: z.array(
      z.strictObject({
        id: idField("suppression"),
        source: z.string(),
        requested_by: z.enum(["person", "org"]),
        note: z.string().nullable(),
        created_at: instantField,
        lifted_at: instantField.nullable(),
      }),
    ),
  })
  .openapi("NumberSuppressions");

export function suppressionRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/suppressions",
      summary: "Stop all calls to numbers, at once",
      description: "When the answer arrives, no dial to these numbers leaves any more. Permanent until a lift.",
      tags: ["suppressions"],
      ...posts("suppressions.create"),
      request: { body: jsonBody(newSuppressions) },
      responses: {
        201: json("The suppressions.", z.strictObject({ object: z.literal("list"), data: z.array(suppression) })),
        ...problems,
      },
    }),
    async (c) => {
      const { phones, source, requested_by, note } = c.req.valid("json");
      const input = { source, byOrg: requested_by === "org", note, attemptId: null };
      const { orgId, made } = await suppressNumbers(c.var.org, c.env.numbers, phones, input);
      // What rings already is ended by the provider, who is asked from the outbox.
      await c.env.wake(orgId, "outbox");
      const data = made.map((one) => ({
        id: publicId("suppression", one.id),
        object: "suppression" as const,
        phone: one.e164,
        source,
        requested_by,
        note,
        created_at: one.recordedAt,
        attempts_cancelled: one.attemptsCancelled,
        enrolments_closed: one.enrolmentsClosed,
      }));
      return c.json({ object: "list" as const, data }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/suppressions/lookup",
      summary: "Look numbers up",
      description: "A POST, because numbers do not belong in addresses that are logged.",
      tags: ["suppressions"],
      ...posts("suppressions.look_up"),
      request: { body: jsonBody(z.strictObject({ phones: z.array(e164Field).min(1).max(100) }).openapi("SuppressionLookup")) },
      responses: {
        200: json("Each number, in the order asked.", z.strictObject({ object: z.literal("list"), data: z.array(lookedUp) })),
        ...problems,
      },
    }),
    async (c) => {
      const { phones } = c.req.valid("json");
      const found = await lookUpNumbers(c.var.org, c.env.numbers, phones);
      const data = phones.map((phone, at) => ({
        phone,
        suppressed: (found[at] ?? []).some((row) => row.lifted_at === null || !row.by_org),
        suppressions: (found[at] ?? []).map(viewEntry),
      }));
      return c.json({ object: "list" as const, data }, 200);
    },
  );
}

const viewEntry = (row: SuppressionRow) => ({
  id: publicId("suppression", row.id),
  source: row.source,
  requested_by: row.by_org ? ("org" as const) : ("person" as const),
  note: row.note,
  created_at: row.recorded_at,
  lifted_at: row.lifted_at,
});
