import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { dncAcknowledgements } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";

export type Acknowledgement = typeof dncAcknowledgements.$inferSelect;

/** An owner's word that the org goes without a do-not-call provider, list by list (gates.md §4). Ends 90 × 24 h later. */
export async function acknowledgeNoDnc(org: OrgDb, input: { lists: readonly string[]; by: string }): Promise<Acknowledgement> {
  const id = org.newId();
  return org.change(
    { action: "dnc.acknowledged", subject: publicId("acknowledgement", id), facts: { lists: input.lists } },
    async (w) => {
      await w.rows(bumpOrg());
      await w.rows(startSweep());
      return w.insert(dncAcknowledgements, { id, lists: [...input.lists], by: input.by, madeAt: w.now });
    },
  );
}
