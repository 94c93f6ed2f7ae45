import type { OrgWriter } from "../../db/org-db.ts";
import { type ConsentEventRow, consentEventsOf } from "../../db/queries/dial-facts.ts";
import { admitLeads, refusedLeads, type RefusedLeadRow } from "../../db/queries/leads.ts";
import type { PackRef } from "../../gates/snapshot.ts";
import type { Instant } from "../../lib/instant.ts";
import { judgeEvidence } from "./judge-evidence.ts";

/** An ineligible lead whose person gave a consent that passes becomes eligible. Inside a change that holds the person. */
export async function rejudgeLead(w: OrgWriter, packs: readonly PackRef[], personId: string): Promise<boolean> {
  const [lead] = await w.rows<RefusedLeadRow>(refusedLeads([personId]));
  if (lead === undefined) return false;
  const events = await w.rows<ConsentEventRow>(consentEventsOf([personId]));
  if (!judgeEvidence(w.now as Instant, packs, lead.e164, events)) return false;
  return (await w.rows(admitLeads([{ id: lead.lead_id, personVersion: lead.person_version }]))).length > 0;
}
