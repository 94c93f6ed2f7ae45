import type { OrgDb } from "../../db/org-db.ts";
import { counselPositions } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { CounselPosition } from "./record-position.ts";

export const findPositions = (org: OrgDb, page: Page): Promise<CounselPosition[]> =>
  findPage(org, counselPositions, page, undefined);
