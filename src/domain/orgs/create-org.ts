import type { OrgDb } from "../../db/org-db.ts";
import { dueForRotation, type OrgOfPersonRow, orgsOfPerson } from "../../db/queries/users.ts";
import { lockUser } from "../../db/queries/ways-in.ts";
import { memberships } from "../../db/schema/index.ts";
import { gatesMissing } from "../../gates/registry.ts";
import { packsMissing } from "../../gates/rules/packs.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { foundOrg } from "./found-org.ts";

/** As an owner: whoever needs more asks the platform's operator. */
export const ownedMax = 20;
const orgsReadMax = 1_000;

export interface MadeOrg {
  readonly id: string;
  readonly name: string;
  readonly livemode: boolean;
  readonly createdAt: Instant;
}

/**
 * An organisation of a person's own. A live one takes a second factor, and a build that has every gate and rule pack: until
 * then nobody could be protected in it (gates.md, From decision to ring).
 * @param missing what this build lacks of them
 */
export async function createOrg(
  own: OrgDb,
  userId: string,
  wanted: { readonly name: string; readonly livemode: boolean },
  realNow: Instant,
  missing: readonly string[] = [...gatesMissing, ...packsMissing],
): Promise<Result<MadeOrg, "second_factor_missing" | "live_not_open" | "too_many_orgs">> {
  // Asked first, also for a test org: what a session's own use writes is then committed, and its row waits for nobody below.
  const { factorAt } = await own.bound();
  if (wanted.livemode && factorAt === null) return refuse("second_factor_missing");
  if (wanted.livemode && missing.length > 0) return refuse("live_not_open");
  return foundOrg(own, { ...wanted, clockAt: realNow }, async (w) => {
    await w.rows(lockUser(userId));
    const orgs = await w.rows<OrgOfPersonRow>(orgsOfPerson(userId, orgsReadMax));
    if (orgs.filter(({ role }) => role === "owner").length >= ownedMax) {
      w.withdrawEntry();
      return refuse("too_many_orgs");
    }
    await w.insert(memberships, { userId, role: "owner", createdAt: realNow });
    w.also({ action: "member.added", subject: publicId("user", userId), facts: { role: "owner" } });
    await w.rows(dueForRotation([userId]));
    return ok({ id: w.orgId, ...wanted, createdAt: realNow });
  });
}
