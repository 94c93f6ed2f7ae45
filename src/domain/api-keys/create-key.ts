import { eq } from "drizzle-orm";
import type { Actor, OrgDb, OrgWriter } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import { heldScopes } from "../access/operations.ts";
import { lackingScopes, type ScopesLacking } from "../access/lacking-scopes.ts";
import { hasKeys, livingMax } from "../access/living-max.ts";
import { type WithAccess, withAccess } from "../access/with-access.ts";
import type { ApiKeyMint, MintedApiKey } from "../../lib/api-key.ts";
import { publicId, uuidOf } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { lockHeld } from "../members/lock-standings.ts";

export type ApiKeyRow = typeof apiKeys.$inferSelect;
export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Real clock; null = until it is revoked. */
  readonly expiresAt: Instant | null;
}
/** A key and its secret, which is stored nowhere. */
export interface KeyWithSecret {
  readonly key: WithAccess<ApiKeyRow>;
  readonly secret: string;
}

/** An end was asked for that is later than the one of the key that asks. */
export interface EndTooLate {
  readonly code: "expires_too_late";
  readonly latest: Instant;
}

/** A key that can do no more than the one that makes it. */
export async function createKey(
  org: OrgDb,
  mint: ApiKeyMint,
  wanted: NewKey,
  realNow: Instant,
): Promise<Result<KeyWithSecret, ScopesLacking | EndTooLate | "expires_in_past" | "too_many">> {
  const bound = await org.bound();
  const lacking = lackingScopes(wanted.scopes, heldScopes(bound));
  if (lacking !== null) return refuse(lacking);
  if (wanted.expiresAt !== null && wanted.expiresAt <= realNow) return refuse("expires_in_past");
  const minted = await mint(bound.livemode);
  const { scopes } = wanted;
  return org.change({ action: "api_key.created", subject: publicId("apiKey", minted.id), facts: { scopes } }, async (w) => {
    const refused = (refusal: ScopesLacking | EndTooLate | "too_many") => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const lackingNow = lackingScopes(scopes, await lockHeld(w, org.actor, bound, "api_keys.create"));
    if (lackingNow !== null) return refused(lackingNow);
    const end = endWithin(wanted.expiresAt, await ownEnd(w, org.actor));
    if (!end.ok) return refused(end.refusal);
    const madeBy = keyOf(org.actor);
    if (await hasKeys(w, livingMax, madeBy, realNow)) return refused("too_many");
    w.note({ expires_at: end.value });
    const made = { ...wanted, expiresAt: end.value, sponsorId: bound.sponsorId, madeBy };
    const key = await insertKey(w, minted, made, realNow);
    return ok(await withSecret(w, key, minted, realNow));
  });
}

/** The key that acts; null: somebody else does. */
export const keyOf = (actor: Actor): string | null => uuidOf("apiKey", actor.id);

/** When the key that asks ends; null = never. */
export async function ownEnd(w: OrgWriter, actor: Actor): Promise<Instant | null> {
  const id = keyOf(actor);
  return id === null ? null : ((await w.findOne(apiKeys, eq(apiKeys.id, id)))?.expiresAt ?? null);
}

/** What a key makes lives no longer than the key. One that is to end by itself alone ends with it; a later end is not cut in silence. */
export function endWithin(wanted: Instant | null, latest: Instant | null): Result<Instant | null, EndTooLate> {
  if (wanted !== null && latest !== null && wanted > latest) return refuse({ code: "expires_too_late", latest });
  return ok(wanted ?? latest);
}

/** What it may is asked in its own transaction: a question that is refused after it would lose the secret. */
export async function withSecret(w: OrgWriter, key: ApiKeyRow, minted: MintedApiKey, realNow: Instant): Promise<KeyWithSecret> {
  const [shown] = await withAccess(w, [key], realNow);
  if (shown === undefined) throw new Error("a key without what it may");
  return { key: shown, secret: minted.clear };
}

/** With who answers for it: nobody, when a key makes it for which nobody does. `rotated`: the key in whose place it is made. */
export const insertKey = (
  w: OrgWriter,
  minted: MintedApiKey,
  {
    name,
    scopes,
    expiresAt,
    sponsorId,
    madeBy,
    rotated = null,
  }: NewKey & { readonly sponsorId: string | null; readonly madeBy: string | null; readonly rotated?: ApiKeyRow | null },
  createdAt: Instant,
) =>
  w.insert(apiKeys, {
    id: minted.id,
    name,
    secretHash: minted.hash,
    scopes: [...scopes],
    createdAt,
    expiresAt,
    sponsorId,
    madeBy,
    rotatedFrom: rotated?.id ?? null,
    firstKeyId: rotated?.firstKeyId ?? rotated?.id ?? null,
  });
