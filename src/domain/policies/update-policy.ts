import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { scrubAllAgain } from "../../db/queries/scrubs.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { callingPolicies } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { changeFacts, givenFields } from "../audit/change-facts.ts";

export type Policy = typeof callingPolicies.$inferSelect;
export type PolicyChange = Partial<Omit<Policy, "orgId">>;

export async function findPolicy(org: OrgDb): Promise<Policy> {
  const policy = await org.findOne(callingPolicies, eq(callingPolicies.orgId, callingPolicies.orgId));
  if (policy === null) throw new Error("an org without a calling policy");
  return policy;
}

/** Read by no standing gate: another of the policy's fields makes every standing result of the org stale. */
const momentary: ReadonlySet<string> = new Set([
  "caps",
  "attemptsMax",
  "recallGapSeconds",
  "maxConcurrency",
  "keepTranscripts",
  "keepRecordings",
] satisfies (keyof PolicyChange)[]);

/** What the org chose beyond the law. Every permit that was minted under the old policy is void. */
export async function updatePolicy(org: OrgDb, change: PolicyChange): Promise<Policy> {
  if (Object.keys(change).length === 0) return findPolicy(org);
  const { orgId } = await org.bound();
  return org.change({ action: "policy.updated", subject: publicId("org", orgId) }, async (w) => {
    await w.rows(bumpOrg());
    const before = await w.findOne(callingPolicies, eq(callingPolicies.orgId, orgId));
    if (before === null) throw new Error("an org without a calling policy");
    // Whose budget was spent is held until it is raised, and reopened by the job that keeps standing results.
    const raised = change.attemptsMax !== undefined && change.attemptsMax > before.attemptsMax;
    if (raised || Object.keys(change).some((field) => !momentary.has(field))) await w.rows(startSweep());
    if (change.addedLists !== undefined) await w.rows(scrubAllAgain());
    const [policy] = await w.update(callingPolicies, eq(callingPolicies.orgId, orgId), change);
    if (policy === undefined) throw new Error("an org without a calling policy");
    w.note(changeFacts(before, policy, givenFields(change)));
    return policy;
  });
}
