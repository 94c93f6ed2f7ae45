import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { exportedEntry } from "../../domain/audit/exported-entry.ts";
import { readChain } from "../../domain/audit/read-chain.ts";
import { askableActors, canAct, jobNames } from "../../lib/audit-actors.ts";
import { auditEvents, orgEvents } from "../../lib/audit-events.ts";
import { type IdKind, idPrefixes, publicId, uuidOf } from "../../lib/ids.ts";
import { json, problems, reads } from "../access.ts";
import { coded } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { cursor, cursorOf, listOfRequest, pageQuery, placeNumber } from "../page.ts";

const idKinds = Object.keys(idPrefixes) as IdKind[];
/** "api_key.", and what has no dot as it is. */
const kindsOfEvents = [...new Set(Object.keys(orgEvents).map((known) => known.replace(/\..*/, ".")))];
const hash = z.string().openapi({ example: "5dc9da79f2c4b4f6a4b0a6c8f5be7de0d9c1b2a3948576a1b2c3d4e5f6071829" });
const entry = z
  .strictObject({
    object: z.literal("audit_entry"),
    seq: z.int(),
    type: z.string().openapi({
      description:
        "One of `x-events`, which has for each what it says and the names of its facts, and which docs/audit-events.md shows; further ones may be added.",
      example: "campaign.launched",
      "x-events": auditEvents,
    }),
    at: z
      .string()
      .openapi({ format: "date-time", example: "2026-11-18T15:00:00.570000Z", description: "To the microsecond, as `at_us`." }),
    at_us: z.int(),
    payload_commit: hash,
    previous_hash: hash,
    entry_hash: hash,
    subject: z.string().nullable(),
    salt_subject: hash.nullable(),
    subject_digest: hash.nullable(),
    facts: z.string().nullable().openapi({ description: "The text as it was hashed." }),
    salt_facts: hash.nullable(),
    facts_digest: hash.nullable(),
  })
  .openapi("AuditEntry");
const list = z.strictObject({
  object: z.literal("list"),
  org_id: z.string(),
  data: z.array(entry),
  head: z
    .strictObject({ seq: z.int(), hash })
    .openapi({ description: "Where the chain stands: give it to `dialgate verify --head`." }),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
/** What is mistyped in a filter would be answered like what never happened: it is refused. */
const type = z
  .string()
  .min(1, { abort: true })
  .refine(
    (given) => Object.keys(orgEvents).some((known) => known.startsWith(given)),
    coded("type_unknown", `No entry of an organisation has a type that begins so. Types begin with ${kindsOfEvents.join(", ")}.`),
  )
  .optional()
  .openapi({
    description:
      "Entries whose type begins with it: one of `x-events` of `AuditEntry.type` that is an organisation's, or its beginning.",
    example: "incident.",
  });
const subject = z
  .string()
  .regex(/^[a-z]{1,16}_[0-9a-z]{26}$/, {
    abort: true,
    message: "A public id is needed, such as lead_01k6dj4yz8f1vr6vwnxbmd0h2z.",
  })
  .refine((given) => idKinds.some((kind) => uuidOf(kind, given) !== null), coded("id_invalid", "No id here has this form."))
  .optional()
  .openapi({ description: "Entries about this row, by its public id." });
const actor = z
  .string()
  .regex(/^[a-z][0-9a-z_]{0,99}$/, {
    abort: true,
    message: "An actor's id is needed, such as key_01k6dj4yz8f1vr6vwnxbmd0h2z, or the name of a job.",
  })
  .refine(
    canAct,
    coded(
      "id_invalid",
      `An actor has an id of the form ${askableActors.map((kind) => `${idPrefixes[kind]}_…`).join(", ")}, or is a job: ${jobNames.join(", ")}.`,
    ),
  )
  .optional()
  .openapi({
    description:
      "Entries of what this key, token issuer, person, connection, request or job did, by `actor.id` of the facts; or of what was done under this support grant.",
    example: publicId("apiKey", "019a9b2c-7d00-7000-8000-000000000001"),
  });
const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/, {
    abort: true,
    message: "An instant in UTC is needed, such as 2026-11-18T15:00:00Z, with up to six digits of a second.",
  })
  .refine((text) => microsecondsOf(text) !== null, coded("instant_invalid", "There is no such instant."))
  .optional();
const from = instant.openapi({ format: "date-time", description: "Entries not before this instant of the real clock." });
const to = instant.openapi({ format: "date-time", description: "Entries before this instant of the real clock." });

const query = z
  .strictObject({ limit: pageQuery.limit, cursor: cursor.optional(), type, subject, actor, from, to })
  .refine(({ from: first, to: end }) => first === undefined || end === undefined || isBefore(first, end), {
    path: ["to"],
    ...coded("window_empty", "`to` has to come after `from`: the entry at `to` itself is not among them."),
  });

/** The chain is read forward, oldest first, so that an auditor goes on from what he has. */
export function auditRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/audit",
      summary: "Read the organisation's audit chain, oldest first",
      tags: ["audit"],
      ...reads("audit.list"),
      description:
        "The chain can be verified from an unfiltered read alone: entries that a filter leaves do not follow on each other. With `type` or `actor` a page may be short, or empty, while `has_more` is true: a request looks at 10,000 entries and no more. `from` and `to` narrow what it looks at.",
      request: { query },
      responses: { 200: json("Entries, with the chain's head.", list), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const limit = query.limit ?? 20;
      const list = listOfRequest(c, query);
      const after = query.cursor === undefined ? 0 : placeNumber(query.cursor, list);
      const filter = {
        type: query.type ?? null,
        subject: query.subject ?? null,
        actor: query.actor ?? null,
        fromUs: query.from === undefined ? null : microsecondsOf(query.from),
        untilUs: query.to === undefined ? null : microsecondsOf(query.to),
      };
      const { orgId, entries, head, next } = await readChain(c.var.org, after, limit, filter);
      const body = { data: entries.map(exportedEntry), head: { seq: head.seq, hash: head.head }, has_more: next !== null };
      return c.json(
        {
          object: "list" as const,
          org_id: publicId("org", orgId),
          ...body,
          next_cursor: next === null ? null : cursorOf(list, placeOfSeq(next)),
        },
        200,
      );
    },
  );
}

const isBefore = (one: string, other: string): boolean => (microsecondsOf(one) ?? 0) < (microsecondsOf(other) ?? Infinity);

/** Null where there is no such instant, as on 30 February. */
function microsecondsOf(text: string): number | null {
  const [seconds = "", fraction = ""] = text.slice(0, -1).split(".");
  const milliseconds = Date.parse(`${seconds}Z`);
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(seconds)) return null;
  return milliseconds * 1000 + Number(fraction.padEnd(6, "0"));
}

const seqBytes = 8;
const placeOfSeq = (seq: number): string => seq.toString(16).padStart(seqBytes * 2, "0");
