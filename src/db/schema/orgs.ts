import { bigint, boolean, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant } from "./columns.ts";

export const orgs = pgTable(
  "orgs",
  {
    orgId: uuid("org_id").notNull(),
    name: text("name").notNull(),
    livemode: boolean("livemode").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId] })],
);

export const orgFacts = pgTable(
  "org_facts",
  {
    orgId: uuid("org_id").notNull(),
    factsVersion: bigint("facts_version", { mode: "number" }).notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId] })],
);

export const testClocks = pgTable(
  "test_clocks",
  {
    orgId: uuid("org_id").notNull(),
    now: instant("now").notNull(),
    target: instant("target"),
    status: text("status", { enum: ["ready", "advancing", "failed"] }).notNull(),
    statusReason: text("status_reason"),
    leaseUntil: instant("lease_until"),
  },
  (table) => [primaryKey({ columns: [table.orgId] })],
);

export const apiKeys = pgTable(
  "api_keys",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    name: text("name").notNull(),
    secretHash: bytes("secret_hash").notNull(),
    scopes: text("scopes").array().notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    lastUsedAt: instant("last_used_at"),
    rotatedFrom: uuid("rotated_from"),
    successorId: uuid("successor_id"),
    firstKeyId: uuid("first_key_id"),
    madeBy: uuid("made_by"),
    sponsorId: uuid("sponsor_id"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    orgId: uuid("org_id").notNull(),
    principalId: uuid("principal_id").notNull(),
    key: text("key").notNull(),
    fingerprint: bytes("fingerprint").notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    status: integer("status"),
    headers: jsonb("headers"),
    body: text("body"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.principalId, table.key] })],
);

export const callingPolicies = pgTable(
  "calling_policies",
  {
    orgId: uuid("org_id").notNull(),
    writtenConsentOverNational: boolean("written_consent_over_national").notNull().default(databaseDefault),
    addedLists: text("added_lists").array().notNull().default(databaseDefault),
    consentMaxAgeDays: integer("consent_max_age_days"),
    gradeFloor: text("grade_floor", { enum: ["A", "B", "C"] })
      .notNull()
      .default(databaseDefault),
    caps: jsonb("caps").notNull().default(databaseDefault),
    attemptsMax: integer("attempts_max").notNull().default(databaseDefault),
    recallGapSeconds: integer("recall_gap_seconds").notNull().default(databaseDefault),
    maxConcurrency: integer("max_concurrency").notNull().default(databaseDefault),
    keepTranscripts: boolean("keep_transcripts").notNull().default(databaseDefault),
    keepRecordings: boolean("keep_recordings").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId] })],
);

export const dncAcknowledgements = pgTable(
  "dnc_acknowledgements",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    lists: text("lists").array().notNull(),
    madeAt: instant("made_at").notNull(),
    by: text("by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const counselPositions = pgTable(
  "counsel_positions",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    ruleId: text("rule_id").notNull(),
    counsel: text("counsel").notNull(),
    documentSha256: bytes("document_sha256").notNull(),
    datedAt: instant("dated_at").notNull(),
    untilAt: instant("until_at").notNull(),
    recordedAt: instant("recorded_at").notNull(),
    by: text("by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
