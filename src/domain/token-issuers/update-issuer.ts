import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { earliest, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { TokenKeys } from "../../providers/token-keys.ts";
import { heldScopes } from "../access/operations.ts";
import { ownEnd } from "../api-keys/create-key.ts";
import { lockHeld } from "../members/lock-standings.ts";
import type { TokenIssuer } from "./create-issuer.ts";
import { findIssuer } from "./find-issuers.ts";
import { type GivenKey, givesKey, judgeKey, keyColumns, type KeyRefusal } from "./judge-key.ts";

export interface IssuerChange {
  readonly name?: string;
  readonly issuer?: string;
  readonly subjects?: string[] | null;
  readonly scopes?: string[];
  /** Tokens issued before it are refused. */
  readonly notBefore?: Instant | null;
  readonly key: GivenKey;
}
export type ChangeRefusal = "issuer_unknown" | "issuer_ended" | "changed_meanwhile" | "scope_not_held" | KeyRefusal;

/** Its key, or what a signature is judged by beside it. */
const judgesAnew = ({ key, issuer, subjects }: IssuerChange): boolean =>
  givesKey(key) || issuer !== undefined || subjects !== undefined;
/** Tokens that were refused are taken. */
const reopens = ({ notBefore }: IssuerChange, was: TokenIssuer): boolean =>
  notBefore !== undefined && was.notBefore !== null && (notBefore === null || notBefore < was.notBefore);

/**
 * Whoever says whose tokens are taken hands on all that the issuer may: with a key they could make tokens, with an earlier
 * `not_before` bring back those that somebody had refused.
 */
function handedOn(change: IssuerChange, was: TokenIssuer): readonly string[] {
  const scopes = change.scopes ?? was.scopes;
  return judgesAnew(change) || reopens(change, was) ? scopes : scopes.filter((scope) => !was.scopes.includes(scope));
}

/**
 * Changes it. What a signature is judged by (its key, `iss`, the subjects) makes a new version, which the statement that binds
 * asks for: a token that was verified by the old one is refused, wherever that was remembered. Scopes and `not_before` are
 * read by that statement itself.
 */
export async function updateIssuer(
  org: OrgDb,
  keys: TokenKeys,
  id: string,
  change: IssuerChange,
  realNow: Instant,
): Promise<Result<TokenIssuer, ChangeRefusal>> {
  const { key: given, ...fields } = change;
  const before = await findIssuer(org, id);
  if (before === null) return refuse("issuer_unknown");
  if (Object.keys(fields).length === 0 && !givesKey(given)) return ok(before);
  if (hasEnded(before, realNow)) return refuse("issuer_ended");
  const bound = await org.bound();
  const isHeld = (was: TokenIssuer, held: readonly string[]) => handedOn(change, was).every((scope) => held.includes(scope));
  // Before a key set is fetched, while no transaction is open; and again when nobody else can change anything.
  if (!isHeld(before, heldScopes(bound))) return refuse("scope_not_held");
  const key = givesKey(given) ? await judgeKey(keys, before.alg, given) : null;
  if (key !== null && !key.ok) return key;
  const version = judgesAnew(change) ? before.version + 1 : before.version;
  const columns = key === null ? {} : await keyColumns(keys, { orgId: before.orgId, id, version }, key.value, realNow);
  const facts = { changed: [...Object.keys(fields), ...(key === null ? [] : [key.value.from])], version };
  return org.change({ action: "token_issuer.updated", subject: publicId("tokenIssuer", id), facts }, async (w) => {
    const refused = (refusal: "changed_meanwhile" | "scope_not_held") => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const held = await lockHeld(w, org.actor, bound, "token_issuers.update");
    // Whoever else changes an issuer waits at that lock: its scopes and `not_before` stay as they are read here.
    const was = await w.findOne(tokenIssuers, eq(tokenIssuers.id, id));
    if (was === null || was.version !== before.version) return refused("changed_meanwhile");
    if (held === null || !isHeld(was, held)) return refused("scope_not_held");
    const answers = judgesAnew(change) || reopens(change, was);
    // And answers for it from now on, for no longer than they last.
    const ends = async () => earliest([was.expiresAt, await ownEnd(w, org.actor)]);
    const answering = answers ? { sponsorId: bound.sponsorId, expiresAt: await ends() } : {};
    const unrevoked = and(eq(tokenIssuers.id, id), isNull(tokenIssuers.revokedAt)) ?? eq(tokenIssuers.id, id);
    const [updated] = await w.update(tokenIssuers, unrevoked, { ...fields, ...columns, ...answering, version });
    return updated === undefined ? refused("changed_meanwhile") : ok(updated);
  });
}

export const hasEnded = ({ revokedAt, expiresAt }: TokenIssuer, realNow: Instant): boolean =>
  revokedAt !== null || (expiresAt !== null && expiresAt <= realNow);
