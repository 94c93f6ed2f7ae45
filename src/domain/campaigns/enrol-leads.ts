import { eq, inArray } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { enrolCampaign, type EnrolledLeads, type EnrolledRow } from "../../db/queries/campaigns.ts";
import { campaigns, imports, leads } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";

/** `missing`: the first of the ids that the org does not have. */
export interface UnknownLeads {
  readonly code: "lead_unknown" | "import_unknown";
  readonly missing: string;
}
export type EnrolRefusal = { readonly code: "campaign_unknown" | "not_launched" | "campaign_ended" } | UnknownLeads;

/**
 * Lets leads that came after the launch into the queue of a campaign that runs or is paused. Each is due at once, and
 * dialed only when every gate allows it; who is in the queue, or has been, stays as he is.
 */
export async function enrolLeads(org: OrgDb, id: string, which: EnrolledLeads): Promise<Result<EnrolledRow, EnrolRefusal>> {
  return org.change({ action: "campaign.leads_enrolled", subject: publicId("campaign", id) }, async (w) => {
    const refusal = await refusalOf(w, id, which);
    if (refusal !== null) {
      w.withdrawEntry();
      return refuse(refusal);
    }
    const [counts] = await w.rows<EnrolledRow>(enrolCampaign(id, which));
    if (counts === undefined) throw new Error("an enrolment that answers nothing");
    if (counts.enrolled === 0) w.withdrawEntry();
    else w.note({ enrolled: counts.enrolled });
    return ok(counts);
  });
}

async function refusalOf(w: OrgWriter, id: string, which: EnrolledLeads): Promise<EnrolRefusal | null> {
  const campaign = await w.findOne(campaigns, eq(campaigns.id, id));
  if (campaign === null) return { code: "campaign_unknown" };
  if (campaign.status === "draft") return { code: "not_launched" };
  if (campaign.status !== "running" && campaign.status !== "paused") return { code: "campaign_ended" };
  return unknownOf(w, which);
}

/** Those that were named and are not there. */
export async function unknownOf(w: OrgWriter, which: EnrolledLeads): Promise<UnknownLeads | null> {
  if (which === "all") return null;
  const inImports = "importIds" in which;
  const missing = inImports ? await missingOf(w, imports, which.importIds) : await missingOf(w, leads, which.leadIds);
  return missing === null ? null : { code: inImports ? "import_unknown" : "lead_unknown", missing };
}

/** The first of these ids, each given once, that the org does not have. */
async function missingOf(w: OrgWriter, table: typeof imports | typeof leads, ids: readonly string[]): Promise<string | null> {
  const found = new Set((await w.find(table, inArray(table.id, [...ids]), { limit: ids.length })).map((row) => row.id));
  return ids.find((id) => !found.has(id)) ?? null;
}
