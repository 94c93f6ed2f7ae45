import { sql, type SQL } from "drizzle-orm";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** A lead that intake refused. Its person's version is read before their evidence of today (`consentEventsOf`). */
export interface RefusedLeadRow {
  readonly lead_id: string;
  readonly person_id: string;
  readonly person_version: number;
  readonly e164: string;
}
export function refusedLeads(personIds: readonly string[]): Statement {
  return {
    name: "leads.refused",
    text: `select l.id as lead_id, l.person_id, p.facts_version as person_version, l.e164
      from persons p join leads l on ${inOrg("l")} and l.person_id = p.id and l.status = 'ineligible'
      where ${inOrg("p")} and p.id = any ($1::uuid[]) order by l.id`,
    params: [personIds],
  };
}

/** Each only while its person is as it was judged. Answers the leads that may be enrolled from now on. */
export function admitLeads(leads: readonly { readonly id: string; readonly personVersion: number }[]): Statement {
  return {
    name: "leads.admit",
    text: `update leads l set status = 'eligible', ineligible_reason = null
      from unnest($1::uuid[], $2::bigint[]) as u(id, version)
      where ${inOrg("l")} and l.id = u.id and l.status = 'ineligible'
        and exists (select 1 from persons p where ${inOrg("p")} and p.id = l.person_id and p.facts_version = u.version)
      returning l.id`,
    params: [leads.map((lead) => lead.id), leads.map((lead) => lead.personVersion)],
  };
}

/** In the change that corrects a lead. Answers how many open places moved, or are asked again because they wait for one of these reasons. */
export function moveEnrolments(leadId: string, reasons: readonly string[]): Statement {
  return { name: "app.move_enrolments", text: "select app.move_enrolments($1, $2::text[]) as moved", params: [leadId, reasons] };
}

/** The leads of a number, by any of its hashes. */
export function leadsByNumber(hmacs: readonly string[]): Statement {
  return {
    name: "leads.by_number",
    bookkeeping: true,
    text: `select l.id from leads l where ${inOrg("l")} and l.person_id in (
        select p.id from persons p where ${inOrg("p")} and p.e164_hmac = any ($1::bytea[])
        union select a.person_id from person_aliases a where ${inOrg("a")} and a.e164_hmac = any ($1::bytea[]))
      order by l.id limit 100`,
    params: [hmacs],
  };
}

/** The newest leads of an external id. */
export function leadsByExternalId(externalId: string): Statement {
  return {
    name: "leads.by_external_id",
    bookkeeping: true,
    text: `select l.id from leads l where ${inOrg("l")} and l.external_id = $1 order by l.id desc limit 100`,
    params: [externalId],
  };
}

/** The person of a lead, as a term: what is indexed by person is found for a lead through it. */
export const personOfLead = (leadId: string): SQL =>
  sql`(select l.person_id from leads l where ${sql.raw(inOrg("l"))} and l.id = ${leadId})`;
