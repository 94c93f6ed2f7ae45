import type { OrgDb } from "../db/org-db.ts";

/** Permits that ran out unspent count for nothing, and their leads go back to the queue. @returns how many. */
export async function expirePermits(org: OrgDb): Promise<number> {
  const [row] = await org.rows<{ expired: number }>({ name: "app.expire_permits", text: "select app.expire_permits(null) as expired", params: [] });
  return row?.expired ?? 0;
}
