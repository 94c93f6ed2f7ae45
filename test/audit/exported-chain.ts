/** A chain as `GET /v1/audit` serves it, read from the database as the app role reads it. */
import type pg from "pg";
import type { AuditEntry } from "../../src/lib/audit-chain.ts";

export async function exportedChain(client: pg.ClientBase | pg.Pool): Promise<AuditEntry[]> {
  const { rows } = await client.query<AuditEntry & { seq: string; at_us: string }>(`
    select 'audit_entry' as object, e.seq, e.event_type as type,
      to_char(to_timestamp(0) at time zone 'UTC' + e.at_us * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, e.at_us,
      encode(e.payload_commit, 'hex') as payload_commit, encode(e.prev, 'hex') as previous_hash, encode(e.entry_hash, 'hex') as entry_hash,
      p.subject_text as subject, encode(p.salt_subject, 'hex') as salt_subject, encode(p.subject_digest, 'hex') as subject_digest,
      p.facts_text as facts, encode(p.salt_facts, 'hex') as salt_facts, encode(p.facts_digest, 'hex') as facts_digest
    from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq
    where e.org_id = (select app.org()) order by e.seq`);
  return rows.map((row) => ({ ...row, seq: Number(row.seq), at_us: Number(row.at_us) }));
}
