import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { ownersOfOrg, type OwnerRow } from "../../db/queries/alerts.ts";
import { type EndedRow, endWhatCameOf } from "../../db/queries/credentials.ts";
import { lockMembers } from "../../db/queries/members.ts";
import { byLeakedKey, knownKeys } from "../../db/queries/ways-in.ts";
import { apiKeys } from "../../db/schema/index.ts";
import type { ApiKeyHasher } from "../../lib/api-key.ts";
import { parseApiKey } from "../../lib/api-key.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { ApiKeyRow } from "./create-key.ts";

export interface LeakReport {
  readonly token: string;
  /** The host on which it was found, if the report says so. */
  readonly foundOn: string | null;
}
export interface LeakDeps extends MailDeps {
  readonly hashApiKey: ApiKeyHasher;
  now(): Instant;
}

/**
 * Revokes each key that was shown whole, with every key and token issuer that came of it, and tells its organisation's owners
 * by mail. Answers for each report whether it is of the form of a key, which its checksum says without a database: whether there
 * is such a key is told to nobody.
 */
export async function revokeLeaked(
  visitor: OrgDb,
  deps: LeakDeps,
  reports: readonly LeakReport[],
  reportedBy: string,
): Promise<boolean[]> {
  const parsed = reports.map(({ token, foundOn }) => ({ key: parseApiKey(token), foundOn }));
  const shown = new Map<string, { id: string; hash: Uint8Array; foundOn: string | null }>();
  for (const { key, foundOn } of parsed)
    if (key !== null && !shown.has(key.clear))
      shown.set(key.clear, { id: key.id, hash: await deps.hashApiKey(key.clear), foundOn });
  const keys = [...shown.values()];
  const known = keys.length === 0 ? [] : await visitor.rows<{ place: number }>(knownKeys(keys));
  const failures: unknown[] = [];
  for (const { place } of known) {
    const key = keys[place - 1];
    if (key === undefined) continue;
    // They are of as many organisations: what fails in one keeps no other's key open.
    const facts = { reported_by: reportedBy, found_on: key.foundOn };
    await revokeOne(visitor, deps, key, facts).catch((thrown: unknown) => failures.push(thrown));
  }
  if (failures.length > 0) throw failures[0];
  return parsed.map(({ key }) => key !== null);
}

function revokeOne(
  visitor: OrgDb,
  deps: LeakDeps,
  key: { readonly id: string; readonly hash: Uint8Array },
  facts: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const realNow = deps.now();
  const entry = { action: "api_key.leaked", subject: publicId("apiKey", key.id), facts } as const;
  return visitor.changeBeyond(byLeakedKey(key, realNow), entry, (w) => endLeaked(w, deps, key.id, realNow));
}

/** What ended with a leaked key, because it came of it. */
export interface CameOfKey {
  readonly kind: "api_key" | "token_issuer";
  readonly id: string;
  readonly name: string;
}

/**
 * The same for a key of which a member of its organisation thinks so, and has no more than its id. Answers what came of it and
 * has ended now; null when there is no such key.
 */
export function revokeAsLeaked(
  org: OrgDb,
  deps: LeakDeps,
  id: string,
): Promise<{ readonly key: ApiKeyRow; readonly came: readonly CameOfKey[] } | null> {
  const facts = { reported_by: "member", found_on: null };
  return org.change({ action: "api_key.leaked", subject: publicId("apiKey", id), facts }, async (w) => {
    const came = await endLeaked(w, deps, id, deps.now());
    const key = await w.findOne(apiKeys, eq(apiKeys.id, id));
    return key === null ? null : { key, came };
  });
}

async function endLeaked(w: OrgWriter, deps: LeakDeps, id: string, realNow: Instant): Promise<CameOfKey[]> {
  const keyId = publicId("apiKey", id);
  // What a key of the org makes meanwhile commits before this, and is found, or is refused after it.
  await w.rows(lockMembers());
  const ended = (await endKeys(w, [id], realNow)).length > 0;
  // Also of a key that was revoked before: whoever found it may have revoked it, by another that it had made.
  const came = await endThatCame(w, id, realNow);
  if (!ended && came.length === 0) {
    w.withdrawEntry();
    return came;
  }
  const { name = "" } = (await w.findOne(apiKeys, eq(apiKeys.id, id))) ?? {};
  const params = { orgName: w.orgName ?? "", keyName: name, keyId, came };
  for (const { email } of await w.rows<OwnerRow>(ownersOfOrg()))
    await w.rows(await sealMail(deps, { kind: "key_leaked", to: email, params }));
  return came;
}

/** Whoever found a key may have made others with it, and issuers: nobody can tell them from those that were meant. */
async function endThatCame(w: OrgWriter, id: string, realNow: Instant): Promise<CameOfKey[]> {
  const facts = { why: "it came of a key that was leaked", leaked: publicId("apiKey", id) };
  const ended = await w.rows<EndedRow>(endWhatCameOf(id, realNow));
  return ended.map(({ kind, id: uuid, name }) => {
    const one = { kind, id: publicId(kind === "api_key" ? "apiKey" : "tokenIssuer", uuid), name };
    w.also({ action: `${kind}.revoked`, subject: one.id, facts });
    return one;
  });
}

const endKeys = (w: OrgWriter, ids: readonly string[], realNow: Instant) =>
  w.update(apiKeys, and(inArray(apiKeys.id, [...ids]), isNull(apiKeys.revokedAt)) ?? sql`false`, { revokedAt: realNow });
