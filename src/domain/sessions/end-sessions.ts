import type { OrgDb } from "../../db/org-db.ts";
import { endSessions, type SessionRow } from "../../db/queries/users.ts";
import type { Instant } from "../../lib/instant.ts";
import { publicId } from "../../lib/ids.ts";

/**
 * Ends one of the person's sessions, or all of them: the next request with it is refused. Empty when there is none of theirs.
 */
export async function endOwnSessions(own: OrgDb, userId: string, only: string | null, realNow: Instant): Promise<SessionRow[]> {
  const subject = only === null ? publicId("user", userId) : publicId("session", only);
  return own.change({ action: "session.ended", subject, facts: { by: "its person" } }, async (w) => {
    const ended = await w.rows<SessionRow>(endSessions(userId, only, "signed_out", realNow));
    if (ended.length === 0) w.withdrawEntry();
    return ended;
  });
}
