import type { OrgWriter } from "../../db/org-db.ts";
import { insertSession, type NewSession, type SessionRow } from "../../db/queries/users.ts";
import type { Instant } from "../../lib/instant.ts";
import { publicId } from "../../lib/ids.ts";
import type { MintedSession } from "../../lib/session-token.ts";

/** Twelve hours at most, one without a request (NIST SP 800-63B-4 §2.2.3: AAL2). */
const lifeSeconds = 12 * 3600;
const idleSeconds = 3600;

/** By what somebody signed in, and where. */
export type SignedInBy = Pick<NewSession, "method" | "deviceId" | "country" | "userAgent">;

/**
 * A session, in the transaction that proved who it is of. `stage` says whether a second factor is due before it opens
 * anything. Appends `session.started`.
 */
export async function startSession(w: OrgWriter, minted: MintedSession, by: SignedInBy, realNow: Instant): Promise<SessionRow> {
  const { id, userId, hash } = minted;
  const [row] = await w.rows<SessionRow>(insertSession({ ...by, id, userId, hash, now: realNow, lifeSeconds, idleSeconds }));
  if (row === undefined) throw new Error("a session was not written");
  w.also({
    action: "session.started",
    subject: publicId("session", id),
    facts: { method: by.method, status: row.stage === "open" ? "open" : "second_factor_due", user: publicId("user", userId) },
  });
  return row;
}
