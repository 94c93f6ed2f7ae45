import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { findConsentEvent, findConsentEvents } from "../../domain/consent/find-consent.ts";
import { recordConsent, type AboutPerson, type ConsentEventInput } from "../../domain/consent/record-consent.ts";
import { givenDate } from "../../lib/given-date.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { json, jsonBody, posts, problems, reads } from "../access.ts";
import { coded, e164Field, givenId, givenInstant, idField, idOf, idParam, instantField, line, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { invalid, notFound } from "../problem.ts";

const about = { lead_id: givenId("lead").optional(), phone: e164Field.optional() };
const date = z
  .string()
  .max(64)
  .refine((given) => givenDate(given).utc !== null, coded("date_invalid", "Not a date that can be read."))
  .openapi({ example: "2026-10-02T18:31:07Z", description: "RFC 3339; without a zone it is read at its strictest." });

const grant = z.strictObject({
  kind: z.literal("grant"),
  ...about,
  obtained_at: date,
  basis: z.enum(["pewc", "pec", "ebr", "transactional", "unknown"]),
  purpose: z.enum(["marketing", "mixed", "informational", "undeclared"]).default("undeclared"),
  text: lines(10_000).nullable().default(null).openapi({ description: "The words that were signed." }),
  signature: line(200).nullable().default(null).openapi({ description: "How it was signed, as `web_form_submit`." }),
  seller: z
    .strictObject({ registered_name: line(200), trade_names: z.array(line(200)).max(20).default([]) })
    .nullable()
    .default(null),
  page_url: line(2000).nullable().default(null),
  ip: line(64).nullable().default(null),
  user_agent: line(1000).nullable().default(null),
  certificate_url: line(2000).nullable().default(null),
  recording_ref: line(2000).nullable().default(null),
});
const revocation = z.strictObject({
  kind: z.literal("revocation"),
  ...about,
  revoked_at: date.optional().openapi({ description: "Now, when absent." }),
  channel: line(100).openapi({ example: "mail_reply" }),
});
const lift = z.strictObject({ kind: z.literal("lift"), ...about, by: line(200), reason: lines(1000) });
const relationship = z.strictObject({
  kind: z.literal("relationship"),
  ...about,
  relationship: z.enum(["purchase", "inquiry"]),
  at: givenInstant,
});
const newEvent = z
  .discriminatedUnion("kind", [grant, revocation, lift, relationship])
  .openapi("NewConsentEvent", { example: { kind: "revocation", phone: "+13035550142", channel: "mail_reply" } });

const event = z
  .strictObject({
    id: idField("consentEvent"),
    object: z.literal("consent_event"),
    person_id: idField("person").optional(),
    kind: z.enum(["grant", "revocation", "lift", "relationship"]),
    details: z.record(z.string(), z.unknown()),
    created_at: instantField,
  })
  .openapi("ConsentEvent");
const recorded = z
  .strictObject({
    ...event.shape,
    already_known: z.boolean().openapi({ description: "The same evidence was on file; nothing was added." }),
    of_kind: z
      .int()
      .openapi({ description: "How many events of this kind the person has. A decision reads the newest 200 of each kind." }),
    attempts_cancelled: z.int(),
    enrolments_closed: z.int(),
    enrolments_reopened: z.int(),
    lead_made_eligible: z.boolean().openapi({ description: "A lead that was refused for its consent may now enter campaigns." }),
  })
  .openapi("ConsentEventRecorded");

export function consentEventRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/consent_events",
      summary: "Record a grant, a revocation, a lift or a relationship",
      description:
        "Append-only: a grant or a relationship once per evidence and person, each revocation and lift as an act of its own. A revocation binds when the answer arrives: no dial decided before it leaves.",
      tags: ["consent"],
      ...posts("consent_events.create"),
      request: { body: jsonBody(newEvent) },
      responses: { 201: json("Recorded.", recorded), 200: json("It was on file already.", recorded), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const done = await recordConsent(
        c.var.org,
        { numbers: c.env.numbers, packs: await c.env.desk.packs() },
        personOf(body),
        inputOf(body),
      );
      if (!done.ok) throw notFound("lead");
      const { value } = done;
      await c.env.wake(value.orgId, value.kind === "revocation" ? "outbox" : "dial");
      await c.env.wake(value.orgId, "standing");
      return c.json(
        {
          id: publicId("consentEvent", value.id),
          object: "consent_event" as const,
          kind: value.kind,
          details: body.phone === undefined ? withoutNumber(value.body) : { ...value.body },
          created_at: value.recordedAt,
          already_known: value.known,
          of_kind: value.ofKind,
          attempts_cancelled: value.attemptsCancelled,
          enrolments_closed: value.enrolmentsClosed,
          enrolments_reopened: value.enrolmentsReopened,
          lead_made_eligible: value.leadMadeEligible,
        },
        value.known ? 200 : 201,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/consent_events",
      summary: "List consent events, newest first",
      tags: ["consent"],
      ...reads("consent_events.list"),
      request: { query: z.strictObject({ ...pageQuery, person_id: givenId("person").optional() }) },
      responses: { 200: json("A page.", listOf(event)), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const page = pageOf(query);
      const person = query.person_id === undefined ? null : idOf("person", query.person_id);
      return c.json(listBody(await findConsentEvents(c.var.org, page, person), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/consent_events/{id}",
      summary: "Get a consent event",
      tags: ["consent"],
      ...reads("consent_events.get"),
      request: { params: idParam("consentEvent") },
      responses: { 200: json("The event.", event), ...problems },
    }),
    async (c) => {
      const found = await findConsentEvent(c.var.org, idOf("consentEvent", c.req.valid("param").id));
      if (found === null) throw notFound("consent event");
      return c.json(view(found), 200);
    },
  );
}

/** Who names a person by a lead's id is not told the lead's number, which is read with `leads:read`. */
function withoutNumber(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([field]) => field !== "number"));
}

