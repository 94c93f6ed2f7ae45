import { and, eq, gt, isNull, or, type SQL } from "drizzle-orm";
import type { OrgWriter } from "../../db/org-db.ts";
import { apiKeys, tokenIssuers } from "../../db/schema/index.ts";
import { type IdKind, publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { livingMax, livingWithRotationsMax } from "../access/living-max.ts";
import { heldScopes, type Role } from "../access/operations.ts";

/** What a member answers for, and what became of it with a change of theirs. */
export interface AffectedCredential {
  readonly kind: "api_key" | "token_issuer";
  /** Its public id. */
  readonly id: string;
  readonly name: string;
  readonly effect: "ended" | "limited";
}
/** What lives: of what has run out nothing ends, and nothing is told. */
const keysOf = (userId: string, realNow: Instant) =>
  and(
    eq(apiKeys.sponsorId, userId),
    isNull(apiKeys.revokedAt),
    or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, realNow)),
  ) as SQL;
const issuersOf = (userId: string) => and(eq(tokenIssuers.sponsorId, userId), isNull(tokenIssuers.revokedAt)) as SQL;
const livingIssuersOf = (userId: string, realNow: Instant) =>
  and(issuersOf(userId), or(isNull(tokenIssuers.expiresAt), gt(tokenIssuers.expiresAt, realNow))) as SQL;

/**
 * Revoked, and not only out of use while the person is gone: who is invited again one day does not bring back credentials that
 * nobody remembers.
 */
export async function endCredentialsOf(w: OrgWriter, userId: string, realNow: Instant): Promise<AffectedCredential[]> {
  const facts = { why: "whoever answers for it was removed" };
  const keys = await w.update(apiKeys, keysOf(userId, realNow), { revokedAt: realNow });
  // Also those that have run out: they may hold a secret still.
  const issuers = await w.update(tokenIssuers, issuersOf(userId), { revokedAt: realNow, sealed: null });
  for (const { id } of keys) w.also({ action: "api_key.revoked", subject: publicId("apiKey", id), facts });
  for (const { id } of issuers) w.also({ action: "token_issuer.revoked", subject: publicId("tokenIssuer", id), facts });
  return affected(keys, issuers, "ended");
}

/** Those with a scope that asks for more than the role: each request with them is judged by it from now on. */
export async function credentialsLimitedBy(
  w: OrgWriter,
  userId: string,
  role: Role,
  realNow: Instant,
): Promise<AffectedCredential[]> {
  const held = heldScopes({ scopes: null, role });
  const isLimited = (row: Credential) => row.scopes.some((scope) => !held.includes(scope));
  const keys = await w.find(apiKeys, keysOf(userId, realNow), { limit: livingWithRotationsMax });
  const issuers = await w.find(tokenIssuers, livingIssuersOf(userId, realNow), { limit: livingMax });
  return affected(keys.filter(isLimited), issuers.filter(isLimited), "limited");
}

interface Credential {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}
function affected(
  keys: readonly Credential[],
  issuers: readonly Credential[],
  effect: AffectedCredential["effect"],
): AffectedCredential[] {
  const told = (rows: readonly Credential[], kind: AffectedCredential["kind"], idKind: IdKind) =>
    rows.map(({ id, name }) => ({ kind, id: publicId(idKind, id), name, effect }));
  return [...told(keys, "api_key", "apiKey"), ...told(issuers, "token_issuer", "tokenIssuer")];
}
