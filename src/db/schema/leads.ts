import { bigint, boolean, integer, json, jsonb, pgTable, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { bytes, databaseDefault, instant, xid8 } from "./columns.ts";

export const persons = pgTable(
  "persons",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    e164Hmac: bytes("e164_hmac").notNull(),
    pepperVersion: smallint("pepper_version").notNull(),
    factsVersion: bigint("facts_version", { mode: "number" }).notNull().default(databaseDefault),
    stopCheck: text("stop_check", { enum: ["clear", "pending", "missing"] })
      .notNull()
      .default(databaseDefault),
    stopCheckSince: instant("stop_check_since"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const personAliases = pgTable(
  "person_aliases",
  {
    orgId: uuid("org_id").notNull(),
    e164Hmac: bytes("e164_hmac").notNull(),
    personId: uuid("person_id").notNull(),
    pepperVersion: smallint("pepper_version").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.e164Hmac] })],
);

export const imports = pgTable(
  "imports",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    sellerId: uuid("seller_id").notNull(),
    fileName: text("file_name").notNull(),
    fileKey: text("file_key").notNull(),
    fileSha256: bytes("file_sha256"),
    bytesTotal: bigint("bytes_total", { mode: "number" }).notNull().default(databaseDefault),
    bytesDone: bigint("bytes_done", { mode: "number" }).notNull().default(databaseDefault),
    linesDone: bigint("lines_done", { mode: "number" }).notNull().default(databaseDefault),
    rowsDone: bigint("rows_done", { mode: "number" }).notNull().default(databaseDefault),
    chunksDone: integer("chunks_done").notNull().default(databaseDefault),
    columns: jsonb("columns").notNull(),
    attestation: jsonb("attestation").notNull(),
    status: text("status", {
      enum: ["awaiting_file", "queued", "running", "succeeded", "failed", "cancelled"],
    }).notNull(),
    statusReason: text("status_reason"),
    statusDetail: text("status_detail"),
    accepted: bigint("accepted", { mode: "number" }).notNull().default(databaseDefault),
    eligible: bigint("eligible", { mode: "number" }).notNull().default(databaseDefault),
    rejected: jsonb("rejected").notNull().default(databaseDefault),
    ineligible: jsonb("ineligible").notNull().default(databaseDefault),
    statesDiffer: bigint("states_differ", { mode: "number" }).notNull().default(databaseDefault),
    timezoneUnknown: bigint("timezone_unknown", { mode: "number" }).notNull().default(databaseDefault),
    header: jsonb("header"),
    leaseUntil: instant("lease_until"),
    createdAt: instant("created_at").notNull(),
    arrivedAt: instant("arrived_at"),
    finishedAt: instant("finished_at"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const importRejects = pgTable(
  "import_rejects",
  {
    orgId: uuid("org_id").notNull(),
    importId: uuid("import_id").notNull(),
    line: bigint("line", { mode: "number" }).notNull(),
    code: text("code").notNull(),
    detail: text("detail").notNull(),
    raw: text("raw").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.importId, table.line] })],
);

export const leads = pgTable(
  "leads",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    personId: uuid("person_id").notNull(),
    importId: uuid("import_id"),
    line: bigint("line", { mode: "number" }),
    externalId: text("external_id"),
    e164: text("e164").notNull(),
    firstName: text("first_name"),
    lastName: text("last_name"),
    email: text("email"),
    city: text("city"),
    state: text("state"),
    zip: text("zip"),
    source: text("source"),
    notes: text("notes"),
    candidateStates: text("candidate_states").notNull(),
    status: text("status", { enum: ["eligible", "ineligible"] }).notNull(),
    ineligibleReason: text("ineligible_reason"),
    callbackAt: instant("callback_at"),
    scrubDueAt: instant("scrub_due_at").notNull().default(databaseDefault),
    createdAt: instant("created_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const consentEvents = pgTable(
  "consent_events",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    personId: uuid("person_id").notNull(),
    kind: text("kind", { enum: ["grant", "revocation", "lift", "relationship"] }).notNull(),
    recordedAt: instant("recorded_at").notNull(),
    digest: bytes("digest").notNull(),
    body: json("body").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const suppressions = pgTable(
  "suppressions",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    personId: uuid("person_id").notNull(),
    source: text("source").notNull(),
    byOrg: boolean("by_org").notNull(),
    recordedAt: instant("recorded_at").notNull(),
    note: text("note"),
    attemptId: uuid("attempt_id"),
    recordedXid: xid8("recorded_xid").notNull().default(databaseDefault),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const scrubs = pgTable(
  "scrubs",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    personId: uuid("person_id").notNull(),
    list: text("list").notNull(),
    kind: text("kind", { enum: ["do_not_call", "litigator", "line_type"] }).notNull(),
    result: text("result", { enum: ["clear", "listed", "unknown"] }).notNull(),
    listVersionAt: instant("list_version_at"),
    scrubbedAt: instant("scrubbed_at").notNull(),
    connectionId: uuid("connection_id").notNull(),
    runId: uuid("run_id").notNull(),
    responseDigest: bytes("response_digest"),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);

export const stopCheckJudgements = pgTable(
  "stop_check_judgements",
  {
    orgId: uuid("org_id").notNull(),
    id: uuid("id").notNull(),
    personId: uuid("person_id").notNull(),
    verdict: text("verdict", { enum: ["clear", "stop"] }).notNull(),
    judgedBy: text("judged_by").notNull(),
    reason: text("reason").notNull(),
    judgedAt: instant("judged_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orgId, table.id] })],
);
