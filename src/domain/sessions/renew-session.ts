import type { OrgDb } from "../../db/org-db.ts";
import { rotateSession, type SessionRow } from "../../db/queries/users.ts";
import type { Instant } from "../../lib/instant.ts";
import type { MintedSession } from "../../lib/session-token.ts";

/** False when another request has renewed it: its answer carries the token. */
export async function renew(bound: OrgDb, minted: MintedSession, realNow: Instant): Promise<boolean> {
  return (await bound.rows<SessionRow>(rotateSession(minted, realNow, false))).length > 0;
}
