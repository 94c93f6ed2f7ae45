import type { OrgDb } from "../../db/org-db.ts";
import { closeIncidentRow } from "../../db/queries/incidents.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { endOpenHalt } from "../halts/end-halt.ts";
import { findIncident, type Incident } from "./find-incidents.ts";

export interface Closed {
  readonly orgId: string;
  readonly incident: Incident;
  readonly haltEnded: boolean;
}

/**
 * A person has done what the incident asks for, and says why it is over. Its halt ends with it, on the same terms as by
 * itself: what a failing do-not-call source halted takes a fresh scrub too (gates.md §1). Where the cause is still there,
 * the next sign of it opens another.
 */
export async function closeIncident(
  org: OrgDb,
  id: string,
  reason: string,
): Promise<Result<Closed, "incident_unknown" | "incident_closed" | "scrub_wanted">> {
  const known = await findIncident(org, id);
  if (known === null) return refuse("incident_unknown");
  // Free words stand in the incident and not in the chain, which keeps what it is told: the digest shows that they are the same.
  const facts = { code: known.code, incident: publicId("incident", id), reason_sha256: sha256Hex(reason) };
  return org.change({ action: "incident.closed", subject: known.subject, facts }, async (w) => {
    const halt = known.halt_id === null ? null : await endOpenHalt(w, known.halt_id);
    if (halt !== null && !halt.ok && halt.refusal === "scrub_wanted") {
      w.withdrawEntry();
      return refuse(halt.refusal);
    }
    const [closed] = await w.rows<Incident>(closeIncidentRow(id, `${org.actor.type}:${org.actor.id}`, reason));
    if (closed === undefined) {
      w.withdrawEntry();
      return refuse("incident_closed");
    }
    if (halt?.ok === true) w.also({ action: "halt.ended", subject: publicId("halt", halt.value.id), facts: {} });
    return ok({ orgId: w.orgId, incident: closed, haltEnded: halt?.ok === true });
  });
}
