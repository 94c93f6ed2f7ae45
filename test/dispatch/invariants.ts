/** What must hold in every store after any fault and the recovery from it. */
import { expect } from "vitest";
import { uuidOf } from "../../src/lib/ids.ts";
import { type AuditEntry, verifyChain } from "../../src/lib/audit-chain.ts";
import type { World } from "../support/world.ts";
import type { ProviderLedger } from "./provider-ledger.ts";

const live = "('permitted', 'dialing', 'unknown', 'placed', 'in_progress')";

export async function expectInvariants(world: World, ledger: ProviderLedger): Promise<void> {
  const broken = await brokenInvariants(world, ledger);
  expect(broken).toEqual([]);
}

/** Names of the invariants that do not hold, with how often. */
export async function brokenInvariants(world: World, ledger: ProviderLedger): Promise<string[]> {
  const broken: string[] = [];
  const perAttempt = Map.groupBy(ledger.posts, (post) => post.attemptId);
  for (const [, posts] of perAttempt) if (posts.length > 1) broken.push(`an attempt was posted ${posts.length} times`);
  for (const { behind } of ledger.posts)
    if (!behind.consumed || behind.verdict !== "allow" || behind.outcome !== "permitted")
      broken.push(`a post without a committed allow and a consumed permit: ${JSON.stringify(behind)}`);
  for (const [name, text] of Object.entries(stores)) {
    const [row] = await world.sql<{ n: string }>(`select count(*) as n from (${text}) broken`, [world.orgId]);
    if (Number(row?.n) > 0) broken.push(`${name}: ${row?.n}`);
  }
  // Every call that the provider has is an attempt's, by the same id.
  const known = await world.sql<{ id: string; provider_call_id: string | null }>(
    "select id, provider_call_id from dial_attempts where org_id = $1",
    [world.orgId],
  );
  for (const [attemptId, report] of ledger.calls) {
    const row = known.find(({ id }) => id === uuidOf("attempt", attemptId));
    if (row?.provider_call_id !== report.providerCallId) broken.push("a provider's call that no attempt knows");
  }
  broken.push(...(await chainFaults(world)));
  return broken;
}

/** Each selects what must not exist. */
const stores: Readonly<Record<string, string>> = {
  "persons with two live attempts": `select a.person_id from dial_attempts a where a.org_id = $1 and a.state in ${live} group by 1 having count(*) > 1`,
  "attempts that never end": `select 1 from dial_attempts a where a.org_id = $1 and a.state in ${live}`,
  "enrolments that stand still": `select 1 from enrolments e where e.org_id = $1 and ((e.state = 'held' and e.reason = 'attempt_live')
    or (e.state = 'waiting' and not isfinite(e.due_at)))`,
  "leases that nobody used up": "select 1 from leases k where k.org_id = $1",
  "waiting enrolments whose profile is due later": `select 1 from enrolments e join hour_profiles p on p.org_id = e.org_id and p.id = e.profile_id
    where e.org_id = $1 and e.state = 'waiting' and p.next_due_at > e.due_at`,
  "permits that do not fit their attempt": `select 1 from dial_attempts a left join permits p on p.org_id = a.org_id and p.attempt_id = a.id
    where a.org_id = $1 and (p.attempt_id is null or p.decision_id <> a.decision_id or (p.consumed_at is null) <> (a.state = 'permitted'))`,
  "permitted decisions without an attempt, or attempts without one": `select 1 from decisions d full join dial_attempts a on a.org_id = d.org_id and a.decision_id = d.id
    where coalesce(d.org_id, a.org_id) = $1 and ((d.outcome = 'permitted') is distinct from (a.id is not null) or (a.id is not null and d.verdict <> 'allow'))`,
  "calls dialed without dialing being committed": `select 1 from dial_attempts a where a.org_id = $1 and (a.dialed_xid is null)
    <> (a.state in ('permitted', 'expired', 'cancelled'))`,
  "calls of attempts that never left": `select 1 from calls c join dial_attempts a on a.org_id = c.org_id and a.id = c.attempt_id
    where c.org_id = $1 and a.dialed_xid is null`,
  "unused attempts that count": `select 1 from dial_attempts a where a.org_id = $1 and a.state in ('expired', 'cancelled', 'refused', 'failed_no_call') and a.counts`,
  "dialed attempts that do not count": `select 1 from dial_attempts a where a.org_id = $1 and a.state in ('completed', 'not_placed') and not a.counts`,
  "inbox rows that wait": `select 1 from webhook_inbox w where w.org_id = $1 and w.state = 'pending'`,
  "outbox rows that wait": `select 1 from outbox o where o.org_id = $1 and o.done_at is null`,
  "decisions without their audit entry": `select 1 from decisions d where d.org_id = $1 and not exists (
    select 1 from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq
      where e.org_id = d.org_id and e.event_type = 'decision.recorded' and (p.facts_text::jsonb ->> 'snapshot_digest') = encode(d.snapshot_digest, 'hex')
        and (p.facts_text::jsonb ->> 'outcome') = d.outcome)`,
  "audit entries of decisions that are not there": `select e.seq from audit.entry e where e.org_id = $1 and e.event_type = 'decision.recorded'
    offset (select count(*) from decisions d where d.org_id = $1)`,
};

async function chainFaults(world: World): Promise<string[]> {
  const rows = await world.sql<AuditEntry>(
    `select 'audit_entry' as object, e.seq::int as seq, e.event_type as type,
       to_char(to_timestamp(0) at time zone 'UTC' + e.at_us * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, e.at_us::float8 as at_us,
       encode(e.payload_commit, 'hex') as payload_commit, encode(e.prev, 'hex') as previous_hash, encode(e.entry_hash, 'hex') as entry_hash,
       p.subject_text as subject, encode(p.salt_subject, 'hex') as salt_subject, encode(p.subject_digest, 'hex') as subject_digest,
       p.facts_text as facts, encode(p.salt_facts, 'hex') as salt_facts, encode(p.facts_digest, 'hex') as facts_digest
     from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq where e.org_id = $1 order by e.seq`,
    [world.orgId],
  );
  const [head] = await world.sql<{ seq: number; hash: string }>(
    "select seq::int as seq, encode(head, 'hex') as hash from audit.head where org_id = $1",
    [world.orgId],
  );
  if (head === undefined) return ["no audit chain"];
  const report = await verifyChain(rows, { org: world.orgId, head });
  return report.faults.map((fault) => `audit chain: ${fault.kind} at ${fault.seq}`);
}
