import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";
import { type FactsSource, picked } from "./facts-source.ts";

/**
 * Everything that deciding these leads takes, to be sent in one request and in this order: versions before any fact, so
 * that a change that commits in between moves a version and `record` sees it. Sets of flat rows, one for each kind of
 * fact, because aggregating them per lead in SQL costs five times as much as reading them.
 */
export const readDialFacts = (source: FactsSource): readonly Statement[] => [
  readVersions(source),
  readLeads(source),
  readConsentEvents(source),
  readSuppressions(source),
  readScrubs(source),
  readAttempts(source),
  readCampaignFacts(source),
];

export interface VersionsRow {
  readonly person_id: string;
  readonly person_version: number;
  readonly org_version: number;
  readonly platform_version: number;
}
function readVersions(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.versions",
    text: `with picked as (${text})
      select p.id as person_id, p.facts_version as person_version,
        (select o.facts_version from org_facts o where ${inOrg("o")}) as org_version,
        (select f.facts_version from platform_facts f where f.id = 1) as platform_version
      from picked k join persons p on ${inOrg("p")} and p.id = k.person_id`,
    params,
  };
}

export interface LeadRow {
  readonly enrolment_id: string | null;
  /** The part of the claim's lease that names it; 0 where there is no lease. */
  readonly lease_part: number;
  readonly lead_id: string;
  readonly person_id: string;
  readonly campaign_id: string;
  readonly e164: string;
  readonly state: string | null;
  readonly zip: string | null;
  readonly callback_at: string | null;
  readonly stop_check: "clear" | "pending" | "missing";
  readonly stop_check_since: string | null;
  readonly protected_id: string | null;
  readonly protected_kind: string | null;
}

function readLeads(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.leads",
    text: `with picked as (${text}),
      protected as materialized (
        select distinct on (h.person_id) h.person_id, f.id, f.kind from (
            select q.id as person_id, q.e164_hmac from picked k join persons q on ${inOrg("q")} and q.id = k.person_id
            union all
            select a.person_id, a.e164_hmac from picked k join person_aliases a on ${inOrg("a")} and a.person_id = k.person_id) h
          join protected_lines f on f.e164_hmac = h.e164_hmac order by h.person_id, f.id)
      select k.enrolment_id, k.lease_part, k.lead_id, l.person_id, k.campaign_id, l.e164, l.state, l.zip, l.callback_at, p.stop_check, p.stop_check_since,
        f.id as protected_id, f.kind as protected_kind
      from picked k
      join leads l on ${inOrg("l")} and l.id = k.lead_id
      join persons p on ${inOrg("p")} and p.id = l.person_id
      left join protected f on f.person_id = p.id
      order by k.lease_part, k.lead_id`,
    params,
  };
}

/** Of each kind of fact the newest are read: what is cut never hides a fact of another kind. */
export const rowsPerKindMax = 200;

export interface ConsentEventRow {
  readonly person_id: string;
  readonly id: string;
  readonly kind: "grant" | "revocation" | "lift" | "relationship";
  readonly recorded_at: string;
  readonly digest: string;
  readonly body: Record<string, unknown>;
  /** How many of its kind the person has; more than are read is a fact of its own. */
  readonly of_kind: number;
}
/**
 * The newest of each kind. A grant, a lift or a relationship that is not read proves nothing and lifts nothing; that
 * revocations were not read counts as one that stands (gates.md, promise 2).
 */
const newestConsentEvents = (persons: string): string => `
  select n.person_id, n.id, n.kind, n.recorded_at, encode(n.digest, 'hex') as digest, n.body, n.of_kind
  from (select c.*, row_number() over newest as place, (count(*) over (partition by c.person_id, c.kind))::integer as of_kind
    from (${persons}) k
    join consent_events c on ${inOrg("c")} and c.person_id = k.person_id
    window newest as (partition by c.person_id, c.kind order by c.recorded_at desc, c.id desc)) n
  where n.place <= ${rowsPerKindMax} order by n.person_id, n.recorded_at, n.id`;

function readConsentEvents(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.consent_events",
    text: `with picked as (${text}) ${newestConsentEvents("select distinct k.person_id from picked k")}`,
    params,
  };
}

