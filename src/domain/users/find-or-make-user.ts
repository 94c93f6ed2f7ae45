import type { OrgWriter } from "../../db/org-db.ts";
import { insertUser, markSignedIn } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";
import type { Instant } from "../../lib/instant.ts";

/**
 * Who signs in with this address, made if it is nobody's yet; null for one who is disabled. Only for an address that was
 * proved, in its normal form (`readEmailAddress`). Appends `user.created`.
 */
export async function findOrMakeUser(
  w: OrgWriter,
  email: string,
  realNow: Instant,
): Promise<{ readonly id: string; readonly isNew: boolean } | null> {
  const [made] = await w.rows<{ id: string }>(insertUser(w.newId(), email, realNow));
  if (made !== undefined) w.also({ action: "user.created", subject: publicId("user", made.id), facts: {} });
  const [user] = await w.rows<{ id: string }>(markSignedIn(email, realNow));
  return user === undefined ? null : { id: user.id, isNew: made !== undefined };
}
