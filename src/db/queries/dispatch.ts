import type { Instant } from "../../lib/instant.ts";
import type { Statement } from "../transport.ts";

const statement = (name: string, text: string, ...params: readonly unknown[]): Statement => ({ name, text, params });

/** Leases what is due in parts of one hour profile each, and answers how many leads. */
export const claimEnrolments = (
  token: string,
  max: number,
  partMax: number,
  leaseSeconds: number,
  placeSeconds: number,
): Statement =>
  statement(
    "app.claim_enrolments",
    "select app.claim_enrolments($1, $2, $3, $4, $5) as claimed",
    token,
    max,
    partMax,
    leaseSeconds,
    placeSeconds,
  );

/** What `record` commits of one decision. Columns, not rows: a batch of 500 is one parameter a column. JSON is in one line. */
export interface RecordItem {
  readonly enrolmentId: string | null;
  readonly leasePart: number;
  readonly decisionId: string;
  readonly attemptId: string;
  readonly campaignId: string;
  readonly leadId: string;
  readonly personId: string;
  readonly personVersion: number;
  readonly connectionId: string;
  readonly verdict: string;
  readonly outcome: string;
  readonly reasonCodes: readonly string[];
  readonly nextEligibleAt: string | null;
  readonly validUntil: string | null;
  /** JSON text: `null` where there is none. */
  readonly fix: string;
  readonly results: string;
  readonly ownFacts: string;
  /** What it shares with others; stored once by its digest, which is in hexadecimal. */
  readonly sharedFacts: { readonly digest: string; readonly text: string };
  readonly snapshotDigest: string;
  readonly ringBy: Instant;
  readonly validBefore: string | null;
  readonly lifeSeconds: number;
  readonly backState: string;
  readonly backReason: string | null;
  readonly backDue: string | null;
  readonly auditSubject: string;
  readonly auditHead: string;
  readonly auditTail: string;
}
export interface RecordBatch {
  /** The lease's, whose parts are those that the items name; null = single leads, called now. */
  readonly token: string | null;
  readonly platformVersion: number;
  readonly orgVersion: number;
  /** The instant of the snapshots, which is earlier than the commit. */
  readonly at: string;
  /** A permit that would live shorter is not minted. */
  readonly lifeLeastSeconds: number;
  readonly items: readonly RecordItem[];
}
export interface RecordedRow {
  readonly decision_id: string;
  readonly outcome: string;
  readonly attempt_id: string | null;
  readonly slot_at: string;
  readonly expires_at: string | null;
}

const recordTypes = [
  "uuid", "bigint", "bigint", "timestamptz", "text[]", "text",
  "uuid[]", "uuid[]", "uuid[]", "uuid[]", "uuid[]", "uuid[]",
  "bigint[]", "uuid[]", "text[]", "text[]", "text[]", "timestamptz[]",
  "timestamptz[]", "text", "text", "text", "text[]", "text[]",
  "timestamptz[]", "timestamptz[]", "integer[]",
  "text[]", "text[]", "timestamptz[]",
  "text[]", "text", "text",
  "integer[]", "integer", "text",
] as const; // prettier-ignore

type JsonColumn = "fix" | "results" | "ownFacts" | "auditHead" | "auditTail";
type PlainColumn = Exclude<keyof RecordItem, JsonColumn | "reasonCodes" | "sharedFacts">;

/** An array of ids, numbers, instants, digests and codes as Postgres spells it: none of them needs quoting or escaping. */
const plainArray = (values: readonly (string | number | null)[]): string =>
  `{${values.map((value) => value ?? "NULL").join(",")}}`;

export function recordDecisions(batch: RecordBatch): Statement {
  const column = (key: PlainColumn) => plainArray(batch.items.map((item) => item[key]));
  // JSON text has no line break of its own: a column of it needs no escaping as lines, and much as an array.
  const lines = (key: JsonColumn) => batch.items.map((item) => item[key]).join("\n");
  const parts = new Map(batch.items.map(({ sharedFacts }) => [sharedFacts.digest, sharedFacts.text]));
  const params: unknown[] = [
    batch.token,
    batch.platformVersion,
    batch.orgVersion,
    batch.at,
    plainArray([...parts.keys()]),
    [...parts.values()].join("\n"),
    column("enrolmentId"),
    column("decisionId"),
    column("attemptId"),
    column("campaignId"),
    column("leadId"),
    column("personId"),
    column("personVersion"),
    column("connectionId"),
    column("verdict"),
    column("outcome"),
    batch.items.map((item) => item.reasonCodes.join(",")),
    column("nextEligibleAt"),
    column("validUntil"),
    lines("fix"),
    lines("results"),
    lines("ownFacts"),
    plainArray(batch.items.map((item) => item.sharedFacts.digest)),
    column("snapshotDigest"),
    column("ringBy"),
    column("validBefore"),
    column("lifeSeconds"),
    column("backState"),
    column("backReason"),
    column("backDue"),
    column("auditSubject"),
    lines("auditHead"),
    lines("auditTail"),
    plainArray([...new Set(batch.items.map((item) => item.leasePart))]),
    batch.lifeLeastSeconds,
    batch.token === null ? "single" : "campaign",
  ];
  const list = recordTypes.map((type, index) => `$${index + 1}::${type}`).join(", ");
  return {
    name: "app.record_decisions",
    text: `select decision_id, outcome, attempt_id, slot_at, expires_at from app.record_decisions(${list})`,
    params,
  };
}

