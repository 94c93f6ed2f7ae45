import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface AuditRow {
  readonly org_id: string;
  readonly seq: number;
  readonly event_type: string;
  readonly at_us: number;
  readonly payload_commit: string;
  readonly prev: string;
  readonly entry_hash: string;
  readonly salt_subject: string | null;
  readonly subject_text: string | null;
  readonly subject_digest: string | null;
  readonly salt_facts: string | null;
  readonly facts_text: string | null;
  readonly facts_digest: string | null;
}

/** The org's chain, oldest first: an auditor reads forward from what he has. */
export function auditEntries(afterSeq: number, limit: number): Statement {
  return {
    name: "audit.entries",
    text: `select e.org_id, e.seq, e.event_type, e.at_us, encode(e.payload_commit, 'hex') as payload_commit, encode(e.prev, 'hex') as prev,
        encode(e.entry_hash, 'hex') as entry_hash, encode(p.salt_subject, 'hex') as salt_subject, p.subject_text,
        encode(p.subject_digest, 'hex') as subject_digest, encode(p.salt_facts, 'hex') as salt_facts, p.facts_text,
        encode(p.facts_digest, 'hex') as facts_digest
      from audit.entry e join audit.payload p on ${inOrg("p")} and p.seq = e.seq
      where ${inOrg("e")} and e.seq > $1 order by e.seq limit $2`,
    params: [afterSeq, limit],
  };
}

export function auditHead(): Statement {
  return {
    name: "audit.head",
    text: `select h.seq, encode(h.head, 'hex') as head from audit.head h where ${inOrg("h")}`,
    params: [],
  };
}
