import type { OrgDb } from "../db/org-db.ts";
import { expirePermits as statement } from "../db/queries/dispatch.ts";

/** Permits that ran out unspent count for nothing, and their leads go back to the queue. @returns how many. */
export async function expirePermits(org: OrgDb): Promise<number> {
  const [row] = await org.rows<{ expired: number }>(statement());
  return row?.expired ?? 0;
}
