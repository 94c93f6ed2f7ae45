import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface IncidentRow {
  readonly id: string;
  readonly severity: 1 | 2 | 3;
  readonly code: string;
  /** What it is about, by its public id. */
  readonly subject: string;
  readonly halt_id: string | null;
  /** Dials that its halt covers do not leave. */
  readonly halting: boolean;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly opened_at: string;
  readonly closed_at: string | null;
  readonly closed_by: string | null;
  readonly close_reason: string | null;
}
const shown = `i.id, i.severity, i.code, app.incident_subject(i.code, coalesce(i.subject_id, i.org_id)) as subject, i.halt_id,
      exists (select 1 from halts h where ${inOrg("h")} and h.id = i.halt_id and h.ended_at is null) as halting,
      i.detail, app.rfc3339(i.opened_at) as opened_at, app.rfc3339(i.closed_at) as closed_at, i.closed_by, i.close_reason`;

/** Newest first. */
export const listIncidents = (open: boolean, after: string | null, max: number): Statement => ({
  name: "incidents.list",
  text: `select ${shown} from incidents i
    where ${inOrg("i")} and (not $1::boolean or i.closed_at is null) and ($2::uuid is null or i.id < $2::uuid)
    order by i.id desc limit $3`,
  params: [open, after, max],
});

export const getIncident = (id: string): Statement => ({
  name: "incidents.get",
  text: `select ${shown} from incidents i where ${inOrg("i")} and i.id = $1`,
  params: [id],
});

/** By a person: answers no row where it is closed already. */
export const closeIncidentRow = (id: string, by: string, reason: string): Statement => ({
  name: "incidents.close",
  text: `update incidents i set closed_at = app.now(), closed_by = $2, close_reason = $3
    where ${inOrg("i")} and i.id = $1 and i.closed_at is null returning ${shown}`,
  params: [id, by, reason],
});

/** Those that a halt belongs to, closed with it. */
export const closeIncidentsOfHalt = (haltId: string, by: string): Statement => ({
  name: "incidents.close_with_halt",
  text: `update incidents i set closed_at = app.now(), closed_by = $2, close_reason = 'halt_ended'
    where ${inOrg("i")} and i.halt_id = $1 and i.closed_at is null returning ${shown}`,
  params: [haltId, by],
});

/** What they were opened for is no more. Appends to the audit chain: to be called last. */
export const closeIncidents = (code: string, subjectIds: readonly string[]): Statement => ({
  name: "app.close_incidents",
  text: "select app.close_incidents($1, $2::uuid[])",
  params: [code, subjectIds],
});
