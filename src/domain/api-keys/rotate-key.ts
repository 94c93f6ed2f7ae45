import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import type { ApiKeyMint } from "../../lib/api-key.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, earliest, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { hasKeys, livingWithRotationsMax } from "../access/living-max.ts";
import { lackingScopes, type ScopesLacking } from "../access/lacking-scopes.ts";
import { lockHeld } from "../members/lock-standings.ts";
import { insertKey, keyOf, type KeyWithSecret, ownEnd, withSecret } from "./create-key.ts";

export type RotationRefusal =
  | "key_unknown"
  | "key_ended"
  | "too_many"
  | ScopesLacking
  /** It has a successor already, by that one's public id. */
  | { readonly code: "key_rotated"; readonly successor: string };

/**
 * A new key with the old one's name, scopes and end; the old one works for so long beside it. Who has not all of its
 * scopes may not: the answer carries the secret. Whoever rotates it answers for the new one. A key is rotated once, by itself or
 * by another: whoever lost the successor's secret rotates that one, and whoever holds a key that is on its way out, a thief
 * perhaps, gets none from it that stays.
 */
export async function rotateKey(
  org: OrgDb,
  mint: ApiKeyMint,
  id: string,
  overlapSeconds: number,
  realNow: Instant,
): Promise<Result<KeyWithSecret, RotationRefusal>> {
  const bound = await org.bound();
  const madeBy = keyOf(org.actor);
  const minted = await mint(bound.livemode);
  const successor = publicId("apiKey", minted.id);
  return org.change({ action: "api_key.rotated", subject: publicId("apiKey", id), facts: { successor } }, async (w) => {
    const refused = (refusal: RotationRefusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const held = await lockHeld(w, org.actor, bound, "api_keys.rotate");
    const old = await w.findOne(apiKeys, eq(apiKeys.id, id));
    if (old === null) return refused("key_unknown");
    const lacking = lackingScopes(old.scopes, held);
    if (lacking !== null) return refused(lacking);
    if (old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt <= realNow)) return refused("key_ended");
    if (old.successorId !== null) return refused({ code: "key_rotated", successor: publicId("apiKey", old.successorId) });
    if (await hasKeys(w, livingWithRotationsMax, madeBy, realNow)) return refused("too_many");
    const expiresAt = earliest([old.expiresAt, id === madeBy ? null : await ownEnd(w, org.actor)]);
    const made = { name: old.name, scopes: old.scopes, expiresAt, sponsorId: bound.sponsorId, madeBy, rotated: old };
    const key = await insertKey(w, minted, made, realNow);
    const ends = earliest([old.expiresAt, addSeconds(realNow, overlapSeconds)]);
    const unrevoked = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)) ?? eq(apiKeys.id, id);
    if ((await w.update(apiKeys, unrevoked, { expiresAt: ends, successorId: minted.id })).length === 0)
      return refused("key_ended");
    w.note({ expires_at: ends });
    const facts = { scopes: old.scopes, expires_at: expiresAt, rotated_from: publicId("apiKey", id) };
    w.also({ action: "api_key.created", subject: successor, facts });
    return ok(await withSecret(w, key, minted, realNow));
  });
}
