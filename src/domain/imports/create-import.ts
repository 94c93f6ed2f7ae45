import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { imports, sellers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Attestation, AttestationTerms, ColumnMap } from "./import-map.ts";

export interface ImportInput {
  readonly sellerId: string;
  readonly fileName: string;
  readonly columns: ColumnMap;
  readonly attestation: AttestationTerms;
}
export type Import = typeof imports.$inferSelect;

/** The map and the attestation of a file that is to follow (`storeFile`). The seller's names are recorded as they are now. */
export async function createImport(
  org: OrgDb,
  input: ImportInput,
): Promise<Result<Import, { readonly reason: "seller_unknown" }>> {
  const id = org.newId();
  const facts = { purpose: input.attestation.purpose, basis: input.attestation.basis };
  return org.change({ action: "import.created", subject: publicId("import", id), facts }, async (w) => {
    const seller = await w.findOne(sellers, eq(sellers.id, input.sellerId));
    if (seller === null) {
      w.withdrawEntry();
      return refuse({ reason: "seller_unknown" as const });
    }
    const attestation: Attestation = {
      ...input.attestation,
      seller: { id: publicId("seller", seller.id), registered_name: seller.registeredName, trade_names: seller.tradeNames },
    };
    return ok(
      await w.insert(imports, {
        id,
        sellerId: seller.id,
        fileName: input.fileName,
        fileKey: `imports/${w.orgId}/${id}.csv`,
        columns: input.columns,
        attestation,
        status: "awaiting_file",
        createdAt: w.now,
      }),
    );
  });
}
