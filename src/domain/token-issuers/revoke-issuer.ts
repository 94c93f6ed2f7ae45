import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { TokenIssuer } from "./create-issuer.ts";

/** Every request with a token of it that is bound after this has committed is refused; a secret is destroyed. Null when there is none. */
export async function revokeIssuer(org: OrgDb, id: string, realNow: Instant): Promise<TokenIssuer | null> {
  return org.change({ action: "token_issuer.revoked", subject: publicId("tokenIssuer", id) }, async (w) => {
    const unrevoked = and(eq(tokenIssuers.id, id), isNull(tokenIssuers.revokedAt));
    const [revoked] = await w.update(tokenIssuers, unrevoked ?? eq(tokenIssuers.id, id), { revokedAt: realNow, sealed: null });
    if (revoked !== undefined) return revoked;
    w.withdrawEntry();
    return w.findOne(tokenIssuers, eq(tokenIssuers.id, id));
  });
}
