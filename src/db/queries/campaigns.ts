import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Which leads enter a queue: those of these imports, these leads, or every one that the org has. */
export type EnrolledLeads = { readonly importIds: readonly string[] } | { readonly leadIds: readonly string[] } | "all";
export interface EnrolledRow {
  readonly enrolled: number;
  readonly already_enrolled: number;
  readonly ineligible: number;
}
/** Puts the eligible ones into the campaign's queue, each once. */
export function enrolCampaign(campaignId: string, leads: EnrolledLeads): Statement {
  const [importIds, leadIds] =
    leads === "all" ? [null, null] : "importIds" in leads ? [leads.importIds, null] : [null, leads.leadIds];
  return {
    name: "app.enrol_campaign",
    text: "select enrolled, already_enrolled, ineligible from app.enrol_campaign($1, $2::uuid[], $3::uuid[])",
    params: [campaignId, importIds, leadIds],
  };
}

/** More than anyone dials before halted leads are asked again by themselves. */
const wokenMax = 10_000;

/** What waits for the end of this halt (of one campaign, or of all) and for nothing else is due now. */
export function wakeHalted(campaignId: string | null, reason: string): Statement {
  return {
    name: "app.wake_halted",
    text: "select app.wake_halted($1, $2, $3) as woken",
    params: [campaignId, reason, wokenMax],
  };
}

export interface FunnelRow {
  readonly part: "enrolment" | "standing" | "standing_age" | "callable" | "attempt" | "call";
  readonly name: string;
  readonly verdict: string | null;
  readonly reason: string | null;
  readonly count: number;
}

/**
 * Where a campaign's leads stand: places by state and reason; what the standing gates say of the open places by gate and
 * reason, as far as it is still true, and how many whom they allow are inside an open window; attempts and calls by outcome.
 * Few results are different from each other, so places are counted before they are taken apart.
 */
export function campaignFunnel(campaignId: string): Statement {
  return {
    name: "campaigns.funnel",
    text: `
      with sweep as (
        select case when s.platform_version < f.facts_version then '00000000-0000-0000-0000-000000000000' else s.after_person end as after_person
          from standing_sweeps s join platform_facts f on f.id = 1 where ${inOrg("s")}),
      places as materialized (
        select e.standing,
            case when coalesce(e.standing, '[]') = '[]' then 'unjudged'
              when e.standing_valid_until <= app.now() or m.person_id is not null
                or e.person_id > (select w.after_person from sweep w) then 'stale' else 'current' end as age,
            case when e.state = 'held' then 'held' when p.open and p.next_change_at > app.now() then 'open' else 'closed' end as reach,
            count(*) as n
          from enrolments e join hour_profiles p on ${inOrg("p")} and p.id = e.profile_id
          left join standing_marks m on ${inOrg("m")} and m.person_id = e.person_id
          where ${inOrg("e")} and e.campaign_id = $1 and e.state <> 'done' group by 1, 2, 3)
      select 'enrolment' as part, e.state as name, null as verdict, e.reason, count(*) as count from enrolments e
        where ${inOrg("e")} and e.campaign_id = $1 group by e.state, e.reason
      union all
      select 'standing', r.value ->> 'gate', r.value ->> 'verdict', r.value ->> 'reason_code', sum(k.n)::bigint
        from places k cross join lateral jsonb_array_elements(k.standing) r(value) where k.age = 'current' group by 2, 3, 4
      union all
      select 'standing_age', k.age, null, null, sum(k.n)::bigint from places k group by k.age
      union all
      select 'callable', k.reach, null, null, sum(k.n)::bigint from places k
        where k.age = 'current' and k.reach <> 'held' and not k.standing @? '$[*] ? (@.verdict <> "allow")' group by k.reach
      union all
      select 'attempt', a.state, null, a.reason, count(*) from dial_attempts a where ${inOrg("a")} and a.campaign_id = $1 group by a.state, a.reason
      union all
      select 'call', c.disposition, null, null, count(*) from calls c where ${inOrg("c")} and c.campaign_id = $1 group by c.disposition
      order by 1, 2, 3, 4`,
    params: [campaignId],
  };
}
