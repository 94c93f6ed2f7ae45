import { integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant } from "./columns.ts";

export const webhookInbox = pgTable(
  "webhook_inbox",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    dedupeKey: text("dedupe_key").notNull(),
    type: text("type").notNull(),
    providerCallId: text("provider_call_id"),
    attemptId: uuid("attempt_id"),
    receivedAt: instant("received_at").notNull(),
    bodyDigest: bytes("body_digest").notNull(),
    body: text("body"),
    report: jsonb("report"),
    state: text("state", { enum: ["pending", "applied", "ignored", "failed"] }).notNull(),
    reason: text("reason"),
    tries: integer("tries").notNull().default(databaseDefault),
    leaseUntil: instant("lease_until"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const outbox = pgTable(
  "outbox",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    kind: text("kind", { enum: ["provider_stop"] }).notNull(),
    subjectId: uuid("subject_id").notNull(),
    dueAt: instant("due_at").notNull(),
    tries: integer("tries").notNull().default(databaseDefault),
    leaseUntil: instant("lease_until"),
    doneAt: instant("done_at"),
    reason: text("reason"),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
