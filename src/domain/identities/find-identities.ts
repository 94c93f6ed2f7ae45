import type { OrgDb } from "../../db/org-db.ts";
import { identitiesOf, type IdentityRow } from "../../db/queries/oidc.ts";

/** Newest first. */
export const findIdentities = (own: OrgDb, userId: string): Promise<IdentityRow[]> => own.rows<IdentityRow>(identitiesOf(userId));
