import type { Bound, OrgDb } from "../../db/org-db.ts";
import { orgsOfPerson, type OrgOfPersonRow, personById, type PersonRow } from "../../db/queries/users.ts";
import { rowsOf } from "../../db/transport.ts";
import { allowedOperations, type Role } from "../access/operations.ts";

/** One organisation as the asker stands in it. */
export interface Standing {
  readonly orgId: string;
  readonly name: string;
  readonly livemode: boolean;
  /** A person's; a machine's credential has scopes instead. */
  readonly role: Role | null;
  readonly scopes: readonly string[] | null;
  readonly operations: readonly string[];
}
export interface Me {
  readonly person: PersonRow | null;
  readonly standings: readonly Standing[];
  /** When this session showed a second factor. */
  readonly factorAt: string | null;
}
const orgsMax = 1_000;

/** A person in every organisation that they are a member of. */
export async function describePerson(own: OrgDb, userId: string): Promise<Me> {
  const { bound, answers } = await own.query(personById(userId), orgsOfPerson(userId, orgsMax));
  const [people = emptyAnswer, orgs = emptyAnswer] = answers;
  const [person = null] = rowsOf<PersonRow>(people);
  const standings = rowsOf<OrgOfPersonRow>(orgs).map((row) => {
    const role = row.role as Role;
    return {
      orgId: row.org_id,
      name: row.name,
      livemode: row.livemode,
      role,
      scopes: null,
      operations: allowedOperations({ role, scopes: null }),
    };
  });
  return { person, standings, factorAt: bound.factorAt };
}

/** A machine's credential in the organisation that it is of. */
export async function describeMachine(org: OrgDb): Promise<Me> {
  const bound: Bound = await org.bound();
  const { orgId, orgName, livemode, scopes } = bound;
  const operations = allowedOperations({ role: null, scopes: scopes ?? [] });
  return { person: null, standings: [{ orgId, name: orgName ?? "", livemode, role: null, scopes, operations }], factorAt: null };
}

const emptyAnswer = { columns: [], rows: [] };
