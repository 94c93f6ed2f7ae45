import { and, eq, isNull } from "drizzle-orm";
import { DbError } from "../../db/db-error.ts";
import type { Actor, Bound, OrgWriter } from "../../db/org-db.ts";
import { ownersOfOrg, type OwnerRow } from "../../db/queries/alerts.ts";
import { lockMembers, type MemberRow, membersById } from "../../db/queries/members.ts";
import { apiKeys } from "../../db/schema/index.ts";
import { uuidOf } from "../../lib/ids.ts";
import { refuse, type Result } from "../../lib/result.ts";
import { heldScopes, type OperationId, operations, rolesFrom } from "../access/operations.ts";

/**
 * Who acts and whom it is about, as they stand now. Whoever else changes members waits until this transaction ends, so that a
 * role which was taken away while its holder's request was under way decides nothing more.
 */
export async function lockStandings(
  w: OrgWriter,
  actorId: string | null,
  targetId: string,
): Promise<{ readonly actor: MemberRow | undefined; readonly target: MemberRow | undefined }> {
  await w.rows(lockMembers());
  const rows = await w.rows<MemberRow>(membersById([...(actorId === null ? [] : [actorId]), targetId]));
  return { actor: rows.find(({ id }) => id === actorId), target: rows.find(({ id }) => id === targetId) };
}

/** Addresses of those who own the org now, but for one person: whom that one can ask about what became of them. */
export const othersWhoOwn = async (w: OrgWriter, userId: string): Promise<string[]> =>
  (await w.rows<OwnerRow>(ownersOfOrg())).filter((owner) => owner.user_id !== userId).map(({ email }) => email);

/** An org keeps an owner: the database says so when the change would commit, and then nothing of it has happened. */
export async function keepingAnOwner<T, R>(change: Promise<Result<T, R>>): Promise<Result<T, R | "last_owner">> {
  try {
    return await change;
  } catch (thrown) {
    if (thrown instanceof DbError && thrown.constraint === "org_keeps_an_owner") return refuse("last_owner");
    throw thrown;
  }
}

/**
 * What whoever acts may hand on, as they stand now: a credential made, or let do more, commits before the removal of its
 * sponsor, which then ends it, or is refused after it; so does what a key makes, and the report that it was leaked. Null: they may not ask for the operation any more. `bound` is asked
 * before the change: what a key's own use writes is then committed, and its row waits for nobody here.
 */
export async function lockHeld(
  w: OrgWriter,
  actor: Actor,
  bound: Bound,
  operation: OperationId,
): Promise<readonly string[] | null> {
  await w.rows(lockMembers());
  if (await isRevoked(w, actor)) return null;
  // A key of the organisation's own answers for itself.
  if (bound.sponsorId === null) return heldScopes(bound);
  const [sponsor] = await w.rows<MemberRow>(membersById([bound.sponsorId]));
  const least = operations[operation].role;
  if (sponsor === undefined || least === null || !rolesFrom(least).includes(sponsor.role)) return null;
  return heldScopes({ scopes: bound.scopes, role: sponsor.role });
}

async function isRevoked(w: OrgWriter, actor: Actor): Promise<boolean> {
  const id = uuidOf("apiKey", actor.id);
  if (id === null) return false;
  const ofId = eq(apiKeys.id, id);
  return (await w.findOne(apiKeys, and(ofId, isNull(apiKeys.revokedAt)) ?? ofId)) === null;
}
