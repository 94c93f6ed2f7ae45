import { integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { databaseDefault, instant } from "./columns.ts";

export const mails = pgTable(
  "mails",
  {
    id: uuid("id").notNull(),
    kind: text("kind").notNull(),
    sealed: jsonb("sealed"),
    dedupeKey: text("dedupe_key"),
    createdAt: instant("created_at").notNull(),
    dueAt: instant("due_at").notNull(),
    lane: integer("lane"),
    turnAt: instant("turn_at").notNull(),
    notAfter: instant("not_after").notNull(),
    tries: integer("tries").notNull().default(databaseDefault),
    leaseUntil: instant("lease_until"),
    sentAt: instant("sent_at"),
    failedAt: instant("failed_at"),
    reason: text("reason"),
    providerId: text("provider_id"),
  },
  (table) => [primaryKey({ columns: [table.id] })],
);
