import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Whose facts: what a claim has just leased, or named leads of a campaign. */
export type FactsSource =
  | { readonly kind: "claimed"; readonly token: string }
  | { readonly kind: "leads"; readonly campaignId: string; readonly leadIds: readonly string[] };

function picked(source: FactsSource): { text: string; params: unknown[] } {
  if (source.kind === "claimed") {
    return {
      text: `select e.id as enrolment_id, e.fence, e.lead_id, e.campaign_id, e.person_id from enrolments e
        where ${inOrg("e")} and e.state = 'claimed' and e.lease_token = $1`,
      params: [source.token],
    };
  }
  return {
    text: `select null::uuid as enrolment_id, 0 as fence, l.id as lead_id, $1::uuid as campaign_id, l.person_id from leads l
      where ${inOrg("l")} and l.id = any ($2::uuid[])`,
    params: [source.campaignId, source.leadIds],
  };
}

export interface VersionsRow {
  readonly person_id: string;
  readonly person_version: number;
  readonly org_version: number;
  readonly platform_version: number;
}
/** Sent before every fact: a change that commits in between moves a version, and `record` sees it. */
export function readVersions(source: FactsSource): Statement {
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

/** One lead's own facts. Instants inside the JSON columns are already in recorded form. */
export interface LeadFactsRow {
  readonly enrolment_id: string | null;
  readonly fence: number;
  readonly lead_id: string;
  readonly person_id: string;
  readonly campaign_id: string;
  readonly e164: string;
  readonly state: string | null;
  readonly zip: string | null;
  readonly callback_at: string | null;
  readonly stop_check: "clear" | "pending" | "missing";
  readonly stop_check_since: string | null;
  readonly consent_events: readonly {
    id: string;
    kind: string;
    recorded_at: string;
    digest: string;
    body: Record<string, unknown>;
  }[];
  readonly suppressions: readonly { id: string; source: string; recorded_at: string; by_org: boolean }[];
  readonly scrubs: readonly {
    list: string;
    kind: "do_not_call" | "litigator" | "line_type";
    result: "clear" | "listed" | "unknown";
    scrubbed_at: string;
    list_version_at: string | null;
    connection_id: string;
    once_listed: boolean;
  }[];
  readonly attempts: readonly {
    id: string;
    at: string;
    answered_by_person: boolean;
    conversation_at: string | null;
    ended_by: string;
  }[];
  readonly attempts_spent: number;
  readonly person_busy: boolean;
  readonly protected_line: { readonly id: string; readonly kind: string } | null;
}

/** Attempts older than this many days are in no rolling window that any rule has. */
const attemptDays = 31;
/** More than anyone may be called; a person with as many is over every cap. */
const rowsPerPersonMax = 200;

export function readLeadFacts(source: FactsSource): Statement {
  const { text, params } = picked(source);
  return {
    name: "facts.leads",
    text: `with picked as (${text})
      select k.enrolment_id, k.fence, k.lead_id, l.person_id, k.campaign_id, l.e164, l.state, l.zip,
        app.rfc3339(l.callback_at) as callback_at, p.stop_check, app.rfc3339(p.stop_check_since) as stop_check_since,
        coalesce((select json_agg(json_build_object('id', c.id, 'kind', c.kind, 'recorded_at', app.rfc3339(c.recorded_at),
            'digest', encode(c.digest, 'hex'), 'body', c.body) order by c.recorded_at, c.id)
          from (select * from consent_events c where ${inOrg("c")} and c.person_id = l.person_id
                order by c.recorded_at desc, c.id limit ${rowsPerPersonMax}) c), '[]') as consent_events,
        coalesce((select json_agg(json_build_object('id', s.id, 'source', s.source, 'recorded_at', app.rfc3339(s.recorded_at),
            'by_org', s.by_org) order by s.recorded_at, s.id)
          from (select * from suppressions s where ${inOrg("s")} and s.person_id = l.person_id
                order by s.recorded_at desc, s.id limit ${rowsPerPersonMax}) s), '[]') as suppressions,
        coalesce((select json_agg(json_build_object('list', r.list, 'kind', r.kind, 'result', r.result,
            'scrubbed_at', app.rfc3339(r.scrubbed_at), 'list_version_at', app.rfc3339(r.list_version_at),
            'connection_id', r.connection_id, 'once_listed', r.once_listed) order by r.list)
          from (select distinct on (s.list) s.list, s.kind, s.result, s.scrubbed_at, s.list_version_at, s.connection_id,
              exists (select 1 from scrubs y where ${inOrg("y")} and y.person_id = l.person_id and y.list = s.list and y.result = 'listed'
                and not exists (select 1 from scrubs z where ${inOrg("z")} and z.person_id = l.person_id and z.list = s.list
                  and z.result = 'clear' and z.scrubbed_at > y.scrubbed_at)) as once_listed
            from scrubs s where ${inOrg("s")} and s.person_id = l.person_id
            order by s.list, s.scrubbed_at desc, s.id desc) r), '[]') as scrubs,
        coalesce((select json_agg(json_build_object('id', a.id, 'at', app.rfc3339(a.minted_at), 'answered_by_person', a.answered_by_person,
            'conversation_at', case when a.answered_by_person then app.rfc3339(coalesce(a.ended_at, a.minted_at)) end,
            'ended_by', a.ended_by) order by a.minted_at, a.id)
          from (select * from dial_attempts a where ${inOrg("a")} and a.person_id = l.person_id and a.counts
                  and a.minted_at > app.now() - interval '${attemptDays} days'
                order by a.minted_at desc, a.id limit ${rowsPerPersonMax}) a), '[]') as attempts,
        (select count(*)::integer from dial_attempts a where ${inOrg("a")} and a.lead_id = l.id and a.counts) as attempts_spent,
        exists (select 1 from dial_attempts a where ${inOrg("a")} and a.person_id = l.person_id
          and a.state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress')) as person_busy,
        (select json_build_object('id', f.id, 'kind', f.kind) from protected_lines f where f.e164_hmac = p.e164_hmac) as protected_line
      from picked k
      join leads l on ${inOrg("l")} and l.id = k.lead_id
      join persons p on ${inOrg("p")} and p.id = l.person_id
      order by k.lead_id`,
    params,
  };
}

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
  readonly dnc_ever_connected: boolean;
  readonly acknowledgement: { id: string; lists: readonly string[]; made_at: string } | null;
  readonly org_live: number;
  readonly campaign_live: number;
  readonly provider_live: number;
}

