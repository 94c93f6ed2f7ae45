import { integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { databaseDefault, instant } from "./columns.ts";

export const tokenIssuers = pgTable(
  "token_issuers",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    issuer: text("issuer").notNull(),
    alg: text("alg", { enum: ["EdDSA", "ES256", "RS256", "HS256"] }).notNull(),
    publicKey: jsonb("public_key"),
    jwksUrl: text("jwks_url"),
    sealed: jsonb("sealed"),
    subjects: text("subjects").array(),
    scopes: text("scopes").array().notNull(),
    sponsorId: uuid("sponsor_id"),
    keySetBy: uuid("key_set_by"),
    issuerSetBy: uuid("issuer_set_by"),
    subjectsSetBy: uuid("subjects_set_by"),
    version: integer("version").notNull().default(databaseDefault),
    notBefore: instant("not_before"),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    lastUsedAt: instant("last_used_at"),
    jwks: jsonb("jwks"),
    jwksFetchedAt: instant("jwks_fetched_at"),
    jwksTriedAt: instant("jwks_tried_at"),
    jwksFailure: text("jwks_failure"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
