import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { AuditRow } from "../../db/queries/audit.ts";
import { readChain } from "../../domain/audit/read-chain.ts";
import { fromBase64Url, toBase64Url } from "../../lib/base64url.ts";
import { publicId } from "../../lib/ids.ts";
import { json, problems, reads } from "../access.ts";
import { coded, instantField } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { pageQuery } from "../page.ts";

const hash = z.string().openapi({ example: "5dc9da79f2c4b4f6a4b0a6c8f5be7de0d9c1b2a3948576a1b2c3d4e5f6071829" });
const entry = z
  .strictObject({
    object: z.literal("audit_entry"),
    seq: z.int(),
    type: z.string(),
    at: instantField,
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
const seqCursor = z
  .string()
  .max(32)
  .refine((text) => seqOf(text) !== null, coded("cursor_invalid", "Not a cursor of this list."));

const type = z
  .string()
  .regex(/^[a-z][a-z0-9_.]{0,99}$/, "An entry's type, or what it begins with, is needed, such as incident. or campaign.launched.")
  .optional()
  .openapi({ description: "Entries whose type begins with it.", example: "incident." });
const subject = z
  .string()
  .regex(/^[a-z]{1,16}_[0-9a-z]{26}$/, "A public id is needed, such as lead_01k6dj4yz8f1vr6vwnxbmd0h2z.")
  .optional()
  .openapi({ description: "Entries about this row, by its public id." });

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
        "The chain can be verified from an unfiltered read alone: entries that a filter leaves do not follow on each other. With `type` a page may be short, or empty, while `has_more` is true: a request looks at 10,000 entries and no more.",
      request: { query: z.strictObject({ limit: pageQuery.limit, cursor: seqCursor.optional(), type, subject }) },
      responses: { 200: json("Entries, with the chain's head.", list), ...problems },
    }),
    async (c) => {
      const query = c.req.valid("query");
      const limit = query.limit ?? 20;
      const after = query.cursor === undefined ? 0 : (seqOf(query.cursor) ?? 0);
      const filter = { type: query.type ?? null, subject: query.subject ?? null };
      const { orgId, entries, head, next } = await readChain(c.var.org, after, limit, filter);
      const body = { data: entries.map(view), head: { seq: head.seq, hash: head.head }, has_more: next !== null };
      return c.json(
        { object: "list" as const, org_id: publicId("org", orgId), ...body, next_cursor: next === null ? null : cursorOf(next) },
        200,
      );
    },
  );
}

const view = (row: AuditRow): z.infer<typeof entry> => ({
  object: "audit_entry",
  seq: row.seq,
  type: row.event_type,
  at: instantOfMicroseconds(row.at_us),
  at_us: row.at_us,
  payload_commit: row.payload_commit,
  previous_hash: row.prev,
  entry_hash: row.entry_hash,
  subject: row.subject_text,
  salt_subject: row.salt_subject,
  subject_digest: row.subject_digest,
  facts: row.facts_text,
  salt_facts: row.salt_facts,
  facts_digest: row.facts_digest,
});

function instantOfMicroseconds(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000);
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}Z`;
}

const cursorOf = (seq: number): string => toBase64Url(new TextEncoder().encode(`seq:${seq}`));
function seqOf(text: string): number | null {
  const bytes = fromBase64Url(text);
  const match = bytes === null ? null : /^seq:(\d{1,15})$/.exec(new TextDecoder().decode(bytes));
  return match === null ? null : Number(match[1]);
}
