import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import type { ApiKeyMint } from "../../lib/api-key.ts";
import { publicId, uuidOf } from "../../lib/ids.ts";
import { addSeconds, earliest, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { lockHeld } from "../members/lock-standings.ts";
import { insertKey, type KeyWithSecret, ownEnd } from "./create-key.ts";

/**
 * A new key with the old one's name, scopes and end; the old one works for so long beside it. Who has not all of its
 * scopes may not: the answer carries the secret. Whoever rotates it answers for the new one. A key may rotate itself, once.
 */
export async function rotateKey(
  org: OrgDb,
  mint: ApiKeyMint,
  id: string,
  overlapSeconds: number,
  realNow: Instant,
): Promise<Result<KeyWithSecret, "key_unknown" | "key_ended" | "key_rotated" | "scope_not_held">> {
  const bound = await org.bound();
  const makersId = uuidOf("apiKey", org.actor.id);
  const minted = await mint(bound.livemode);
  const facts = { successor: publicId("apiKey", minted.id) };
  return org.change({ action: "api_key.rotated", subject: publicId("apiKey", id), facts }, async (w) => {
    const refused = (refusal: "key_unknown" | "key_ended" | "key_rotated" | "scope_not_held") => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const held = await lockHeld(w, org.actor, bound, "api_keys.rotate");
    const old = await w.findOne(apiKeys, eq(apiKeys.id, id));
    if (old === null) return refused("key_unknown");
    if (held === null || !old.scopes.every((scope) => held.includes(scope))) return refused("scope_not_held");
    if (old.expiresAt !== null && old.expiresAt <= realNow) return refused("key_ended");
    // Who holds a key that is on its way out, a thief perhaps, gets none from it that stays.
    if (id === makersId && old.expiresAt !== old.givenEnd) return refused("key_rotated");
    const ends = earliest([old.expiresAt, addSeconds(realNow, overlapSeconds)]);
    const unrevoked = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt));
    if ((await w.update(apiKeys, unrevoked ?? eq(apiKeys.id, id), { expiresAt: ends })).length === 0) return refused("key_ended");
    // The end that the old one was given, not the one that an earlier rotation left it.
    const expiresAt = earliest([old.givenEnd, id === makersId ? null : await ownEnd(w, org.actor)]);
    return ok({
      key: await insertKey(w, minted, { ...old, expiresAt, sponsorId: bound.sponsorId }, realNow),
      secret: minted.clear,
    });
  });
}
