import { and, eq, isNull } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { halts, incidents } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";

const code = "suppression_canary_lost";

/**
 * The canary of the org's suppression list was looked for by this worker's own hashes and not found: nobody's stop can be
 * trusted to be found either. A SEV1 that halts the org, once while it is open; when the list can be read again, a person
 * ends it (gates.md §1).
 */
export async function haltForCanary(org: OrgDb): Promise<void> {
  const { orgId } = await org.bound();
  await org.change({ action: "incident.opened", subject: publicId("org", orgId), facts: { code } }, async (w) => {
    // Before the look: two dispatchers that find it missing at once open one.
    await w.rows(bumpOrg());
    const open = await w.findOne(
      incidents,
      and(eq(incidents.code, code), isNull(incidents.closedAt)) ?? eq(incidents.code, code),
    );
    if (open !== null) return w.withdrawEntry();
    const halt = await w.insert(halts, {
      id: w.newId(),
      reason: "org_halted",
      since: w.now,
      by: "system",
      note: "The canary of the suppression list cannot be found with the peppers that are held: restore both, then end this.",
    });
    await w.insert(incidents, {
      id: w.newId(),
      severity: 1,
      code,
      haltId: halt.id,
      openedAt: w.now,
      detail: {},
    });
  });
}
