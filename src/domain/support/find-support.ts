import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { guestsByGrant, type GuestRow, supportActs, type SupportActsRow } from "../../db/queries/members.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { grantsOfOperator, type OperatorGrantRow } from "../../db/queries/ways-in.ts";
import { supportGrants } from "../../db/schema/index.ts";
import { rowsOf } from "../../db/transport.ts";
import { publicId } from "../../lib/ids.ts";
import { findPage, type Page } from "../page.ts";
import type { SupportGrantRow } from "./open-support.ts";

/** A grant, and whom it lets in: a guest is known to the house by more than an id. */
export interface Support extends SupportGrantRow {
  readonly operator: { readonly email: string; readonly name: string | null };
}
/** With what was done by it, as the organisation's chain tells it. */
export interface WatchedSupport extends Support {
  readonly acts: SupportActsRow | null;
}

export const findSupport = async (org: OrgDb, page: Page): Promise<WatchedSupport[]> =>
  watched(org, await findPage(org, supportGrants, page, undefined));

export async function findOneSupport(org: OrgDb, id: string): Promise<WatchedSupport | null> {
  const row = await org.findOne(supportGrants, eq(supportGrants.id, id));
  return row === null ? null : ((await watched(org, [row]))[0] ?? null);
}

async function watched(org: OrgDb, rows: readonly SupportGrantRow[]): Promise<WatchedSupport[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const asked = [guestsByGrant(ids), supportActs(ids.map((id) => publicId("supportGrant", id)))];
  const [guests = none, acts = none] = (await org.query(...asked)).answers;
  const guestOf = new Map(rowsOf<GuestRow>(guests).map((one) => [one.id, one]));
  const actsOf = new Map(rowsOf<SupportActsRow>(acts).map((one) => [one.grant, one]));
  return rows.map((row) => {
    const operator = guestOf.get(row.id);
    if (operator === undefined) throw new Error("a support grant lets nobody in");
    return { ...row, operator, acts: actsOf.get(publicId("supportGrant", row.id)) ?? null };
  });
}

/** What lets one operator in, and where. */
export interface OwnSupport extends OperatorGrantRow {
  readonly operator: Support["operator"];
}
/** Newest first, one more than the page has, in whatever organisation; none for whoever is no operator. */
export async function findOwnSupport(own: OrgDb, userId: string, { limit, after }: Page): Promise<OwnSupport[]> {
  const asked = [grantsOfOperator(userId, after, limit + 1), personById(userId)];
  const [grants = none, people = none] = (await own.query(...asked)).answers;
  const [operator] = rowsOf<PersonRow>(people);
  return operator === undefined ? [] : rowsOf<OperatorGrantRow>(grants).map((grant) => ({ ...grant, operator }));
}

const none = { columns: [], rows: [] };
