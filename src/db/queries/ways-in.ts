import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";
import type { Door } from "../org-db.ts";
import type { Statement } from "../transport.ts";

export interface NewOrgRow {
  readonly orgId: string;
  readonly name: string;
  readonly livemode: boolean;
  /** Where its clock stands: a test org's own, or the real one. */
  readonly clockAt: Instant;
  readonly canaryPersonId: string;
  readonly canarySuppressionId: string;
}
/** Makes an org, and leads into it. */
export const newOrg = (org: NewOrgRow): Door => ({
  statement: {
    name: "app.bind_new_org",
    text: "select * from app.bind_new_org($1, $2, $3, $4, $5, $6)",
    params: [org.orgId, org.name, org.livemode, org.clockAt, org.canaryPersonId, org.canarySuppressionId],
  },
});

/** Into the org that somebody is invited to, by their token's hash. */
export const byInvitation = (tokenHash: Uint8Array, realNow: Instant): Door => ({
  statement: {
    name: "app.bind_invitation",
    text: "select * from app.bind_invitation($1, $2)",
    params: [byteaText(tokenHash), realNow],
  },
});

/** Into an org, for an operator of the platform; nobody else gets in. */
export const forSupport = (orgId: string, operatorId: string, actor: Door["actor"], realNow: Instant): Door => ({
  statement: {
    name: "app.bind_for_support",
    text: "select * from app.bind_for_support($1, $2, $3)",
    params: [orgId, operatorId, realNow],
  },
  ...(actor === undefined ? {} : { actor }),
});

/** Into the org of a support grant, for whom it lets in. */
export const byOwnGrant = (grantId: string, operatorId: string, actor: Door["actor"], realNow: Instant): Door => ({
  statement: {
    name: "app.bind_own_grant",
    text: "select * from app.bind_own_grant($1, $2, $3)",
    params: [grantId, operatorId, realNow],
  },
  ...(actor === undefined ? {} : { actor }),
});

export interface OperatorGrantRow {
  readonly org_id: string;
  readonly id: string;
  readonly role: "viewer" | "member" | "admin";
  readonly reason: string;
  readonly created_at: Instant;
  readonly expires_at: Instant;
  readonly ended_at: Instant | null;
  readonly org_name: string;
}
/** Newest first. The door begins with the one that is named, which the page before showed. */
export const grantsOfOperator = (operatorId: string, after: string | null, rowsMax: number): Statement => ({
  name: "door.operator_grants",
  text: `select g.org_id, g.id, g.role, g.reason, g.created_at, g.expires_at, g.ended_at, g.org_name
    from door.operator_grants($1, $2, $3) g where g.id is distinct from $2::uuid order by g.id desc`,
  params: [operatorId, after, rowsMax + 1],
});

interface ShownKey {
  readonly id: string;
  readonly hash: Uint8Array;
}
/** Into the org of a key that was shown whole. */
export const byLeakedKey = (key: ShownKey, realNow: Instant): Door => ({
  statement: {
    name: "app.bind_leaked_key",
    text: "select * from app.bind_leaked_key($1, $2, $3)",
    params: [key.id, byteaText(key.hash), realNow],
  },
});

/** Which of them are keys, in one look: their places in the list, from 1. */
export const knownKeys = (keys: readonly ShownKey[]): Statement => ({
  name: "door.api_key",
  text: `select u.place from unnest($1::uuid[], $2::bytea[]) with ordinality as u(id, hash, place)
    cross join lateral door.api_key(u.id, u.hash) k order by u.place`,
  params: [keys.map(({ id }) => id), keys.map(({ hash }) => byteaText(hash))],
});

/**
 * Nobody else counts this person's orgs or adds one, or takes several of their sessions and factors, until this transaction
 * ends. Taken before any of them.
 */
export const lockUser = (userId: string): Statement => ({
  name: "users.lock",
  text: "select u.id from users u where u.id = $1 for no key update",
  params: [userId],
});
