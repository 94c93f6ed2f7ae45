import type { OrgDb } from "../../db/org-db.ts";
import { snapshotOfDecision, type SnapshotRow } from "../../db/queries/decisions.ts";
import { sha256Hex } from "../../lib/bytes.ts";

export interface StoredSnapshot {
  /** SHA-256(shared digest ‖ own facts), as the audit entry of the decision names it. */
  readonly digest: string;
  readonly sharedDigest: string;
  /** The texts as they were hashed. */
  readonly shared: string;
  readonly own: string;
  /** What the gates saw. */
  readonly snapshot: Readonly<Record<string, unknown>>;
}

/** What a recorded decision was made of, whole again, with its digest computed anew. @throws when that is not the recorded one. */
export async function findSnapshot(org: OrgDb, decisionId: string): Promise<StoredSnapshot | null> {
  const [row] = await org.rows<SnapshotRow>(snapshotOfDecision(decisionId));
  if (row === undefined) return null;
  const { own_facts: own, shared_facts: shared, shared_digest: sharedDigest, snapshot_digest: digest } = row;
  if (shared === null || sha256Hex(shared) !== sharedDigest || sha256Hex(own, sharedDigest) !== digest)
    throw new Error("a recorded snapshot is not what its digest says");
  return { digest, sharedDigest, shared, own, snapshot: { ...parts(shared), ...parts(own) } };
}

const parts = (text: string) => JSON.parse(text) as Readonly<Record<string, unknown>>;
