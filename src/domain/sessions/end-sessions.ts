import type { OrgDb } from "../../db/org-db.ts";
import { endOtherSessions, endSession, type SessionRow } from "../../db/queries/users.ts";
import { lockUser } from "../../db/queries/ways-in.ts";
import type { Instant } from "../../lib/instant.ts";
import { publicId } from "../../lib/ids.ts";

/** Ends one of the person's sessions: the next request with it is refused. Null when there is none of theirs. */
export async function endOwnSession(own: OrgDb, userId: string, id: string, realNow: Instant): Promise<SessionRow | null> {
  return own.change({ action: "session.ended", subject: publicId("session", id), facts: { by: "its person" } }, async (w) => {
    const [ended] = await w.rows<SessionRow>(endSession(userId, id, "signed_out", realNow));
    if (ended === undefined) w.withdrawEntry();
    return ended ?? null;
  });
}

/** Ends all of the person's sessions but the one that asks. An entry for each on the chain, and those that lived are answered. */
export async function endOtherSessionsOf(own: OrgDb, userId: string, kept: string, realNow: Instant): Promise<SessionRow[]> {
  const facts = { by: "its person" };
  return own.change({ action: "sessions.others_ended", subject: publicId("user", userId), facts }, async (w) => {
    await w.rows(lockUser(userId));
    const ended = await w.rows<SessionRow>(endOtherSessions(userId, kept, "signed_out", realNow));
    w.note({ kept: publicId("session", kept) });
    for (const { id } of ended) w.also({ action: "session.ended", subject: publicId("session", id), facts });
    if (ended.length === 0) w.withdrawEntry();
    return ended;
  });
}
