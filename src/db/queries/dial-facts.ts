import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Whose facts: what a claim has just leased, or named leads of a campaign. */
export type FactsSource =
  | { readonly kind: "claimed"; readonly token: string }
  | { readonly kind: "leads"; readonly campaignId: string; readonly leadIds: readonly string[] };

/** The leads of a source, as `lead_id`, `person_id`, `campaign_id` and the enrolment that holds them. */
function picked(source: FactsSource): { text: string; params: unknown[] } {
  if (source.kind === "claimed") {
    return {
      text: `select x.enrolment_id, x.lead_id, k.campaign_id, x.person_id
        from leases k cross join unnest(k.enrolment_ids, k.lead_ids, k.person_ids) as x(enrolment_id, lead_id, person_id)
        where ${inOrg("k")} and k.token = $1`,
      params: [source.token],
    };
  }
  return {
    text: `select null::uuid as enrolment_id, l.id as lead_id, $1::uuid as campaign_id, l.person_id from leads l
      where ${inOrg("l")} and l.id = any ($2::uuid[])`,
    params: [source.campaignId, source.leadIds],
  };
}

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
      select k.enrolment_id, k.lead_id, l.person_id, k.campaign_id, l.e164, l.state, l.zip, l.callback_at, p.stop_check, p.stop_check_since,
        f.id as protected_id, f.kind as protected_kind
      from picked k
      join leads l on ${inOrg("l")} and l.id = k.lead_id
      join persons p on ${inOrg("p")} and p.id = l.person_id
      left join protected f on f.person_id = p.id
      order by k.lead_id`,
    params,
  };
}

/** More than anyone may be called, or than says anything new; the newest are read. */
const rowsPerPersonMax = 200;

export interface ConsentEventRow {
  readonly person_id: string;
  readonly id: string;
  readonly kind: string;
  readonly recorded_at: string;
  readonly digest: string;
  readonly body: Record<string, unknown>;
}
function readConsentEvents(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.consent_events",
    text: `with picked as (${text})
      select n.person_id, n.id, n.kind, n.recorded_at, encode(n.digest, 'hex') as digest, n.body
      from (select c.*, row_number() over (partition by c.person_id order by c.recorded_at desc, c.id desc) as place
        from (select distinct k.person_id from picked k) k
        join consent_events c on ${inOrg("c")} and c.person_id = k.person_id) n
      where n.place <= ${rowsPerPersonMax} order by n.person_id, n.place desc`,
    params,
  };
}

export interface SuppressionRow {
  readonly person_id: string;
  readonly id: string;
  readonly source: string;
  readonly recorded_at: string;
  readonly by_org: boolean;
}
function readSuppressions(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.suppressions",
    text: `with picked as (${text})
      select n.person_id, n.id, n.source, n.recorded_at, n.by_org
      from (select s.*, row_number() over (partition by s.person_id order by s.recorded_at desc, s.id desc) as place
        from (select distinct k.person_id from picked k) k
        join suppressions s on ${inOrg("s")} and s.person_id = k.person_id) n
      where n.place <= ${rowsPerPersonMax} order by n.person_id, n.place desc`,
    params,
  };
}

export interface ScrubRow {
  readonly person_id: string;
  readonly list: string;
  readonly kind: "do_not_call" | "litigator" | "line_type";
  readonly result: "clear" | "listed" | "unknown";
  readonly scrubbed_at: string;
  readonly list_version_at: string | null;
  readonly connection_id: string;
  /** Listed once, and not answered clear since. */
  readonly once_listed: boolean;
}
/** Each list's newest answer. */
function readScrubs(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.scrubs",
    text: `with picked as (${text})
      select distinct on (n.person_id, n.list) n.person_id, n.list, n.kind, n.result, n.scrubbed_at, n.list_version_at, n.connection_id,
        n.listed_at is not null and (n.clear_at is null or n.clear_at <= n.listed_at) as once_listed
      from (select s.*,
          max(s.scrubbed_at) filter (where s.result = 'listed') over of_list as listed_at,
          max(s.scrubbed_at) filter (where s.result = 'clear') over of_list as clear_at
        from (select distinct k.person_id from picked k) k
        join scrubs s on ${inOrg("s")} and s.person_id = k.person_id
        window of_list as (partition by s.person_id, s.list)) n
      order by n.person_id, n.list, n.scrubbed_at desc, n.id desc`,
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
/** Attempts older than this many days are in no rolling window that any rule has; they count for the retry budget alone. */
const attemptDays = 31;
/** Those that count; one that lives always does. */
function readAttempts(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.attempts",
    text: `with picked as (${text})
      select n.person_id, n.lead_id, n.id, n.minted_at, n.answered_by_person, n.ended_at, n.ended_by, n.state in ${live} as live,
        n.minted_at > app.now() - interval '${attemptDays} days' as recent
      from (select a.*, row_number() over (partition by a.person_id order by a.minted_at desc, a.id desc) as place
        from (select distinct k.person_id from picked k) k
        join dial_attempts a on ${inOrg("a")} and a.person_id = k.person_id and a.counts) n
      where n.place <= ${rowsPerPersonMax} order by n.person_id, n.place desc`,
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
  readonly org_live: number;
  readonly campaign_live: number;
  readonly provider_live: number;
}

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
