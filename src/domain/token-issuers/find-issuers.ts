import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { tokenIssuers } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { TokenIssuer } from "./create-issuer.ts";

export const findIssuers = (org: OrgDb, page: Page): Promise<TokenIssuer[]> => findPage(org, tokenIssuers, page, undefined);
export const findIssuer = (org: OrgDb, id: string): Promise<TokenIssuer | null> =>
  org.findOne(tokenIssuers, eq(tokenIssuers.id, id));
