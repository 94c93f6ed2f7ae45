import type { OrgDb } from "../db/org-db.ts";
import { callingPolicies } from "../db/schema/orgs.ts";
import type { KeepPolicy } from "./settle.ts";

/** What the org keeps of its calls. Nothing, where the policy cannot be read. */
export async function readKeepPolicy(org: OrgDb): Promise<KeepPolicy> {
  const policy = (await org.find(callingPolicies, undefined, { limit: 1 }))[0];
  return { transcripts: policy?.keepTranscripts ?? false, recordings: policy?.keepRecordings ?? false };
}
