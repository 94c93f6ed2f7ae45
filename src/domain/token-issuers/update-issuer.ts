import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { earliest, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { TokenKeys } from "../../providers/token-keys.ts";
import { heldScopes } from "../access/operations.ts";
import { ownEnd } from "../api-keys/create-key.ts";
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

/**
 * Changes it. What a signature is judged by (its key, `iss`, the subjects) makes a new version, which the statement that binds
 * asks for: a token that was verified by the old one is refused, wherever that was remembered.
 */
export async function updateIssuer(
  org: OrgDb,
  keys: TokenKeys,
  id: string,
  { key: given, ...fields }: IssuerChange,
  realNow: Instant,
): Promise<Result<TokenIssuer, ChangeRefusal>> {
  const before = await findIssuer(org, id);
  if (before === null) return refuse("issuer_unknown");
  if (Object.keys(fields).length === 0 && !givesKey(given)) return ok(before);
  if (hasEnded(before, realNow)) return refuse("issuer_ended");
  const bound = await org.bound();
  const judgesAnew = givesKey(given) || fields.issuer !== undefined || fields.subjects !== undefined;
  const added = (fields.scopes ?? []).filter((scope) => !before.scopes.includes(scope));
  // Whoever says whose tokens they are could make them: then the scopes that it has count, too.
  const handedOn = judgesAnew ? [...added, ...(fields.scopes ?? before.scopes)] : added;
  if (!handedOn.every((scope) => heldScopes(bound).includes(scope))) return refuse("scope_not_held");
  const key = givesKey(given) ? await judgeKey(keys, before.alg, given) : null;
  if (key !== null && !key.ok) return key;
  const version = judgesAnew ? before.version + 1 : before.version;
  const columns = key === null ? {} : await keyColumns(keys, { orgId: before.orgId, id, version }, key.value, realNow);
  // And answers for it from now on, for no longer than they last.
  const answering = judgesAnew ? { sponsorId: bound.sponsorId, expiresAt: earliest([before.expiresAt, await ownEnd(org)]) } : {};
  const facts = { changed: [...Object.keys(fields), ...(key === null ? [] : [key.value.from])], version };
  return org.change({ action: "token_issuer.updated", subject: publicId("tokenIssuer", id), facts }, async (w) => {
    const asRead = and(eq(tokenIssuers.id, id), eq(tokenIssuers.version, before.version), isNull(tokenIssuers.revokedAt));
    const [updated] = await w.update(tokenIssuers, asRead ?? eq(tokenIssuers.id, id), {
      ...fields,
      ...columns,
      ...answering,
      version,
    });
    if (updated !== undefined) return ok(updated);
    w.withdrawEntry();
    return refuse("changed_meanwhile");
  });
}

export const hasEnded = ({ revokedAt, expiresAt }: TokenIssuer, realNow: Instant): boolean =>
  revokedAt !== null || (expiresAt !== null && expiresAt <= realNow);
