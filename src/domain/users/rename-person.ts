import type { OrgDb } from "../../db/org-db.ts";
import { namePerson } from "../../db/queries/users.ts";
import { publicId } from "../../lib/ids.ts";

/** What a person is called; null: by their address alone. The chain says that it changed, and holds no person's name. */
export async function renamePerson(own: OrgDb, userId: string, name: string | null): Promise<void> {
  const entry = { action: "user.updated", subject: publicId("user", userId), facts: { changed: ["name"] } } as const;
  await own.change(entry, async (w) => {
    const renamed = await w.rows(namePerson(userId, name));
    if (renamed.length === 0) w.withdrawEntry();
  });
}
