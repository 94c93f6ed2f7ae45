import type { OrgDb } from "../db/org-db.ts";
import { type ScrubDeps, type ScrubResult, scrubDueLeads } from "../domain/scrubs/scrub-due-leads.ts";

/** The org's leads whose lists must be asked again. */
export const scrubLeads = (deps: ScrubDeps, org: OrgDb): Promise<ScrubResult> => scrubDueLeads(deps, org);
