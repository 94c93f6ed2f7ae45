import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb, OrgWriter } from "../../db/org-db.ts";
import { ownersOfOrg, type OwnerRow } from "../../db/queries/alerts.ts";
import { successorsByItself } from "../../db/queries/members.ts";
import { byLeakedKey, knownKeys } from "../../db/queries/ways-in.ts";
import { apiKeys } from "../../db/schema/index.ts";
import type { ApiKeyHasher } from "../../lib/api-key.ts";
import { parseApiKey } from "../../lib/api-key.ts";
import { publicId, uuidOf } from "../../lib/ids.ts";
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
 * Revokes each key that was shown whole, with those that it made by rotating itself, and tells its organisation's owners by
 * mail. Answers for each report whether it is of the form of a key, which its checksum says without a database: whether there
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
  for (const { place } of known) {
    const key = keys[place - 1];
    if (key !== undefined) await revokeOne(visitor, deps, key, { reported_by: reportedBy, found_on: key.foundOn });
  }
  return parsed.map(({ key }) => key !== null);
}

async function revokeOne(
  visitor: OrgDb,
  deps: LeakDeps,
  key: { readonly id: string; readonly hash: Uint8Array },
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const realNow = deps.now();
  const entry = { action: "api_key.leaked", subject: publicId("apiKey", key.id), facts } as const;
  await visitor.changeBeyond(byLeakedKey(key, realNow), entry, async (w) => {
    const leaked = await end(w, key.id, realNow);
    if (leaked === undefined) return w.withdrawEntry();
    // Whoever found it may have rotated it: what it made of itself is theirs as well as anyone's.
    const ended = [leaked];
    for (const { id } of ended) {
      for (const { successor } of await w.rows<{ successor: string }>(successorsByItself(publicId("apiKey", id)))) {
        const next = await end(w, uuidOf("apiKey", successor) ?? "", realNow);
        if (next === undefined) continue;
        ended.push(next);
        w.also({
          action: "api_key.revoked",
          subject: successor,
          facts: { why: "the key that rotated itself into it was leaked" },
        });
      }
    }
    for (const { email } of await w.rows<OwnerRow>(ownersOfOrg()))
      for (const { name, id } of ended) {
        const ancestor = id === leaked.id ? {} : { ancestorId: publicId("apiKey", leaked.id) };
        const params = { orgName: w.orgName ?? "", keyName: name, keyId: publicId("apiKey", id), ...ancestor };
        await w.rows(await sealMail(deps, { kind: "key_leaked", to: email, params }));
      }
  });
}

async function end(w: OrgWriter, id: string, realNow: Instant): Promise<ApiKeyRow | undefined> {
  const ofId = eq(apiKeys.id, id);
  return (await w.update(apiKeys, and(ofId, isNull(apiKeys.revokedAt)) ?? ofId, { revokedAt: realNow }))[0];
}
