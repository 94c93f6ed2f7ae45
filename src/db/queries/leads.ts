import { sql, type SQL } from "drizzle-orm";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** The leads of a number, by any of its hashes. */
export function leadsByNumber(hmacs: readonly string[]): Statement {
  return {
    name: "leads.by_number",
    text: `select l.id from leads l where ${inOrg("l")} and l.person_id in (
        select p.id from persons p where ${inOrg("p")} and p.e164_hmac = any ($1::bytea[])
        union select a.person_id from person_aliases a where ${inOrg("a")} and a.e164_hmac = any ($1::bytea[]))
      order by l.id limit 100`,
    params: [hmacs],
  };
}

/** The person of a lead, as a term: what is indexed by person is found for a lead through it. */
export const personOfLead = (leadId: string): SQL =>
  sql`(select l.person_id from leads l where ${sql.raw(inOrg("l"))} and l.id = ${leadId})`;
