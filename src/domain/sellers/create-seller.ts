import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { sellers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";

export interface SellerInput {
  readonly registeredName: string;
  readonly tradeNames: readonly string[];
  readonly address: string | null;
  readonly doNotCallNumber: string | null;
  readonly san: string | null;
  readonly sanAreaCodes: readonly string[];
}
export type Seller = typeof sellers.$inferSelect;

/** Whose goods or services the calls are about. Its registered name is what consent must name and the disclosure says. */
export async function createSeller(org: OrgDb, input: SellerInput): Promise<Seller> {
  const id = org.newId();
  return org.change({ action: "seller.created", subject: publicId("seller", id) }, async (w) => {
    const row = { ...input, id, tradeNames: [...input.tradeNames], sanAreaCodes: [...input.sanAreaCodes], createdAt: w.now };
    const seller = await w.insert(sellers, row);
    await w.rows(bumpOrg());
    return seller;
  });
}
