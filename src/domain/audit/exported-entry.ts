import type { AuditRow } from "../../db/queries/audit.ts";
import type { AuditEntry } from "../../lib/audit-chain.ts";

/** An entry as the API answers it, and as `dialgate verify` reads it. */
export type ExportedEntry = AuditEntry & {
  readonly object: "audit_entry";
  readonly subject_digest: string | null;
  readonly facts_digest: string | null;
};

export const exportedEntry = (row: AuditRow): ExportedEntry => ({
  object: "audit_entry",
  seq: row.seq,
  type: row.event_type,
  at: instantOfMicroseconds(row.at_us),
  at_us: row.at_us,
  payload_commit: row.payload_commit,
  previous_hash: row.prev,
  entry_hash: row.entry_hash,
  subject: row.subject_text,
  salt_subject: row.salt_subject,
  subject_digest: row.subject_digest,
  facts: row.facts_text,
  salt_facts: row.salt_facts,
  facts_digest: row.facts_digest,
});

function instantOfMicroseconds(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000);
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}Z`;
}
