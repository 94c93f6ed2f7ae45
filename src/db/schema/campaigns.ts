import { boolean, integer, jsonb, numeric, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { databaseDefault, instant } from "./columns.ts";

export const sellers = pgTable(
  "sellers",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    registeredName: text("registered_name").notNull(),
    tradeNames: text("trade_names").array().notNull(),
    address: text("address"),
    doNotCallNumber: text("do_not_call_number"),
    san: text("san"),
    sanAreaCodes: text("san_area_codes").array().notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const connections = pgTable(
  "connections",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    kind: text("kind", { enum: ["voice", "dnc"] }).notNull(),
    vendor: text("vendor").notNull(),
    name: text("name").notNull(),
    config: jsonb("config").notNull(),
    status: text("status", { enum: ["active", "failing", "disabled"] }).notNull(),
    inboxKeeps: text("inbox_keeps", { enum: ["raw", "envelope"] }).notNull(),
    maxConcurrency: integer("max_concurrency").notNull(),
    callsPerSecond: numeric("calls_per_second", { mode: "number" }).notNull(),
    settleSeconds: integer("settle_seconds").notNull(),
    queueDelaySeconds: integer("queue_delay_seconds").notNull().default(databaseDefault),
    nextSlotAt: instant("next_slot_at").notNull().default(databaseDefault),
    leavesFrom: instant("leaves_from").notNull().default(databaseDefault),
    refusedInRow: integer("refused_in_row").notNull().default(databaseDefault),
    acceptedAt: instant("accepted_at"),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const credentials = pgTable(
  "credentials",
  {
    orgId: uuid("org_id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    version: integer("version").notNull(),
    sealed: jsonb("sealed").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.connectionId, table.version] })],
);

export const campaigns = pgTable(
  "campaigns",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    sellerId: uuid("seller_id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    status: text("status", {
      enum: ["draft", "running", "paused", "completed", "cancelled"],
    }).notNull(),
    statusReason: text("status_reason"),
    purpose: text("purpose", {
      enum: ["marketing", "mixed", "informational", "undeclared"],
    }).notNull(),
    debtCollection: boolean("debt_collection").notNull(),
    callingWindow: jsonb("calling_window"),
    fromNumber: text("from_number").notNull(),
    ringSeconds: integer("ring_seconds").notNull(),
    variables: text("variables").array().notNull(),
    retryOn: text("retry_on").array().notNull(),
    retryAfterSeconds: integer("retry_after_seconds").notNull(),
    maxConcurrency: integer("max_concurrency").notNull(),
    createdAt: instant("created_at").notNull(),
    launchedAt: instant("launched_at"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
