import { pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, instant } from "./columns.ts";

const providers = ["google", "microsoft"] as const;

export const oidcFlows = pgTable("oidc_flows", {
  stateHash: bytes("state_hash").primaryKey(),
  browserHash: bytes("browser_hash").notNull(),
  provider: text("provider", { enum: providers }).notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  nextPath: text("next_path"),
  usedAt: instant("used_at"),
});

export const oidcIdentities = pgTable(
  "oidc_identities",
  {
    id: uuid("id").notNull(),
    provider: text("provider", { enum: providers }).notNull(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    userId: uuid("user_id").notNull(),
    createdAt: instant("created_at").notNull(),
    lastUsedAt: instant("last_used_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.provider, table.issuer, table.subject] })],
);

export const oidcRemovals = pgTable(
  "oidc_removals",
  {
    provider: text("provider", { enum: providers }).notNull(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    userId: uuid("user_id").notNull(),
    removedAt: instant("removed_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.provider, table.issuer, table.subject, table.userId] })],
);