const live = "('permitted', 'dialing', 'unknown', 'placed', 'in_progress')";

/** Live counts leave out what this claim itself has leased: that room is reserved. */
export function readCampaignFacts(source: FactsSource): Statement {
  const { text, params } = picked(source);
  const foreign = source.kind === "claimed" ? "and e.lease_token is distinct from $1::uuid" : "";
  const others = (where: string) => `(select count(*) from enrolments e join campaigns x on ${inOrg("x")} and x.id = e.campaign_id
    where ${inOrg("e")} and e.state = 'claimed' ${foreign} and ${where})`;
  const wanted =
    source.kind === "claimed"
      ? "m.id in (select k.campaign_id from picked k)"
      : "m.id = $1::uuid and cardinality($2::uuid[]) >= 0";
  return {
    name: "facts.campaigns",
    text: `with picked as (${text})
      select m.id as campaign_id, m.status as campaign_status, m.purpose, m.debt_collection, m.calling_window,
        m.max_concurrency as campaign_max_concurrency, s.id as seller_id, s.registered_name, s.trade_names,
        c.id as connection_id, c.status as connection_status, c.max_concurrency as provider_max_concurrency,
        ${source.kind === "claimed" ? "true" : "c.next_slot_at <= clock_timestamp()"} as token_free, c.queue_delay_seconds,
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
        exists (select 1 from connections d where ${inOrg("d")} and d.kind = 'dnc') as dnc_ever_connected,
        (select json_build_object('id', k.id, 'lists', k.lists, 'made_at', app.rfc3339(k.made_at))
          from dnc_acknowledgements k where ${inOrg("k")} order by k.made_at desc, k.id desc limit 1) as acknowledgement,
        (select count(*) from dial_attempts a where ${inOrg("a")} and a.state in ${live}) + ${others("true")} as org_live,
        (select count(*) from dial_attempts a where ${inOrg("a")} and a.campaign_id = m.id and a.state in ${live})
          + ${others("x.id = m.id")} as campaign_live,
        (select count(*) from dial_attempts a where ${inOrg("a")} and a.connection_id = c.id and a.state in ${live})
          + ${others("x.connection_id = c.id")} as provider_live
      from campaigns m
      join sellers s on ${inOrg("s")} and s.id = m.seller_id
      join connections c on ${inOrg("c")} and c.id = m.connection_id
      where ${inOrg("m")} and ${wanted}`,
    params,
  };
}
