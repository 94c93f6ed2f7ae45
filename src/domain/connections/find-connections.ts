import { and, eq, ne } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { connections } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { Connection } from "./create-connection.ts";

/** A deleted connection keeps its row, for the attempts that were made through it, and is no longer shown. */
const shown = ne(connections.status, "disabled");

export const findConnections = (org: OrgDb, page: Page): Promise<Connection[]> => findPage(org, connections, page, shown);
export const findConnection = (org: OrgDb, id: string): Promise<Connection | null> =>
  org.findOne(connections, and(eq(connections.id, id), shown) ?? shown);
