import { DbError } from "../../db/db-error.ts";
import type { OrgWriter } from "../../db/org-db.ts";
import { lockMembers, type MemberRow, membersById } from "../../db/queries/members.ts";
import { refuse, type Result } from "../../lib/result.ts";

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

/** An org keeps an owner: the database says so when the change would commit, and then nothing of it has happened. */
export async function keepingAnOwner<T, R>(change: Promise<Result<T, R>>): Promise<Result<T, R | "last_owner">> {
  try {
    return await change;
  } catch (thrown) {
    if (thrown instanceof DbError && thrown.constraint === "org_keeps_an_owner") return refuse("last_owner");
    throw thrown;
  }
}
