import { claimEnrolments } from "../db/queries/dispatch.ts";
import { readDialFacts } from "../db/queries/dial-facts.ts";
import { type DueProfileRow, dueProfiles } from "../db/queries/profiles.ts";
import type { OrgDb } from "../db/org-db.ts";
import type { Bound } from "../db/org-db.ts";
import { type Answer, rowsOf } from "../db/transport.ts";
import { type DialFacts, gatherFacts } from "../domain/decisions/gather-facts.ts";

/** Everything that deciding one batch takes, read in the request that claimed it. */
export interface Claim extends DialFacts {
  readonly bound: Bound;
  readonly token: string;
  /** Windows that opened or closed since they were last judged: judge them and claim again. */
  readonly edges: readonly DueProfileRow[];
}

/** Leads that are decided while the database writes those before them. */
const partMax = 125;
/** A lease outlives the longest path from claim to record; what it still holds at its end goes back to waiting. */
const leaseSeconds = 60;
/** No more is claimed than can be placed in this time, so that no permit waits longer than it lives. */
const placeSeconds = 45;
const edgesMax = 1_000;

/** Leases due enrolments of the org and reads their facts. One request. */
export async function claim(org: OrgDb, token: string, leadsMax: number): Promise<Claim> {
  const { bound, answers } = await org.query(
    dueProfiles(edgesMax),
    claimEnrolments(token, leadsMax, partMax, leaseSeconds, placeSeconds),
    ...readDialFacts({ kind: "claimed", token }),
  );
  const [edges, , ...facts] = answers as [Answer, Answer, ...Answer[]];
  return { bound, token, edges: rowsOf(edges), ...gatherFacts(facts) };
}
