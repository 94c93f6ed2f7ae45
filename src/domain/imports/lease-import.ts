import type { OrgDb } from "../../db/org-db.ts";
import * as queries from "../../db/queries/intake.ts";

export type LeasedImport = queries.LeasedImport;

/** Takes an import that no one works on; null when it is done, unknown, or another consumer's. `facts` is for the audit entry. */
export async function leaseImport(
  org: OrgDb,
  importId: string,
  leaseSeconds: number,
  facts: string,
): Promise<LeasedImport | null> {
  return (await org.rows<LeasedImport>(queries.leaseImport(importId, leaseSeconds, facts)))[0] ?? null;
}

/** Lets go before the lease ends; the next consumer begins where the last chunk ended. */
export async function releaseImport(org: OrgDb, importId: string): Promise<void> {
  await org.rows(queries.releaseImport(importId));
}

/** Ends an import that cannot go on, with the reason; what its chunks brought stays. */
export async function failImport(
  org: OrgDb,
  importId: string,
  fault: { reason: string; detail: string | null },
  facts: string,
): Promise<void> {
  await org.rows(queries.failImport(importId, fault.reason, fault.detail, facts));
}

/** Imports that wait for a consumer, oldest first. */
export async function findOpenImports(org: OrgDb, max: number): Promise<string[]> {
  return (await org.rows<{ id: string }>(queries.openImports(max))).map((row) => row.id);
}
