import type { OrgDb } from "../db/org-db.ts";
import type { SnapshotDesk } from "../domain/decisions/snapshot.ts";
import { judgeStale } from "../domain/standing/judge-stale.ts";
import { type Instant, secondsOf } from "../lib/instant.ts";

/** The org's stale standing results, until none is left or the time is up. */
export async function judgeStanding(
  deps: { readonly desk: SnapshotDesk; readonly now: () => Instant },
  org: OrgDb,
  secondsMax: number,
): Promise<"done" | "again"> {
  const started = secondsOf(deps.now());
  return (await judgeStale(deps.desk, org, () => secondsOf(deps.now()) - started >= secondsMax)).ends;
}
