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

/** Of the org's chain. */
export interface AuditFilter {
  /** What the type begins with. */
  readonly type: string | null;
  /** A public id. */
  readonly subject: string | null;
}

/** No index knows types: one request looks at so many entries and no more. */
export const lookedAtMax = 10_000;

/** The org's chain, oldest first: an auditor reads forward from what he has. Of a type, those among what one request looks at. */
export function auditEntries(afterSeq: number, limit: number, { type, subject }: AuditFilter): Statement {
  return {
    name: "audit.entries",
    text: `with looked as (${looked(subject)})
      select e.org_id, e.seq, e.event_type, e.at_us, encode(e.payload_commit, 'hex') as payload_commit, encode(e.prev, 'hex') as prev,
        encode(e.entry_hash, 'hex') as entry_hash, encode(p.salt_subject, 'hex') as salt_subject, p.subject_text,
        encode(p.subject_digest, 'hex') as subject_digest, encode(p.salt_facts, 'hex') as salt_facts, p.facts_text,
        encode(p.facts_digest, 'hex') as facts_digest
      from looked k
      join audit.entry e on ${inOrg("e")} and e.seq = k.seq
      join audit.payload p on ${inOrg("p")} and p.seq = k.seq
      where $4::text is null or starts_with(e.event_type, $4) order by e.seq limit $5`,
    params: [afterSeq, type === null ? limit : lookedAtMax, subject, type, limit],
  };
}

/** How many entries such a request looked at, and which was the last. */
export const auditLookedAt = (afterSeq: number, { subject }: AuditFilter): Statement => ({
  name: "audit.looked_at",
  text: `with looked as (${looked(subject)}) select count(*)::integer as entries, max(k.seq) as seq from looked k`,
  params: [afterSeq, lookedAtMax, subject],
});

/** A subject that was purged is nobody's any more. */
const looked = (subject: string | null): string =>
  subject === null
    ? `select x.seq from audit.entry x where ${inOrg("x")} and x.seq > $1 and $3::text is null order by x.seq limit $2`
    : `select x.seq from audit.payload x where ${inOrg("x")} and x.seq > $1 and x.subject_text = $3 order by x.seq limit $2`;

export function auditHead(): Statement {
  return {
    name: "audit.head",
    text: `select h.seq, encode(h.head, 'hex') as head from audit.head h where ${inOrg("h")}`,
    params: [],
  };
}