type GivenEvent = z.infer<typeof newEvent>;

function personOf({ lead_id: leadId, phone }: GivenEvent): AboutPerson {
  if ((leadId === undefined) === (phone === undefined)) {
    throw invalid({ pointer: "/lead_id", code: "one_of", detail: "Name the person by `lead_id` or by `phone`, one of them." });
  }
  return phone === undefined ? { leadId: idOf("lead", leadId ?? "") } : { e164: phone };
}

function inputOf(body: GivenEvent): ConsentEventInput {
  switch (body.kind) {
    case "grant":
      return {
        kind: "grant",
        body: {
          obtained_at: givenDate(body.obtained_at),
          basis: body.basis,
          purpose: body.purpose,
          source: "api",
          text: body.text,
          attested_seller: body.seller,
          signature: body.signature,
          page_url: body.page_url,
          ip: body.ip,
          user_agent: body.user_agent,
          // An address is no text until the certificate is retrieved; a reference proves nothing until it is matched.
          certificate:
            body.certificate_url === null ? null : { url: body.certificate_url, retained: false, matched: false, text: null },
          recording: body.recording_ref === null ? null : { ref: body.recording_ref, matched: false },
        },
      };
    case "revocation":
      return {
        kind: "revocation",
        body: { revoked_at: body.revoked_at === undefined ? null : givenDate(body.revoked_at), channel: body.channel },
      };
    case "lift":
      return { kind: "lift", body: { by: body.by, reason: body.reason } };
    case "relationship":
      return { kind: "relationship", body: { kind: body.relationship, at: body.at as Instant } };
  }
}

const view = (row: Awaited<ReturnType<typeof findConsentEvents>>[number]): z.infer<typeof event> => ({
  id: publicId("consentEvent", row.id),
  object: "consent_event",
  person_id: publicId("person", row.personId),
  kind: row.kind,
  details: row.body as Record<string, unknown>,
  created_at: row.recordedAt,
});
