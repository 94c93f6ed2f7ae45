import type { OrgDb } from "../../db/org-db.ts";
import { identitiesOf, type IdentityRow } from "../../db/queries/oidc.ts";
import type { Page } from "../page.ts";

/** Newest first, one more than the page has. */
export const findIdentities = (own: OrgDb, userId: string, { limit, after }: Page): Promise<IdentityRow[]> =>
  own.rows<IdentityRow>(identitiesOf(userId, after, limit + 1));
