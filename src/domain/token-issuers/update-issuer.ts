import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { earliest, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { TokenKeys } from "../../providers/token-keys.ts";
import { heldScopes } from "../access/operations.ts";
import { type ChangeFacts, changeFacts, givenFields } from "../audit/change-facts.ts";
import type { ScopesLacking } from "../access/lacking-scopes.ts";
import { type WithAccess, withAccess } from "../access/with-access.ts";
import { keyOf, ownEnd } from "../api-keys/create-key.ts";
import { lockHeld } from "../members/lock-standings.ts";
import { shown, type TokenIssuer } from "./create-issuer.ts";
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
/** What would hand on scopes that whoever asks lacks, and by which of the fields that they sent. */
export interface NotHeld extends ScopesLacking {
  readonly fields: readonly ("scopes" | "issuer" | "subjects" | "not_before" | "public_key" | "jwks_url" | "secret")[];
}
export type ChangeRefusal = "issuer_unknown" | "issuer_ended" | "changed_meanwhile" | NotHeld | KeyRefusal;

/** Its key, or what a signature is judged by beside it. */
const judgesAnew = ({ key, issuer, subjects }: IssuerChange): boolean =>
  givesKey(key) || issuer !== undefined || subjects !== undefined;
/** Tokens that were refused are taken. */
const reopens = ({ notBefore }: IssuerChange, was: TokenIssuer): boolean =>
  notBefore !== undefined && was.notBefore !== null && (notBefore === null || notBefore < was.notBefore);
const keyFields = ({ publicKey, jwksUrl, secret }: GivenKey) => [
  ...(publicKey === undefined ? [] : (["public_key"] as const)),
  ...(jwksUrl === undefined ? [] : (["jwks_url"] as const)),
  ...(secret === undefined ? [] : (["secret"] as const)),
];

/**
 * Whoever says whose tokens are taken hands on all that the issuer may: with a key they could make tokens, with an earlier
 * `not_before` bring back those that somebody had refused. Null: they have what they hand on.
 */
function notHeld(change: IssuerChange, was: TokenIssuer, held: readonly string[]): NotHeld | null {
  const all = judgesAnew(change) || reopens(change, was);
  const lacking = (change.scopes ?? was.scopes).filter((scope) => !held.includes(scope));
  const added = lacking.filter((scope) => !was.scopes.includes(scope));
  const fields = [
    ...(added.length > 0 || (all && lacking.length > 0 && change.scopes !== undefined) ? (["scopes"] as const) : []),
    ...(change.issuer === undefined ? [] : (["issuer"] as const)),
    ...(change.subjects === undefined ? [] : (["subjects"] as const)),
    ...(reopens(change, was) ? (["not_before"] as const) : []),
    ...keyFields(change.key),
  ];
  const handedOn = all ? lacking : added;
  return handedOn.length === 0 ? null : { code: "scope_not_held", lacking: handedOn, fields };
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
): Promise<Result<WithAccess<TokenIssuer>, ChangeRefusal>> {
  const { key: given, ...fields } = change;
  const before = await findIssuer(org, id);
  if (before === null) return refuse("issuer_unknown");
  if (Object.keys(fields).length === 0 && !givesKey(given)) {
    const [found] = await withAccess(org, [before], realNow);
    return found === undefined ? refuse("issuer_unknown") : ok(found);
  }
  if (hasEnded(before, realNow)) return refuse("issuer_ended");
  const bound = await org.bound();
  // Before a key set is fetched, while no transaction is open; and again when nobody else can change anything.
  const lacking = notHeld(change, before, heldScopes(bound));
  if (lacking !== null) return refuse(lacking);
  const key = givesKey(given) ? await judgeKey(keys, before.alg, given) : null;
  if (key !== null && !key.ok) return key;
  const version = judgesAnew(change) ? before.version + 1 : before.version;
  const columns = key === null ? {} : await keyColumns(keys, { orgId: before.orgId, id, version }, key.value, realNow);
  return org.change({ action: "token_issuer.updated", subject: publicId("tokenIssuer", id), facts: { version } }, async (w) => {
    const refused = (refusal: "changed_meanwhile" | NotHeld) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const held = await lockHeld(w, org.actor, bound, "token_issuers.update");
    // Whoever else changes an issuer waits at that lock: its scopes and `not_before` stay as they are read here.
    const was = await w.findOne(tokenIssuers, eq(tokenIssuers.id, id));
    if (was === null || was.version !== before.version) return refused("changed_meanwhile");
    const lackingNow = notHeld(change, was, held ?? []);
    if (lackingNow !== null) return refused(lackingNow);
    if (held === null) return refused("changed_meanwhile");
    const answers = judgesAnew(change) || reopens(change, was);
    // And answers for it from now on, for no longer than they last.
    const ends = async () => earliest([was.expiresAt, await ownEnd(w, org.actor)]);
    const answering = answers ? { sponsorId: bound.sponsorId, expiresAt: await ends() } : {};
    const setter = keyOf(org.actor);
    const setters = {
      ...(key === null ? {} : { keySetBy: setter }),
      ...(change.issuer === undefined ? {} : { issuerSetBy: setter }),
      ...(change.subjects === undefined ? {} : { subjectsSetBy: setter }),
    };
    const unrevoked = and(eq(tokenIssuers.id, id), isNull(tokenIssuers.revokedAt)) ?? eq(tokenIssuers.id, id);
    const [updated] = await w.update(tokenIssuers, unrevoked, { ...fields, ...columns, ...answering, ...setters, version });
    if (updated === undefined) return refused("changed_meanwhile");
    w.note(factsOf(was, updated, change));
    return ok(await shown(w, updated, realNow));
  });
}

/** A secret is named, and no more; who answers for it and its end stand there where the change moved them. */
function factsOf(was: TokenIssuer, updated: TokenIssuer, change: IssuerChange): ChangeFacts {
  const { key, ...fields } = change;
  const [before, after] = [shownOf(was), shownOf(updated)];
  const moved = (["sponsorId", "expiresAt"] as const).filter((field) => before[field] !== after[field]);
  const keys = givesKey(key) ? (["publicKey", "jwksUrl"] as const).filter((from) => before[from] ?? after[from]) : [];
  const facts = changeFacts(before, after, [...givenFields(fields), ...keys, ...moved]);
  return { ...facts, changed: [...new Set([...facts.changed, ...keyFields(key)])].toSorted() };
}
const shownOf = (row: TokenIssuer) => ({
  ...row,
  sponsorId: row.sponsorId === null ? null : publicId("user", row.sponsorId),
});

export const hasEnded = ({ revokedAt, expiresAt }: TokenIssuer, realNow: Instant): boolean =>
  revokedAt !== null || (expiresAt !== null && expiresAt <= realNow);
