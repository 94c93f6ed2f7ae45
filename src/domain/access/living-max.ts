import type { OrgWriter } from "../../db/org-db.ts";
import { issuersReach, keysReach } from "../../db/queries/credentials.ts";
import { addSeconds, type Instant } from "../../lib/instant.ts";

/**
 * How many API keys of an org work at one time, and how many token issuers are not revoked: a leaked key that makes others without
 * end would make more than can be ended at once. What was made within a day counts too, so that making and ending them by turns
 * makes no chain without end. Counted under the lock of the org's members.
 */
export const livingMax = 1_000;
/** A rotation is refused later: it is how a key that somebody else may have is replaced. */
export const livingWithRotationsMax = 2 * livingMax;
const daySeconds = 86_400;

export const hasKeys = async (w: OrgWriter, count: number, realNow: Instant): Promise<boolean> =>
  (await w.rows(keysReach(count, addSeconds(realNow, -daySeconds), realNow))).length > 0;
export const hasIssuers = async (w: OrgWriter, count: number, realNow: Instant): Promise<boolean> =>
  (await w.rows(issuersReach(count, addSeconds(realNow, -daySeconds)))).length > 0;
