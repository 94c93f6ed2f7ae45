import { boolean, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant } from "./columns.ts";

const roles = ["owner", "admin", "member", "viewer"] as const;

export const users = pgTable("users", {
  id: uuid("id").primaryKey(),
  email: text("email").notNull(),
  name: text("name"),
  createdAt: instant("created_at").notNull(),
  lastSignInAt: instant("last_sign_in_at"),
  disabledAt: instant("disabled_at"),
});

export const sessions = pgTable("sessions", {
  id: uuid("id").primaryKey(),
  userId: uuid("user_id").notNull(),
  secretHash: bytes("secret_hash").notNull(),
  previousHash: bytes("previous_hash"),
  previousUntil: instant("previous_until"),
  rotationDue: boolean("rotation_due").notNull().default(databaseDefault),
  method: text("method", { enum: ["link", "google", "microsoft", "passkey", "oidc"] }).notNull(),
  stage: text("stage", { enum: ["factor_due", "open"] }).notNull(),
  factorAt: instant("factor_at"),
  deviceId: uuid("device_id"),
  country: text("country"),
  countryUntold: boolean("country_untold").notNull().default(databaseDefault),
  userAgent: text("user_agent"),
  createdAt: instant("created_at").notNull(),
  lastSeenAt: instant("last_seen_at").notNull(),
  endsAt: instant("ends_at").notNull(),
  idleSeconds: integer("idle_seconds").notNull(),
  endedAt: instant("ended_at"),
  endedWhy: text("ended_why"),
  factorFailures: integer("factor_failures").notNull().default(databaseDefault),
  identityId: uuid("identity_id"),
});

export const operators = pgTable("operators", {
  userId: uuid("user_id").primaryKey(),
  since: instant("since").notNull(),
  until: instant("until"),
  note: text("note").notNull(),
});

export const memberships = pgTable(
  "memberships",
  {
    orgId: uuid("org_id").notNull(),
    userId: uuid("user_id").notNull(),
    role: text("role", { enum: roles }).notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.userId] })],
);

export const invitations = pgTable(
  "invitations",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    email: text("email").notNull(),
    role: text("role", { enum: roles }).notNull(),
    tokenHash: bytes("token_hash").notNull(),
    invitedBy: uuid("invited_by").notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    acceptedAt: instant("accepted_at"),
    revokedAt: instant("revoked_at"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const supportGrants = pgTable(
  "support_grants",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    operatorId: uuid("operator_id").notNull(),
    role: text("role", { enum: ["viewer", "member", "admin"] }).notNull(),
    reason: text("reason").notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    endedAt: instant("ended_at"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
