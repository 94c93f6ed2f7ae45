import type { OrgDb } from "../../db/org-db.ts";
import { liveSessions, type SessionRow } from "../../db/queries/users.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Page } from "../page.ts";

/** Newest first, one more than the page has. */
export const findOwnSessions = (own: OrgDb, userId: string, { limit, after }: Page, realNow: Instant): Promise<SessionRow[]> =>
  own.rows<SessionRow>(liveSessions(userId, after, limit + 1, realNow));
