import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Puts every eligible lead (of these imports, or all) into the campaign's queue, once. */
export function enrolCampaign(campaignId: string, importIds: readonly string[] | null): Statement {
  return {
    name: "app.enrol_campaign",
    text: "select app.enrol_campaign($1, $2::uuid[]) as enrolled",
    params: [campaignId, importIds],
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
  readonly part: "enrolment" | "standing" | "attempt" | "call";
  readonly name: string;
  readonly reason: string | null;
  readonly count: number;
}

/** Where a campaign's leads stand: places by state and reason, standing refusals by gate and reason, attempts and calls by outcome. */
export function campaignFunnel(campaignId: string): Statement {
  return {
    name: "campaigns.funnel",
    text: `
      select 'enrolment' as part, e.state as name, e.reason, count(*) as count from enrolments e
        where ${inOrg("e")} and e.campaign_id = $1 group by e.state, e.reason
      union all
      select 'standing', s.value ->> 'gate', case when en.standing_valid_until <= app.now() then 'stale' else s.value ->> 'reason_code' end, count(*)
        from enrolments en cross join lateral jsonb_array_elements(en.standing) s(value)
        where ${inOrg("en")} and en.campaign_id = $1 and jsonb_typeof(en.standing) = 'array' and s.value ->> 'verdict' <> 'allow' group by 2, 3
      union all
      select 'attempt', a.state, a.reason, count(*) from dial_attempts a where ${inOrg("a")} and a.campaign_id = $1 group by a.state, a.reason
      union all
      select 'call', c.disposition, null, count(*) from calls c where ${inOrg("c")} and c.campaign_id = $1 group by c.disposition
      order by 1, 2, 3`,
    params: [campaignId],
  };
}
