import { eq } from "drizzle-orm";
import type { Bound, OrgDb } from "../../db/org-db.ts";
import {
  orgsOfPerson,
  type OrgOfPersonRow,
  personById,
  type PersonRow,
  sessionById,
  type SessionRow,
} from "../../db/queries/users.ts";
import { memberships } from "../../db/schema/index.ts";
import { rowsOf } from "../../db/transport.ts";
import { allowedOperations, operationsOnOneself, ownOperations, type Role } from "../access/operations.ts";

/** One organisation as the asker stands in it. */
export interface Standing {
  readonly orgId: string;
  readonly name: string;
  readonly livemode: boolean;
  /** A person's; a machine's credential has scopes instead. */
  readonly role: Role | null;
  readonly scopes: readonly string[] | null;
  readonly operations: readonly string[];
  readonly operationsOnOneself: readonly string[];
}
export interface Me {
  readonly person: PersonRow | null;
  readonly standings: readonly Standing[];
  /** The asker's own, in no organisation. */
  readonly operations: readonly string[];
  /** When this session showed a second factor. */
  readonly factorAt: string | null;
  /** The one that asks; null: a machine does. */
  readonly session: SessionRow | null;
}
const orgsMax = 1_000;

/**
 * A person in every organisation that they are a member of; in none before they have shown the second factor that is due.
 *
 * @param guest where a support grant lets them in: then in that organisation alone, because it is what such a request is bound to
 */
export async function describePerson(own: OrgDb, userId: string, sessionId: string, guest: OrgDb | null): Promise<Me> {
  const { bound, answers } = await own.query(personById(userId), orgsOfPerson(userId, orgsMax), sessionById(sessionId));
  const [people = emptyAnswer, orgs = emptyAnswer, sessions = emptyAnswer] = answers;
  const [person = null] = rowsOf<PersonRow>(people);
  const [session = null] = rowsOf<SessionRow>(sessions);
  const operations = ownOperations({ isPerson: true, isDue: session?.stage !== "open" });
  if (guest !== null) {
    // A grant lets nobody in who has shown no second factor.
    const standings = session?.stage === "open" && bound.factorAt !== null ? [await standingOfGuest(guest)] : [];
    return { person, standings, operations, factorAt: bound.factorAt, session };
  }
  const standings = (session?.stage === "open" ? rowsOf<OrgOfPersonRow>(orgs) : []).map((row) => {
    const role = row.role as Role;
    return {
      orgId: row.org_id,
      name: row.name,
      livemode: row.livemode,
      role,
      scopes: null,
      operations: allowedOperations({ role, scopes: null }),
      operationsOnOneself: operationsOnOneself({ role }),
    };
  });
  return { person, standings, operations, factorAt: bound.factorAt, session };
}

async function standingOfGuest(guest: OrgDb): Promise<Standing> {
  // That is asked, too, and written on the organisation's chain with it.
  await guest.noteRead();
  const { orgId, orgName, livemode, role: held } = guest.lastBound ?? (await guest.bound());
  const role = held as Role;
  return {
    orgId,
    name: orgName ?? "",
    livemode,
    role,
    scopes: null,
    operations: allowedOperations({ role, scopes: null, isGuest: true }),
    operationsOnOneself: operationsOnOneself({ role, isGuest: true }),
  };
}

/** A machine's credential in the organisation that it is of. */
export async function describeMachine(org: OrgDb): Promise<Me> {
  const bound: Bound = await org.bound();
  const { orgId, orgName, livemode, scopes, sponsorId } = bound;
  // No more than who answers for it may.
  const sponsor = sponsorId === null ? null : await org.findOne(memberships, eq(memberships.userId, sponsorId));
  const operations = allowedOperations({ role: sponsor?.role ?? null, scopes: scopes ?? [] });
  const standing = { orgId, name: orgName ?? "", livemode, role: null, scopes, operations, operationsOnOneself: [] };
  const own = ownOperations({ isPerson: false, isDue: false });
  return { person: null, standings: [standing], operations: own, factorAt: null, session: null };
}

const emptyAnswer = { columns: [], rows: [] };
