import type { OrgWriter } from "../../db/org-db.ts";
import { issuersReach, keysReach } from "../../db/queries/credentials.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";

/**
 * How many API keys of an org work at one time, and how many token issuers are not revoked: a leaked key that makes others without
 * end would make more than can be ended at once. For a key that asks what was made within a day counts too, so that making and ending
 * them by turns makes no chain without end; a person goes on as soon as a leaked key's are ended. Counted under the lock of the org's
 * members.
 */
export const livingMax = 1_000;
/** A rotation is refused later: it is how a key that somebody else may have is replaced. */
export const livingWithRotationsMax = 2 * livingMax;

/** @param maker the key that asks; null: a person. */
export const hasKeys = async (w: OrgWriter, count: number, maker: string | null, realNow: Instant): Promise<boolean> =>
  (await w.rows(keysReach(count, sinceOf(maker, realNow), realNow))).length > 0;
export const hasIssuers = async (w: OrgWriter, count: number, maker: string | null, realNow: Instant): Promise<boolean> =>
  (await w.rows(issuersReach(count, sinceOf(maker, realNow)))).length > 0;

const sinceOf = (maker: string | null, realNow: Instant): Instant | null =>
  maker === null ? null : addSeconds(realNow, -daySeconds);
