import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { openAttemptsOfConnection } from "../../db/queries/connections.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { closeIncidents } from "../../db/queries/incidents.ts";
import { scrubAllAgain } from "../../db/queries/scrubs.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { campaigns, connections, credentials } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";

/**
 * Destroys the credential and pauses the campaigns that used the connection: a do-not-call source serves all of them
 * (gates.md §4). Refused while a call may be ringing that only this credential can stop.
 */
export async function deleteConnection(
  org: OrgDb,
  id: string,
): Promise<Result<{ campaignsPaused: number }, "connection_unknown" | "calls_in_progress">> {
  return org.change({ action: "connection.deleted", subject: publicId("connection", id) }, async (w) => {
    await w.rows(bumpOrg());
    const found = await w.findOne(
      connections,
      and(eq(connections.id, id), ne(connections.status, "disabled")) ?? eq(connections.id, id),
    );
    const [attempts] = await w.rows<{ open: number }>(openAttemptsOfConnection(id));
    if (found === null || (attempts?.open ?? 0) > 0) {
      w.withdrawEntry();
      return refuse(found === null ? "connection_unknown" : "calls_in_progress");
    }
    if (found.kind === "dnc") {
      await w.rows(startSweep());
      // What it answered serves no call any more: another provider is asked, now or when there is one.
      await w.rows(scrubAllAgain());
    }
    await w.update(connections, eq(connections.id, id), { status: "disabled" });
    await w.delete(credentials, eq(credentials.connectionId, id));
    const running = eq(campaigns.status, "running");
    const used = found.kind === "voice" ? and(running, eq(campaigns.connectionId, id)) : running;
    const paused = await w.update(campaigns, used ?? running, { status: "paused", statusReason: "connection_deleted" });
    // It refuses no call any more. What halted it stays a person's to end.
    await w.rows(closeIncidents("connection_unusable", [id]));
    w.note({ campaigns_paused: paused.length });
    return ok({ campaignsPaused: paused.length });
  });
}