/** A permit consumed, with what the one call needs; or the state that the attempt has instead. */
export interface ConsumedRow {
  readonly state: string;
  readonly reason: string | null;
  readonly e164: string;
  readonly from_number: string;
  readonly ring_seconds: number;
  readonly fields: Readonly<Record<string, string | null>>;
  readonly variables: readonly string[];
  readonly connection_id: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealed: unknown;
  readonly keep_recordings: boolean;
  readonly expires_in: number;
  /** With `early` alone: the connection's next call may leave in so many milliseconds. */
  readonly wait_ms: number | null;
}
export const consumePermit = (attemptId: string): Statement =>
  statement("app.consume_permit", "select * from app.consume_permit($1)", attemptId);

export const recordAnswer = (
  attemptId: string,
  answer: "accepted" | "refused" | "failed_no_call" | "unknown",
  reason: string | null,
  providerCallId: string | null,
  retryAt: string | null,
): Statement =>
  statement(
    "app.record_answer",
    "select app.record_answer($1, $2, $3, $4, $5) as state",
    attemptId,
    answer,
    reason,
    providerCallId,
    retryAt,
  );

/** A stored connection's part that reaching the vendor takes; the same columns in every row that carries one. */
export interface ReachRow {
  readonly connection_id: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealed: unknown;
}
/** What the org keeps of its calls; beside every row from which a call is settled. */
export interface KeepRow {
  readonly keep_transcripts: boolean;
  readonly keep_recordings: boolean;
}
export interface UnsettledRow extends ReachRow, KeepRow {
  readonly attempt_id: string;
  readonly state: string;
  /** A day has passed since the dial. */
  readonly overdue: boolean;
  readonly provider_call_id: string | null;
}
export const takeUnsettled = (max: number, leaseSeconds: number): Statement =>
  statement("app.take_unsettled", "select * from app.take_unsettled($1, $2)", max, leaseSeconds);

export const settleAbsent = (attemptId: string): Statement =>
  statement("app.settle_absent", "select app.settle_absent($1) as state", attemptId);
export const settleLost = (attemptId: string): Statement =>
  statement("app.settle_lost", "select app.settle_lost($1) as state", attemptId);
/** A look-up's answer could not be applied: asked again after a while, and told to someone after so many times. */
export const noteNotSettled = (attemptId: string, tellingTries: number): Statement =>
  statement("app.note_not_settled", "select app.note_not_settled($1, $2)", attemptId, tellingTries);
/** What time alone brings about: calls that have not rung, stop checks without a result, attempts that nobody settles. */
export const sweepOverdue = (): Statement => statement("app.sweep_overdue", "select app.sweep_overdue() as stopped");
export const expirePermits = (): Statement => statement("app.expire_permits", "select app.expire_permits() as expired");

export interface OutboxRow extends ReachRow {
  readonly id: string;
  readonly attempt_id: string;
  readonly provider_call_id: string | null;
  readonly tries: number;
  /** Its call has not ended, as far as anyone knows. */
  readonly alive: boolean;
}
export const takeOutbox = (max: number, leaseSeconds: number): Statement =>
  statement("app.take_outbox", "select * from app.take_outbox($1, $2)", max, leaseSeconds);

export interface InboxRow extends ReachRow, KeepRow {
  readonly id: string;
  readonly type: string;
  readonly reason: string | null;
  readonly provider_call_id: string | null;
  readonly attempt_id: string | null;
  readonly body: string | null;
  readonly report: unknown;
  readonly tries: number;
}
export const takeInbox = (max: number, leaseSeconds: number): Statement =>
  statement("app.take_inbox", "select * from app.take_inbox($1, $2)", max, leaseSeconds);

export interface ReportParams {
  readonly connectionId: string;
  readonly attemptId: string | null;
  readonly providerCallId: string;
  readonly status: string;
  readonly disposition: string;
  readonly providerReason: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationSeconds: number | null;
  readonly endedBy: string;
  readonly rang: boolean;
  readonly transcript: string | null;
  readonly transcriptState: "pending" | "kept" | "withheld" | "none";
  readonly recordingRef: string | null;
  readonly stopRequested: boolean;
  readonly stopSource: string;
  readonly stopSearched: boolean;
  readonly callId: string;
  readonly suppressionId: string;
}
export interface AppliedRow {
  readonly applied: "applied" | "attempt_unknown" | "second_call";
  readonly attempt_id: string | null;
  readonly attempt_state: string | null;
  readonly attempts_cancelled: number;
  readonly enrolments_closed: number;
}
export const applyReport = (report: ReportParams): Statement =>
  statement(
    "app.apply_report",
    "select * from app.apply_report($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16, $17, $18, $19)",
    report.connectionId, report.attemptId, report.providerCallId, report.status, report.disposition, report.providerReason,
    report.startedAt, report.endedAt, report.durationSeconds, report.endedBy, report.rang, report.transcript,
    report.transcriptState, report.recordingRef, report.stopRequested, report.stopSource, report.stopSearched, report.callId, report.suppressionId,
  ); // prettier-ignore
