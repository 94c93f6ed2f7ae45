import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { connections } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { changeFacts, givenFields } from "../audit/change-facts.ts";
import type { Connection } from "./create-connection.ts";
import { findConnection } from "./find-connections.ts";

export interface ConnectionLimits {
  readonly maxConcurrency?: number;
  readonly callsPerSecond?: number;
}

/** What its provider allows. Every permit that was minted by the old limits is void. */
export async function updateConnection(org: OrgDb, id: string, limits: ConnectionLimits): Promise<Connection | null> {
  if (Object.keys(limits).length === 0) return findConnection(org, id);
  return org.change({ action: "connection.updated", subject: publicId("connection", id) }, async (w) => {
    await w.rows(bumpOrg());
    const shown = and(eq(connections.id, id), ne(connections.status, "disabled")) ?? eq(connections.id, id);
    const before = await w.findOne(connections, shown);
    const [updated] = await w.update(connections, shown, limits);
    if (before === null || updated === undefined) {
      w.withdrawEntry();
      return null;
    }
    w.note(changeFacts(before, updated, givenFields(limits)));
    return updated;
  });
}