/** These persons', as a dial reads them. */
export const consentEventsOf = (personIds: readonly string[]): Statement => ({
  name: "consent_events.of_persons",
  text: newestConsentEvents("select unnest($1::uuid[]) as person_id"),
  params: [personIds],
});

export interface SuppressionRow {
  readonly person_id: string;
  readonly id: string;
  readonly source: string;
  readonly recorded_at: string;
  readonly by_org: boolean;
}
/**
 * The newest that the person asked for and the newest that the org entered, apart. Nothing is hidden by what is cut: a
 * lift that ends the newest of a kind came after each older one of that kind, and ends it too.
 */
function readSuppressions(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.suppressions",
    text: `with picked as (${text})
      select n.person_id, n.id, n.source, n.recorded_at, n.by_org
      from (select s.*, row_number() over (partition by s.person_id, s.by_org order by s.recorded_at desc, s.id desc) as place
        from (select distinct k.person_id from picked k) k
        join suppressions s on ${inOrg("s")} and s.person_id = k.person_id) n
      where n.place <= ${suppressionsPerKindMax} order by n.person_id, n.recorded_at, n.id`,
    params,
  };
}
const suppressionsPerKindMax = 100;

export interface ScrubRow {
  readonly person_id: string;
  readonly list: string;
  readonly kind: "do_not_call" | "litigator" | "line_type";
  readonly result: "clear" | "listed" | "unknown";
  readonly scrubbed_at: string;
  readonly list_version_at: string | null;
  readonly connection_id: string;
  /** A listing, on a list that binds, that no later answer has ended. */
  readonly stands: boolean;
}
/**
 * Each list's newest answer; of several in the same second one of each result, so that the gate sees the stricter, and of
 * equal results the one with the oldest date. Beside them a listing that still stands, as the gate judges it again: no
 * later clear answer is of a list at least as new. Instants are whole seconds, as the gate compares them.
 */
function readScrubs(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.scrubs",
    text: `with picked as (${text}),
      said as (
        select s.*, date_trunc('second', s.scrubbed_at) as at, date_trunc('second', s.list_version_at) as version,
          case when s.list_version_at is null then (select date_trunc('second', s.scrubbed_at) - make_interval(secs => 86400 * a.days) from (
              select (c.config->>'attested_list_age_days')::double precision as days from connections c
                where ${inOrg("c")} and c.id = s.connection_id and c.status <> 'disabled') a)
            when s.list_version_at <= s.scrubbed_at then date_trunc('second', s.list_version_at) end as clears_to
        from (select distinct k.person_id from picked k) k
        join scrubs s on ${inOrg("s")} and s.person_id = k.person_id),
      judged as (
        select d.*, max(d.at) over (partition by d.person_id, d.list) as newest_at,
          d.result = 'listed' and d.kind <> 'line_type'
            and coalesce(max(d.clears_to) filter (where d.result = 'clear') over later < coalesce(d.version, d.at), true)
            and not (d.version is null and coalesce(max(d.at) filter (where d.result = 'clear' and d.version is null)
              over (partition by d.person_id, d.list, d.connection_id) > d.at, false)) as stands
        from said d
        window later as (partition by d.person_id, d.list order by d.at desc groups between unbounded preceding and 1 preceding))
      select distinct on (n.person_id, n.list, n.result) n.person_id, n.list, n.kind, n.result, n.scrubbed_at, n.list_version_at, n.connection_id, n.stands
      from judged n where n.at = n.newest_at or n.stands
      order by n.person_id, n.list, n.result, n.at desc, n.list_version_at nulls first, n.id desc`,
    params,
  };
}

export interface AttemptRow {
  readonly person_id: string;
  readonly lead_id: string;
  readonly id: string;
  readonly minted_at: string;
  readonly answered_by_person: boolean;
  readonly ended_at: string | null;
  readonly ended_by: string;
  /** Its person is in a call, or about to be. */
  readonly live: boolean;
  /** Young enough for some rule's rolling window. */
  readonly recent: boolean;
}
/** Longer than every window that a law has: Regulation F looks eight days back, the states one. */
const attemptDays = 31;
/** More than one lead's retry budget can be (100), and a person has one lead. */
const attemptsPerPersonMax = 200;
/**
 * Those that count; one that lives always does. Young ones reach as far back as the longest window that the org has set. A
 * provider's second call of an attempt had no permit and counts beside it, at its own time or when it was first heard of;
 * an org has next to none, so they are read by themselves, through their own index.
 */
