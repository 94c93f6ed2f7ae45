import { jsonb, pgTable, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

export const halts = pgTable(
  "halts",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    reason: text("reason", {
      enum: ["org_halted", "seller_halted", "state_halted", "caller_number_halted", "connection_halted", "incident_open"],
    }).notNull(),
    targetId: uuid("target_id"),
    target: text("target"),
    since: instant("since").notNull(),
    endedAt: instant("ended_at"),
    by: text("by").notNull(),
    note: text("note").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const incidents = pgTable(
  "incidents",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    severity: smallint("severity").notNull(),
    code: text("code").notNull(),
    subjectId: uuid("subject_id"),
    haltId: uuid("halt_id"),
    openedAt: instant("opened_at").notNull(),
    closedAt: instant("closed_at"),
    closedBy: text("closed_by"),
    closeReason: text("close_reason"),
    detail: jsonb("detail").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
