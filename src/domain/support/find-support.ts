import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { supportActs, type SupportActsRow } from "../../db/queries/members.ts";
import { supportGrants } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { findPage, type Page } from "../page.ts";
import type { SupportGrantRow } from "./open-support.ts";

/** A grant, and what was done by it, as the organisation's chain tells it. */
export interface Support extends SupportGrantRow {
  readonly acts: SupportActsRow | null;
}

export const findSupport = async (org: OrgDb, page: Page): Promise<Support[]> =>
  withActs(org, await findPage(org, supportGrants, page, undefined));

export async function findOneSupport(org: OrgDb, id: string): Promise<Support | null> {
  const row = await org.findOne(supportGrants, eq(supportGrants.id, id));
  return row === null ? null : ((await withActs(org, [row]))[0] ?? null);
}

async function withActs(org: OrgDb, rows: readonly SupportGrantRow[]): Promise<Support[]> {
  if (rows.length === 0) return [];
  const acts = await org.rows<SupportActsRow>(supportActs(rows.map(({ id }) => publicId("supportGrant", id))));
  const byGrant = new Map(acts.map((one) => [one.grant, one]));
  return rows.map((row) => ({ ...row, acts: byGrant.get(publicId("supportGrant", row.id)) ?? null }));
}
