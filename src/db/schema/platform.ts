import { bigint, boolean, pgTable, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant } from "./columns.ts";

export const platformFacts = pgTable(
  "platform_facts",
  {
    id: smallint("id").notNull(),
    factsVersion: bigint("facts_version", { mode: "number" }).notNull().default(databaseDefault),
    lockOnly: smallint("lock_only"),
  },
  (table) => [primaryKey({ columns: [table.id] })],
);

export const platformHalts = pgTable(
  "platform_halts",
  {
    id: uuid("id").notNull(),
    reason: text("reason", {
      enum: ["platform_halted", "state_halted", "emergency_moratorium", "incident_open"],
    }).notNull(),
    states: text("states").array(),
    zips: text("zips").array(),
    since: instant("since").notNull(),
    until: instant("until"),
    endedAt: instant("ended_at"),
    by: text("by").notNull(),
    note: text("note").notNull(),
  },
  (table) => [primaryKey({ columns: [table.id] })],
);

export const pepperVersions = pgTable(
  "pepper_versions",
  {
    version: smallint("version").notNull(),
    canaryHmac: bytes("canary_hmac").notNull(),
    firstHeldAt: instant("first_held_at").notNull().default(databaseDefault),
    lacksLines: boolean("lacks_lines").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.version] })],
);

export const protectedLines = pgTable(
  "protected_lines",
  {
    e164Hmac: bytes("e164_hmac").notNull(),
    id: uuid("id").notNull(),
    pepperVersion: smallint("pepper_version").notNull(),
    kind: text("kind").notNull(),
    source: text("source").notNull(),
    recordedAt: instant("recorded_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.e164Hmac] })],
);
