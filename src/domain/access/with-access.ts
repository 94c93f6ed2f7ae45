import type { Statement } from "../../db/transport.ts";
import { answeringRoles, type AnsweringRow } from "../../db/queries/members.ts";
import type { Instant } from "../../lib/instant.ts";
import { allowedOperations, type OperationId, operations, type Role, type Rule } from "./operations.ts";

/** What a key or a token issuer may really ask for now: never more than whoever answers for it. */
export interface Access {
  /** Its scopes that open something. */
  readonly effectiveScopes: readonly string[];
  /** Some or all of what its scopes name is refused, because whoever answers for it has too low a role, or none. */
  readonly limitedBySponsor: boolean;
}
export type WithAccess<Row> = Row & { readonly access: Access };

interface Credential {
  readonly scopes: readonly string[];
  readonly sponsorId: string | null;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
}
interface Reader {
  rows<Row>(statement: Statement): Promise<Row[]>;
}

/** In one request at most, and in none for those that have ended or answer for themselves. */
export async function withAccess<Row extends Credential>(
  reader: Reader,
  rows: readonly Row[],
  realNow: Instant,
): Promise<WithAccess<Row>[]> {
  const hasEnded = (row: Row) => row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= realNow);
  const sponsors = rows.filter((row) => !hasEnded(row)).flatMap(({ sponsorId }) => sponsorId ?? []);
  const found = sponsors.length === 0 ? [] : await reader.rows<AnsweringRow>(answeringRoles([...new Set(sponsors)]));
  const roles = new Map(found.map(({ id, role }) => [id, role]));
  return rows.map((row) => {
    const { scopes, sponsorId } = row;
    if (hasEnded(row)) return { ...row, access: { effectiveScopes: [], limitedBySponsor: false } };
    const access = sponsorId === null ? accessBy(scopes, null) : accessUnder(scopes, roles.get(sponsorId));
    return { ...row, access };
  });
}

/** Of one that somebody answers for; undefined: they are no member any more, or their account is disabled. */
export const accessUnder = (scopes: readonly string[], role: Role | undefined): Access =>
  role === undefined ? { effectiveScopes: [], limitedBySponsor: true } : accessBy(scopes, role);

/** @param role null: it answers for itself. */
export function accessBy(scopes: readonly string[], role: Role | null): Access {
  const named = allowedOperations({ role: null, scopes });
  const allowed = allowedOperations({ role, scopes });
  const opening = new Set<string>(allowed.map((id) => (operations[id as OperationId] as Rule).scope));
  return { effectiveScopes: scopes.filter((scope) => opening.has(scope)), limitedBySponsor: allowed.length < named.length };
}
