import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { wakeHalted } from "../../db/queries/campaigns.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { closeIncidentsOfHalt, type IncidentRow } from "../../db/queries/incidents.ts";
import { type ScrubbedSinceRow, scrubbedSinceHalt } from "../../db/queries/scrubs.ts";
import { halts } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Halt } from "./halt.ts";

/**
 * A person reopens what a person or an incident halted; the incident closes with its halt, and who was refused for it is
 * judged again at once. What a failing do-not-call source halted takes a fresh scrub and a person (gates.md §1).
 */
export async function endHalt(org: OrgDb, id: string): Promise<Result<Halt, "halt_unknown" | "scrub_wanted">> {
  return org.change({ action: "halt.ended", subject: publicId("halt", id) }, async (w) => {
    const ended = await endOpenHalt(w, id);
    if (!ended.ok) {
      w.withdrawEntry();
      return ended;
    }
    for (const closed of await w.rows<IncidentRow>(closeIncidentsOfHalt(id, `${org.actor.type}:${org.actor.id}`)))
      w.also({ action: "incident.closed", subject: closed.subject, facts: factsOfClosed(closed) });
    return ended;
  });
}
const factsOfClosed = ({ id, code, close_reason: reason }: IncidentRow) => ({ code, incident: publicId("incident", id), reason });

/** In a change that closes its incident. Refused, it may have written already: the caller withdraws its entry. */
export async function endOpenHalt(w: OrgWriter, id: string): Promise<Result<Halt, "halt_unknown" | "scrub_wanted">> {
  await w.rows(bumpOrg());
  const [ended] = await w.update(halts, and(eq(halts.id, id), isNull(halts.endedAt)) ?? eq(halts.id, id), { endedAt: w.now });
  if (ended === undefined) return refuse("halt_unknown");
  const [failing] = await w.rows<ScrubbedSinceRow>(scrubbedSinceHalt(id));
  if (failing?.scrubbed === false) return refuse("scrub_wanted");
  await w.rows(wakeHalted(null, ended.reason));
  return ok(ended);
}
