import type { OrgDb } from "../../db/org-db.ts";
import { openStopChecks, type StopCheckRow, type StopCheckStatus } from "../../db/queries/stop-checks.ts";
import type { Page } from "../page.ts";

export type StopCheck = StopCheckRow;

/** Persons who are not called because nobody knows yet whether they said stop. */
export const findStopChecks = (org: OrgDb, page: Page, status: StopCheckStatus): Promise<StopCheck[]> =>
  org.rows<StopCheck>(openStopChecks(status, page.after, page.limit + 1));
