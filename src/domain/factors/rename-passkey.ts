import type { OrgDb } from "../../db/org-db.ts";
import { type PasskeyRow, renamePasskey } from "../../db/queries/factors.ts";
import { publicId } from "../../lib/ids.ts";
import type { ActingSession } from "./factor-deps.ts";

/** By its name its person tells it from others, and removes the right one. Null when they have no such passkey. */
export async function renameOwnPasskey(own: OrgDb, session: ActingSession, id: string, name: string): Promise<PasskeyRow | null> {
  const facts = { user: publicId("user", session.userId) };
  return own.change({ action: "passkey.renamed", subject: publicId("passkey", id), facts }, async (w) => {
    const [renamed] = await w.rows<PasskeyRow>(renamePasskey(session.userId, id, name));
    if (renamed === undefined) w.withdrawEntry();
    return renamed ?? null;
  });
}
