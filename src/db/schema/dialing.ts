import { bigint, boolean, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant, xid8 } from "./columns.ts";

export const hourProfiles = pgTable(
  "hour_profiles",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    campaignId: uuid("campaign_id").notNull(),
    candidateStates: text("candidate_states").notNull(),
    open: boolean("open").notNull().default(databaseDefault),
    nextChangeAt: instant("next_change_at").default(databaseDefault),
    nextDueAt: instant("next_due_at").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const enrolments = pgTable(
  "enrolments",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    campaignId: uuid("campaign_id").notNull(),
    leadId: uuid("lead_id").notNull(),
    personId: uuid("person_id").notNull(),
    profileId: uuid("profile_id").notNull(),
    state: text("state", { enum: ["waiting", "held", "done"] }).notNull(),
    reason: text("reason"),
    dueAt: instant("due_at").notNull(),
    standing: jsonb("standing"),
    standingValidUntil: instant("standing_valid_until"),
    attempts: integer("attempts").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const leases = pgTable(
  "leases",
  {
    orgId: uuid("org_id").notNull(),
    token: uuid("token").notNull(),
    part: integer("part").notNull(),
    profileId: uuid("profile_id").notNull(),
    campaignId: uuid("campaign_id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    enrolmentIds: uuid("enrolment_ids").array().notNull(),
    leadIds: uuid("lead_ids").array().notNull(),
    personIds: uuid("person_ids").array().notNull(),
    slotsFrom: instant("slots_from").notNull(),
    slotsUntil: instant("slots_until").notNull(),
    leaseUntil: instant("lease_until").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.token, table.part] })],
);

export const standingMarks = pgTable(
  "standing_marks",
  {
    orgId: uuid("org_id").notNull(),
    personId: uuid("person_id").notNull(),
    markedBy: xid8("marked_by").notNull().default(databaseDefault),
    dueAt: instant("due_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.personId] })],
);

export const standingSweeps = pgTable("standing_sweeps", {
  orgId: uuid("org_id").primaryKey(),
  platformVersion: bigint("platform_version", { mode: "number" }).notNull(),
  afterPerson: uuid("after_person"),
});

export const snapshotParts = pgTable(
  "snapshot_parts",
  {
    orgId: uuid("org_id").notNull(),
    digest: bytes("digest").notNull(),
    body: text("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.digest] })],
);

export const decisions = pgTable(
  "decisions",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    kind: text("kind", { enum: ["dial", "dry_run"] }).notNull(),
    campaignId: uuid("campaign_id").notNull(),
    leadId: uuid("lead_id").notNull(),
    personId: uuid("person_id").notNull(),
    at: instant("at").notNull(),
    verdict: text("verdict", { enum: ["allow", "defer", "block"] }).notNull(),
    outcome: text("outcome", {
      enum: ["permitted", "refused", "window_closing", "person_busy", "facts_changed"],
    }).notNull(),
    reasonCodes: text("reason_codes").array().notNull(),
    nextEligibleAt: instant("next_eligible_at"),
    validUntil: instant("valid_until"),
    fix: jsonb("fix"),
    results: text("results").notNull(),
    ownFacts: text("own_facts").notNull(),
    sharedFacts: bytes("shared_facts").notNull(),
    snapshotDigest: bytes("snapshot_digest").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const dialAttempts = pgTable(
  "dial_attempts",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    kind: text("kind", { enum: ["campaign", "single"] }).notNull(),
    enrolmentId: uuid("enrolment_id"),
    campaignId: uuid("campaign_id").notNull(),
    leadId: uuid("lead_id").notNull(),
    personId: uuid("person_id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    decisionId: uuid("decision_id").notNull(),
    state: text("state", {
      enum: [
        "permitted",
        "dialing",
        "placed",
        "in_progress",
        "unknown",
        "completed",
        "failed",
        "cancelled",
        "expired",
        "refused",
        "failed_no_call",
        "not_placed",
      ],
    }).notNull(),
    reason: text("reason"),
    mintedAt: instant("minted_at").notNull(),
    ringBy: instant("ring_by").notNull(),
    endedAt: instant("ended_at"),
    slotAt: instant("slot_at").notNull(),
    leavesAt: instant("leaves_at"),
    dialingAt: instant("dialing_at"),
    settleAfter: instant("settle_after"),
    providerCallId: text("provider_call_id"),
    rang: boolean("rang").notNull().default(databaseDefault),
    stopRequestedAt: instant("stop_requested_at"),
    stopReason: text("stop_reason"),
    stopAcceptedAt: instant("stop_accepted_at"),
    counts: boolean("counts").notNull().default(databaseDefault),
    answeredByPerson: boolean("answered_by_person").notNull().default(databaseDefault),
    endedBy: text("ended_by").notNull().default(databaseDefault),
    dialedXid: xid8("dialed_xid"),
    settleFailures: integer("settle_failures").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const permits = pgTable(
  "permits",
  {
    orgId: uuid("org_id").notNull(),
    attemptId: uuid("attempt_id").notNull(),
    decisionId: uuid("decision_id").notNull(),
    platformVersion: bigint("platform_version", { mode: "number" }).notNull(),
    orgVersion: bigint("org_version", { mode: "number" }).notNull(),
    personVersion: bigint("person_version", { mode: "number" }).notNull(),
    mintedRealAt: instant("minted_real_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    validBefore: instant("valid_before").notNull(),
    consumedAt: instant("consumed_at"),
    mintedXid: xid8("minted_xid").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.attemptId] })],
);

export const calls = pgTable(
  "calls",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    attemptId: uuid("attempt_id").notNull(),
    campaignId: uuid("campaign_id").notNull(),
    leadId: uuid("lead_id").notNull(),
    connectionId: uuid("connection_id").notNull(),
    providerCallId: text("provider_call_id").notNull(),
    status: text("status").notNull(),
    disposition: text("disposition").notNull(),
    providerReason: text("provider_reason"),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
    durationSeconds: integer("duration_seconds"),
    endedBy: text("ended_by").notNull(),
    transcript: jsonb("transcript"),
    transcriptState: text("transcript_state", {
      enum: ["pending", "kept", "withheld", "none"],
    }).notNull(),
    recordingRef: text("recording_ref"),
    stopRequested: boolean("stop_requested").notNull(),
    stopSearched: boolean("stop_searched").notNull(),
    createdAt: instant("created_at").notNull(),
    stopJudged: boolean("stop_judged").notNull().default(databaseDefault),
    second: boolean("second").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
