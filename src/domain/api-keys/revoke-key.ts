import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { ApiKeyRow } from "./create-key.ts";

/** Every request that is bound after this has committed is refused. Null when there is no such key. */
export async function revokeKey(org: OrgDb, id: string, realNow: Instant): Promise<ApiKeyRow | null> {
  return org.change({ action: "api_key.revoked", subject: publicId("apiKey", id) }, async (w) => {
    const unrevoked = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt));
    const [revoked] = await w.update(apiKeys, unrevoked ?? eq(apiKeys.id, id), { revokedAt: realNow });
    if (revoked !== undefined) return revoked;
    w.withdrawEntry();
    return w.findOne(apiKeys, eq(apiKeys.id, id));
  });
}
