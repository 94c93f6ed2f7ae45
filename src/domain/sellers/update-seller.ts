import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { sellers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { changeFacts, givenFields } from "../audit/change-facts.ts";
import type { Seller, SellerInput } from "./create-seller.ts";
import { findSeller } from "./find-sellers.ts";

/** A seller's names are facts of the consent gate: no dial decided with the old ones leaves after this commits. */
export async function updateSeller(org: OrgDb, id: string, input: Partial<SellerInput>): Promise<Seller | null> {
  const { tradeNames, sanAreaCodes, ...rest } = input;
  const set = {
    ...rest,
    ...(tradeNames === undefined ? {} : { tradeNames: [...tradeNames] }),
    ...(sanAreaCodes === undefined ? {} : { sanAreaCodes: [...sanAreaCodes] }),
  };
  if (Object.keys(set).length === 0) return findSeller(org, id);
  return org.change({ action: "seller.updated", subject: publicId("seller", id) }, async (w) => {
    await w.rows(bumpOrg());
    await w.rows(startSweep());
    const before = await w.findOne(sellers, eq(sellers.id, id));
    const [seller] = await w.update(sellers, eq(sellers.id, id), set);
    if (before === null || seller === undefined) {
      w.withdrawEntry();
      return null;
    }
    w.note(changeFacts(before, seller, givenFields(set)));
    return seller;
  });
}
