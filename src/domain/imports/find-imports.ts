import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { imports } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { Import } from "./create-import.ts";

export const findImports = (org: OrgDb, page: Page): Promise<Import[]> => findPage(org, imports, page);
export const findImport = (org: OrgDb, id: string): Promise<Import | null> => org.findOne(imports, eq(imports.id, id));