function readAttempts(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.attempts",
    text: `with picked as (${text}),
      reach as (select app.now() - greatest(interval '${attemptDays} days', make_interval(secs => y.recall_gap_seconds),
          (select make_interval(hours => max((c->>'window_hours')::integer)) from jsonb_array_elements(y.caps) c)) - interval '1 second' as back_to
        from calling_policies y where ${inOrg("y")}),
      own as (select a.* from (select distinct k.person_id from picked k) k join dial_attempts a on ${inOrg("a")} and a.person_id = k.person_id),
      seconds as materialized (
        select c.attempt_id, c.id, least(coalesce(c.started_at, c.ended_at), c.created_at) as at, app.heard(c) as heard, c.ended_at, c.ended_by
          from calls c where ${inOrg("c")} and c.second),
      made as (
        select a.person_id, a.lead_id, a.id, a.minted_at, a.answered_by_person, a.ended_at, a.ended_by, a.state in ${live} as live
          from own a where a.counts
        union all
        select a.person_id, a.lead_id, c.id, c.at, c.heard, c.ended_at, c.ended_by, false from own a join seconds c on c.attempt_id = a.id)
      select n.person_id, n.lead_id, n.id, n.minted_at, n.answered_by_person, n.ended_at, n.ended_by, n.live, n.minted_at >= r.back_to as recent
      from reach r cross join (select m.*, row_number() over (partition by m.person_id order by m.minted_at desc, m.id desc) as place from made m) n
      where n.place <= ${attemptsPerPersonMax} order by n.person_id, n.place desc`,
    params,
  };
}

const live = "('permitted', 'dialing', 'unknown', 'placed', 'in_progress')";

/** What the leads of one campaign share. */
export interface CampaignFactsRow {
  readonly campaign_id: string;
  readonly campaign_status: string;
  readonly purpose: "marketing" | "mixed" | "informational" | "undeclared";
  readonly debt_collection: boolean;
  readonly calling_window: Record<string, { from: string; to: string }> | null;
  readonly campaign_max_concurrency: number;
  readonly seller_id: string;
  readonly registered_name: string;
  readonly trade_names: readonly string[];
  readonly connection_id: string;
  readonly connection_status: string;
  readonly provider_max_concurrency: number;
  readonly token_free: boolean;
  /** Pepper versions that are in use and that this worker does not hold. */
  readonly lost_peppers: readonly string[];
  /** A protected line stands under some pepper versions and not under others. */
  readonly lines_lacking: boolean;
  /** The org's suppression list can be read with this worker's peppers. */
  readonly canary_found: boolean;
  readonly queue_delay_seconds: number;
  readonly policy: {
    readonly written_consent_over_national: boolean;
    readonly added_lists: readonly string[];
    readonly consent_max_age_days: number | null;
    readonly grade_floor: "A" | "B" | "C";
    readonly caps: readonly { max: number; window_hours: number }[];
    readonly attempts_max: number;
    readonly recall_gap_seconds: number;
    readonly max_concurrency: number;
  };
  readonly halts: readonly {
    id: string;
    reason: string;
    since: string;
    until: string | null;
    states: readonly string[] | null;
    zips: readonly string[] | null;
    by: string;
    note: string;
  }[];
  readonly dnc_connections: readonly {
    id: string;
    status: string;
    covers: readonly string[];
    attested_list_age_days: number | null;
  }[];
  readonly dnc_disconnected: readonly string[];
  readonly dnc_ever_connected: boolean;
  readonly acknowledgement: { id: string; lists: readonly string[]; made_at: string } | null;
  readonly positions: readonly { rule_id: string; counsel: string; document_digest: string; from: string; until: string }[];
  readonly org_live: number;
  readonly campaign_live: number;
  readonly provider_live: number;
}

/** Far more than there are rules to lift; one that is not read lifts nothing. */
const positionsMax = 200;

