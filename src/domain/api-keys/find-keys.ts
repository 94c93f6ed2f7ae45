import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { apiKeys } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { ApiKeyRow } from "./create-key.ts";

export const findKeys = (org: OrgDb, page: Page): Promise<ApiKeyRow[]> => findPage(org, apiKeys, page, undefined);
export const findKey = (org: OrgDb, id: string): Promise<ApiKeyRow | null> => org.findOne(apiKeys, eq(apiKeys.id, id));
