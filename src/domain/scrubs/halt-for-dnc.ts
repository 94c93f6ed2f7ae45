import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { halts, incidents } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";

/**
 * A do-not-call source that fails is a SEV2 and halts the org's dialing (gates.md §4): once per source. A fresh scrub and
 * a person end it. Clear scrubs stay clear beside it.
 */
export async function haltForDnc(org: OrgDb, connectionId: string, reason: string): Promise<void> {
  await org.change(
    { action: "incident.opened", subject: publicId("connection", connectionId), facts: { code: "dnc_source_failing", reason } },
    async (w) => {
      const open = await w.findOne(
        incidents,
        and(eq(incidents.code, "dnc_source_failing"), eq(incidents.subjectId, connectionId), isNull(incidents.closedAt)) ??
          eq(incidents.code, ""),
      );
      if (open !== null) return w.withdrawEntry();
      await w.rows(bumpOrg());
      const halt = await w.insert(halts, {
        id: w.newId(),
        reason: "incident_open",
        since: w.now,
        by: "system",
        note: "A do-not-call source is failing; dialing stands still until a fresh scrub and a person end this.",
      });
      await w.insert(incidents, {
        id: w.newId(),
        severity: 2,
        code: "dnc_source_failing",
        subjectId: connectionId,
        haltId: halt.id,
        openedAt: w.now,
        detail: { reason },
      });
    },
  );
}
