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
  /** Who acted, or under which support grant: as it stands in the facts. */
  readonly actor: string | null;
  /** Microseconds since 1970: not before it, and before it. */
  readonly fromUs: number | null;
  readonly untilUs: number | null;
}

/** No index knows types and actors: one request looks at so many entries and no more. */
export const lookedAtMax = 10_000;

/**
 * The org's chain, oldest first: an auditor reads forward from what he has. Of a type or an actor, those among what one request
 * looks at.
 */
export function auditEntries(afterSeq: number, limit: number, filter: AuditFilter): Statement {
  const looks = filter.type === null && filter.actor === null ? limit : lookedAtMax;
  return {
    name: "audit.entries",
    text: `with recursive ${looked(filter)}
      select e.org_id, e.seq, e.event_type, e.at_us, encode(e.payload_commit, 'hex') as payload_commit, encode(e.prev, 'hex') as prev,
        encode(e.entry_hash, 'hex') as entry_hash, encode(p.salt_subject, 'hex') as salt_subject, p.subject_text,
        encode(p.subject_digest, 'hex') as subject_digest, encode(p.salt_facts, 'hex') as salt_facts, p.facts_text,
        encode(p.facts_digest, 'hex') as facts_digest
      from looked k
      join audit.entry e on ${inOrg("e")} and e.seq = k.seq
      join audit.payload p on ${inOrg("p")} and p.seq = k.seq
      where ($6::text is null or starts_with(e.event_type, $6))
        and ($7::text is null or $7 in (p.facts_text::jsonb -> 'actor' ->> 'id', p.facts_text::jsonb -> 'actor' ->> 'grant'))
      order by e.seq limit $8`,
    params: [...lookedParams(afterSeq, looks, filter), filter.type, filter.actor, limit],
  };
}

/** How many entries such a request looked at, and which was the last. */
export const auditLookedAt = (afterSeq: number, filter: AuditFilter): Statement => ({
  name: "audit.looked_at",
  text: `with recursive ${looked(filter)} select count(*)::integer as entries, max(k.seq) as seq from looked k`,
  params: lookedParams(afterSeq, lookedAtMax, filter),
});

const lookedParams = (afterSeq: number, max: number, { subject, fromUs, untilUs }: AuditFilter) => [
  afterSeq,
  max,
  subject,
  fromUs,
  untilUs,
];
/** A subject that was purged is nobody's any more. */
function looked({ subject }: AuditFilter): string {
  const found = (of: string) => `(select max(b.low) from ${of} b where b.low = b.high)`;
  const between = `x.seq > greatest($1, ${found("before_from")}) and x.seq <= ${found("before_until")}`;
  const entries =
    subject === null
      ? `select x.seq from audit.entry x where ${inOrg("x")} and ${between} and $3::text is null order by x.seq limit $2`
      : `select x.seq from audit.payload x where ${inOrg("x")} and ${between} and x.subject_text = $3 order by x.seq limit $2`;
  return `before_from(low, high) as (${lastBefore("before_from", "$4", "0::bigint")}),
    before_until(low, high) as (${lastBefore("before_until", "$5", "h.seq")}),
    looked as (${entries})`;
}

/**
 * The last entry before an instant, found by halves: times rise with the numbers, which have no gap, and no index knows times.
 * @param otherwise where no instant is given
 */
const lastBefore = (name: string, us: string, otherwise: string): string => `
  select case when ${us}::bigint is null then ${otherwise} else 0::bigint end, case when ${us}::bigint is null then ${otherwise} else h.seq end
    from audit.head h where ${inOrg("h")}
  union all
  select case when m.at_us < ${us}::bigint then m.seq else b.low end, case when m.at_us < ${us}::bigint then b.high else m.seq - 1 end
    from ${name} b join audit.entry m on ${inOrg("m")} and m.seq = (b.low + b.high + 1) / 2 where b.low < b.high`;

export function auditHead(): Statement {
  return {
    name: "audit.head",
    text: `select h.seq, encode(h.head, 'hex') as head from audit.head h where ${inOrg("h")}`,
    params: [],
  };
}
