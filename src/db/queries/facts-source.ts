import { inOrg } from "../in-org.ts";

/** Whose facts: what a claim has just leased, or named leads of a campaign. */
export type FactsSource =
  | { readonly kind: "claimed"; readonly token: string }
  | { readonly kind: "leads"; readonly campaignId: string; readonly leadIds: readonly string[] };

/** The leads of a source, as `lead_id`, `person_id`, `campaign_id` and the enrolment that holds them. */
export function picked(source: FactsSource): { text: string; params: unknown[] } {
  if (source.kind === "claimed") {
    return {
      text: `select x.enrolment_id, k.part as lease_part, x.lead_id, k.campaign_id, x.person_id
        from leases k cross join unnest(k.enrolment_ids, k.lead_ids, k.person_ids) as x(enrolment_id, lead_id, person_id)
        where ${inOrg("k")} and k.token = $1`,
      params: [source.token],
    };
  }
  return {
    text: `select null::uuid as enrolment_id, 0 as lease_part, l.id as lead_id, $1::uuid as campaign_id, l.person_id from leads l
      where ${inOrg("l")} and l.id = any ($2::uuid[])`,
    params: [source.campaignId, source.leadIds],
  };
}
