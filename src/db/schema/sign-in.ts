import { integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant } from "./columns.ts";

export const signInLinks = pgTable(
  "sign_in_links",
  {
    email: text("email").notNull(),
    verifierHash: bytes("verifier_hash").notNull(),
    tokenHash: bytes("token_hash").notNull(),
    relayHash: bytes("relay_hash").notNull(),
    relayTries: integer("relay_tries").notNull().default(databaseDefault),
    nextPath: text("next_path"),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    consumedAt: instant("consumed_at"),
  },
  (table) => [primaryKey({ columns: [table.email, table.verifierHash] })],
);

export const signInFailures = pgTable("sign_in_failures", {
  email: text("email").primaryKey(),
  recent: instant("recent").array().notNull(),
  lastAt: instant("last_at").notNull(),
  alertedAt: instant("alerted_at"),
});

export const knownDevices = pgTable("known_devices", {
  id: uuid("id").primaryKey(),
  userId: uuid("user_id").notNull(),
  deviceHash: bytes("device_hash").notNull(),
  countries: text("countries").array().notNull(),
  firstSeenAt: instant("first_seen_at").notNull(),
  lastSeenAt: instant("last_seen_at").notNull(),
  factorAt: instant("factor_at"),
});
