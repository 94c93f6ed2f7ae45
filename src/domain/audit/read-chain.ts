import type { OrgDb } from "../../db/org-db.ts";
import { auditEntries, type AuditFilter, auditHead, auditLookedAt, type AuditRow, lookedAtMax } from "../../db/queries/audit.ts";
import { rowsOf } from "../../db/transport.ts";

export interface ChainPage {
  readonly orgId: string;
  readonly entries: readonly AuditRow[];
  readonly head: { readonly seq: number; readonly head: string };
  /** Where to go on; null at the end. */
  readonly next: number | null;
}

/**
 * Entries after `afterSeq` with the chain's head, read in one transaction. Of a type or an actor there may be fewer than `limit` in a
 * page, or none, and more behind it: one request looks at so many entries and no more.
 */
export async function readChain(org: OrgDb, afterSeq: number, limit: number, filter: AuditFilter): Promise<ChainPage> {
  const looks = filter.type === null && filter.actor === null ? [] : [auditLookedAt(afterSeq, filter)];
  const { bound, answers } = await org.query(auditEntries(afterSeq, limit + 1, filter), auditHead(), ...looks);
  const [entries, heads, looked] = answers;
  const [head] = heads === undefined ? [] : rowsOf<{ seq: number; head: string }>(heads);
  if (entries === undefined || head === undefined) throw new Error("an org without an audit chain");
  const found = rowsOf<AuditRow>(entries);
  const shown = found.slice(0, limit);
  const [last] = looked === undefined ? [] : rowsOf<{ entries: number; seq: number | null }>(looked);
  const behind = last !== undefined && last.entries >= lookedAtMax ? last.seq : null;
  return { orgId: bound.orgId, entries: shown, head, next: found.length > limit ? (shown.at(-1)?.seq ?? null) : behind };
}
