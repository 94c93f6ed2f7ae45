import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { databaseDefault } from "../../db/schema/columns.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import type { TokenAlg } from "../../lib/public-jwk.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { TokenKeys } from "../../providers/token-keys.ts";
import { heldScopes } from "../access/operations.ts";
import { lackingScopes, type ScopesLacking } from "../access/lacking-scopes.ts";
import { hasIssuers, livingMax } from "../access/living-max.ts";
import { type WithAccess, withAccess } from "../access/with-access.ts";
import { type EndTooLate, endWithin, keyOf, ownEnd } from "../api-keys/create-key.ts";
import { lockHeld } from "../members/lock-standings.ts";
import { type GivenKey, judgeKey, keyColumns, type KeyRefusal } from "./judge-key.ts";

export type TokenIssuer = typeof tokenIssuers.$inferSelect;
export interface NewIssuer {
  readonly name: string;
  readonly issuer: string;
  readonly alg: TokenAlg;
  readonly key: GivenKey;
  /** Null: whoever it signs for. */
  readonly subjects: readonly string[] | null;
  readonly scopes: readonly string[];
  /** Real clock; null = until it is revoked. */
  readonly expiresAt: Instant | null;
}

/** An issuer whose tokens can do no more than whoever registers it, and that lives no longer. */
export async function createIssuer(
  org: OrgDb,
  keys: TokenKeys,
  wanted: NewIssuer,
  realNow: Instant,
): Promise<Result<WithAccess<TokenIssuer>, ScopesLacking | EndTooLate | "expires_in_past" | "too_many" | KeyRefusal>> {
  const bound = await org.bound();
  const lacking = lackingScopes(wanted.scopes, heldScopes(bound));
  if (lacking !== null) return refuse(lacking);
  if (wanted.expiresAt !== null && wanted.expiresAt <= realNow) return refuse("expires_in_past");
  // A key set is fetched here, while no transaction is open.
  const key = await judgeKey(keys, wanted.alg, wanted.key);
  if (!key.ok) return key;
  const id = org.newId();
  const columns = await keyColumns(keys, { orgId: bound.orgId, id, version: 1 }, key.value, realNow);
  const { name, issuer, alg, scopes, subjects } = wanted;
  const facts = { issuer, alg, scopes, subjects, key_from: key.value.from };
  return org.change({ action: "token_issuer.created", subject: publicId("tokenIssuer", id), facts }, async (w) => {
    const refused = (refusal: ScopesLacking | EndTooLate | "too_many") => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const lackingNow = lackingScopes(scopes, await lockHeld(w, org.actor, bound, "token_issuers.create"));
    if (lackingNow !== null) return refused(lackingNow);
    const end = endWithin(wanted.expiresAt, await ownEnd(w, org.actor));
    if (!end.ok) return refused(end.refusal);
    const maker = keyOf(org.actor);
    if (await hasIssuers(w, livingMax, maker, realNow)) return refused("too_many");
    w.note({ expires_at: end.value });
    const made = await w.insert(tokenIssuers, {
      ...columns,
      id,
      name,
      issuer,
      alg,
      subjects: subjects === null ? null : [...subjects],
      scopes: [...scopes],
      sponsorId: bound.sponsorId,
      keySetBy: maker,
      issuerSetBy: maker,
      subjectsSetBy: maker,
      version: databaseDefault as never,
      createdAt: realNow,
      expiresAt: end.value,
    });
    return ok(await shown(w, made, realNow));
  });
}

export async function shown(w: OrgWriter, issuer: TokenIssuer, realNow: Instant): Promise<WithAccess<TokenIssuer>> {
  const [one] = await withAccess(w, [issuer], realNow);
  if (one === undefined) throw new Error("an issuer without what its tokens may");
  return one;
}
