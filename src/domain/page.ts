import { and, desc, lt, type SQL } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type { OrgDb, OrgTable } from "../db/org-db.ts";

/** One page of a listing: at most `limit` rows older than the row `after`. */
export interface Page {
  readonly limit: number;
  readonly after: string | null;
}

/**
 * Newest first: ids are version 7 uuids, which sort by time and are the second half of every primary key.
 * One row more than asked, so that the reader knows whether there are more.
 */
export function findPage<T extends OrgTable & { readonly id: AnyPgColumn }>(
  org: OrgDb,
  table: T,
  page: Page,
  ...where: readonly (SQL | undefined)[]
) {
  const older = page.after === null ? undefined : lt(table.id, page.after);
  return org.find(table, and(...where, older), { limit: page.limit + 1, orderBy: [desc(table.id)] });
}
