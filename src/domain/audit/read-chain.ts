import type { OrgDb } from "../../db/org-db.ts";
import { auditEntries, auditHead, type AuditRow } from "../../db/queries/audit.ts";
import { rowsOf } from "../../db/transport.ts";

export interface ChainPage {
  readonly orgId: string;
  readonly entries: readonly AuditRow[];
  readonly head: { readonly seq: number; readonly head: string };
}

/** Entries after `afterSeq` with the chain's head, read in one transaction. */
export async function readChain(org: OrgDb, afterSeq: number, limit: number): Promise<ChainPage> {
  const { bound, answers } = await org.query(auditEntries(afterSeq, limit), auditHead());
  const [entries, heads] = answers;
  const [head] = heads === undefined ? [] : rowsOf<{ seq: number; head: string }>(heads);
  if (entries === undefined || head === undefined) throw new Error("an org without an audit chain");
  return { orgId: bound.orgId, entries: rowsOf<AuditRow>(entries), head };
}
