import { pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

export const credentialNetworks = pgTable(
  "credential_networks",
  {
    orgId: uuid("org_id").notNull(),
    credentialId: uuid("credential_id").notNull(),
    network: text("network").notNull(),
    firstSeenAt: instant("first_seen_at").notNull(),
    toldAt: instant("told_at"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.credentialId, table.network] })],
);
