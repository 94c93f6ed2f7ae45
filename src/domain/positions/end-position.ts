import { and, eq, gt } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { counselPositions } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import type { CounselPosition } from "./record-position.ts";

/** The rule binds in full again, at once. Null when there is no such position that lasts. */
export async function endPosition(org: OrgDb, id: string): Promise<CounselPosition | null> {
  return org.change({ action: "position.ended", subject: publicId("position", id) }, async (w) => {
    await w.rows(bumpOrg());
    await w.rows(startSweep());
    const lasting = and(eq(counselPositions.id, id), gt(counselPositions.untilAt, w.now));
    const [ended] = await w.update(counselPositions, lasting ?? eq(counselPositions.id, id), { untilAt: w.now });
    if (ended === undefined) w.withdrawEntry();
    return ended ?? null;
  });
}
