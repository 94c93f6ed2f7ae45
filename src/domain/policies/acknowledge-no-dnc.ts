import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { callingPolicies, dncAcknowledgements } from "../../db/schema/index.ts";
import { states } from "../../gates/rules/states.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { demandedLists, listKind } from "../scrubs/demanded-lists.ts";

export type Acknowledgement = typeof dncAcknowledgements.$inferSelect;

/** The do-not-call lists that some call may demand: the national one, those of states, and what the org added. */
export const acknowledgeableLists = (added: readonly string[]): string[] =>
  demandedLists(
    states.map((row) => row.state),
    added,
  ).filter((list) => listKind(list) === "do_not_call");

/**
 * An owner's word that the org goes without a do-not-call provider, list by list (gates.md §4). Ends 90 × 24 h later. The
 * newest one holds, so one that names a list that nothing demands is refused: a slip of the pen would stop every dial.
 */
export async function acknowledgeNoDnc(
  org: OrgDb,
  input: { lists: readonly string[]; by: string },
): Promise<Result<Acknowledgement, "list_unknown">> {
  const id = org.newId();
  const entry = { action: "dnc.acknowledged", subject: publicId("acknowledgement", id), facts: { lists: input.lists } } as const;
  return org.change<Result<Acknowledgement, "list_unknown">>(entry, async (w) => {
    await w.rows(bumpOrg());
    const policy = await w.findOne(callingPolicies, eq(callingPolicies.orgId, w.orgId));
    const known = new Set(acknowledgeableLists(policy?.addedLists ?? []));
    if (input.lists.some((list) => !known.has(list))) {
      w.withdrawEntry();
      return refuse("list_unknown");
    }
    await w.rows(startSweep());
    return ok(await w.insert(dncAcknowledgements, { id, lists: [...input.lists], by: input.by, madeAt: w.now }));
  });
}
