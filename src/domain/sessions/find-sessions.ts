import type { OrgDb } from "../../db/org-db.ts";
import { liveSessions, type SessionRow } from "../../db/queries/users.ts";
import type { Instant } from "../../lib/instant.ts";

export const findOwnSessions = (own: OrgDb, userId: string, realNow: Instant): Promise<SessionRow[]> =>
  own.rows<SessionRow>(liveSessions(userId, realNow));
