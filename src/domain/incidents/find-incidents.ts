import type { OrgDb } from "../../db/org-db.ts";
import { getIncident, type IncidentRow, listIncidents } from "../../db/queries/incidents.ts";
import type { Page } from "../page.ts";

export type Incident = IncidentRow;

export const findIncidents = (org: OrgDb, page: Page, open: boolean): Promise<Incident[]> =>
  org.rows<Incident>(listIncidents(open, page.after, page.limit + 1));

export const findIncident = async (org: OrgDb, id: string): Promise<Incident | null> =>
  (await org.rows<Incident>(getIncident(id)))[0] ?? null;
