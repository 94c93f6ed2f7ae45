import { and, eq, isNull } from "drizzle-orm";
import type { OrgWriter } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { heldScopes, type Role } from "../access/operations.ts";

/** An API key that a member answers for, and what became of it with a change of theirs. */
export interface AffectedKey {
  readonly id: string;
  readonly name: string;
  readonly effect: "ended" | "limited";
}
const keysMax = 1_000;
const ofMember = (userId: string) => and(eq(apiKeys.sponsorId, userId), isNull(apiKeys.revokedAt));

/**
 * Revoked, and not only out of use while the person is gone: who is invited again one day does not bring back keys that
 * nobody remembers.
 */
export async function endKeysOf(w: OrgWriter, userId: string, realNow: Instant): Promise<AffectedKey[]> {
  const where = ofMember(userId) ?? eq(apiKeys.sponsorId, userId);
  const ended = await w.update(apiKeys, where, { revokedAt: realNow });
  for (const { id } of ended)
    w.also({ action: "api_key.revoked", subject: publicId("apiKey", id), facts: { why: "its member was removed" } });
  return ended.filter((key) => lives(key, realNow)).map(({ id, name }) => ({ id, name, effect: "ended" }));
}

/** Those with a scope that asks for more than the role: each request with them is judged by it from now on. */
export async function keysLimitedBy(w: OrgWriter, userId: string, role: Role, realNow: Instant): Promise<AffectedKey[]> {
  const held = heldScopes({ scopes: null, role });
  const keys = await w.find(apiKeys, ofMember(userId), { limit: keysMax });
  return keys
    .filter((key) => lives(key, realNow) && key.scopes.some((scope) => !held.includes(scope)))
    .map(({ id, name }) => ({ id, name, effect: "limited" }));
}

const lives = (key: { readonly expiresAt: Instant | null }, realNow: Instant): boolean =>
  key.expiresAt === null || key.expiresAt > realNow;
