import { eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { sellers } from "../../db/schema/index.ts";
import { findPage, type Page } from "../page.ts";
import type { Seller } from "./create-seller.ts";

export const findSellers = (org: OrgDb, page: Page): Promise<Seller[]> => findPage(org, sellers, page);
export const findSeller = (org: OrgDb, id: string): Promise<Seller | null> => org.findOne(sellers, eq(sellers.id, id));
