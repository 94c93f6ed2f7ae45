import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface SnapshotRow {
  readonly own_facts: string;
  /** Null would be a decision without what it was made of, which its insert refuses. */
  readonly shared_facts: string | null;
  readonly shared_digest: string;
  readonly snapshot_digest: string;
}
/** A decision's snapshot as it is stored: what many decisions share, and its own. */
export const snapshotOfDecision = (decisionId: string): Statement => ({
  name: "decisions.snapshot",
  text: `select d.own_facts, s.body as shared_facts, encode(d.shared_facts, 'hex') as shared_digest, encode(d.snapshot_digest, 'hex') as snapshot_digest
    from decisions d left join snapshot_parts s on ${inOrg("s")} and s.digest = d.shared_facts
    where ${inOrg("d")} and d.id = $1`,
  params: [decisionId],
});
