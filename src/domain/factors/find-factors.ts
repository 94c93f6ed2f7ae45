import type { OrgDb } from "../../db/org-db.ts";
import { factorsOf, type FactorsRow, type PasskeyRow, passkeysOf } from "../../db/queries/factors.ts";

/** What someone can show, and how many recovery codes are left to them. */
export async function describeFactors(own: OrgDb, userId: string): Promise<FactorsRow> {
  const [row] = await own.rows<FactorsRow>(factorsOf(userId));
  return row ?? { passkeys: 0, totp_confirmed_at: null, recovery_codes_left: 0 };
}

/** Newest first. */
export const findPasskeys = (own: OrgDb, userId: string): Promise<PasskeyRow[]> => own.rows<PasskeyRow>(passkeysOf(userId));