/** Live counts leave out what this claim itself has leased: that room is reserved. */
function readCampaignFacts(source: FactsSource): Statement {
  const claimed = source.kind === "claimed";
  const taken = (where: string) => `(select coalesce(sum(t.n), 0) from taken t where ${where})`;
  return {
    name: "facts.campaigns",
    text: `with taken as (
        select a.connection_id, a.campaign_id, count(*) as n from dial_attempts a
          where ${inOrg("a")} and a.state in ${live} group by a.connection_id, a.campaign_id
        union all
        select k.connection_id, k.campaign_id, cardinality(k.enrolment_ids) from leases k
          where ${inOrg("k")} ${claimed ? "and k.token <> $1::uuid" : ""})
      select m.id as campaign_id, m.status as campaign_status, m.purpose, m.debt_collection, m.calling_window,
        m.max_concurrency as campaign_max_concurrency, s.id as seller_id, s.registered_name, s.trade_names,
        c.id as connection_id, c.status as connection_status, c.max_concurrency as provider_max_concurrency,
        ${claimed ? "true" : "c.next_slot_at <= clock_timestamp()"} as token_free, c.queue_delay_seconds,
        keys.lost_peppers, keys.canary_found, keys.lines_lacking,
        (select to_json(y) from calling_policies y where ${inOrg("y")}) as policy,
        (select coalesce(json_agg(h order by h.reason, h.id), '[]') from (
          select h.id::text, h.reason, app.rfc3339(h.since) as since, null::text as until,
              case when h.reason = 'state_halted' then array[h.target] end as states, null::text[] as zips, h.by, h.note
            from halts h where ${inOrg("h")} and h.ended_at is null and (
              h.reason in ('org_halted', 'state_halted') or h.target_id in (m.id, s.id, c.id) or h.target = m.from_number
              or (h.reason = 'incident_open' and h.target_id is null))
          union all
          select f.id::text, f.reason, app.rfc3339(f.since), app.rfc3339(f.until), f.states, f.zips, f.by, f.note
            from platform_halts f where f.ended_at is null) h) as halts,
        (select coalesce(json_agg(json_build_object('id', d.id, 'status', d.status, 'covers', d.config->'lists',
            'attested_list_age_days', d.config->'attested_list_age_days') order by d.id), '[]')
          from connections d where ${inOrg("d")} and d.kind = 'dnc' and d.status <> 'disabled') as dnc_connections,
        (select coalesce(json_agg(d.id order by d.id), '[]')
          from connections d where ${inOrg("d")} and d.kind = 'dnc' and d.status = 'disabled') as dnc_disconnected,
        exists (select 1 from connections d where ${inOrg("d")} and d.kind = 'dnc') as dnc_ever_connected,
        (select json_build_object('id', k.id, 'lists', k.lists, 'made_at', app.rfc3339(k.made_at))
          from dnc_acknowledgements k where ${inOrg("k")} order by k.made_at desc, k.id desc limit 1) as acknowledgement,
        (select coalesce(json_agg(json_build_object('rule_id', x.rule_id, 'counsel', x.counsel, 'document_digest', encode(x.document_sha256, 'hex'),
            'from', app.rfc3339(x.dated_at), 'until', app.rfc3339(x.until_at)) order by x.rule_id, x.id), '[]')
          from (select p.* from counsel_positions p where ${inOrg("p")} and p.until_at > app.now()
            order by p.recorded_at desc, p.id desc limit ${positionsMax}) x) as positions,
        ${taken("true")} as org_live, ${taken("t.campaign_id = m.id")} as campaign_live, ${taken("t.connection_id = c.id")} as provider_live
      from campaigns m
      join sellers s on ${inOrg("s")} and s.id = m.seller_id
      join connections c on ${inOrg("c")} and c.id = m.connection_id
      cross join (select app.lost_peppers()::text[] as lost_peppers, app.canary_found() as canary_found,
        exists (select 1 from pepper_versions v where v.lacks_lines) as lines_lacking) keys
      where ${inOrg("m")} and ${claimed ? `m.id in (select k.campaign_id from leases k where ${inOrg("k")} and k.token = $1)` : "m.id = $1::uuid"}`,
    params: [claimed ? source.token : source.campaignId],
  };
}
