import type { OrgDb } from "../db/org-db.ts";
import { secondsOf } from "../lib/instant.ts";
import { claim } from "./claim.ts";
import { decideAndRecord } from "./decide-and-record.ts";
import type { DispatchDeps } from "./deps.ts";
import { judgeWindows } from "./judge-windows.ts";
import { place } from "./place.ts";
import type { Permit } from "./record.ts";
import { watchRings } from "./watch-rings.ts";

const leadsMax = 500;
const roundsMax = 200;
/** The Workers limit is six connections an invocation; the database takes one. */
const placesAtOnce = 5;

export interface RunResult {
  readonly decided: number;
  readonly permitted: number;
  readonly placed: number;
}

/** The dial of one org: claim, snapshot, decide, record, place; again until nothing is due or the time is up. */
export async function run(deps: DispatchDeps, org: OrgDb, secondsMax: number): Promise<RunResult> {
  const started = secondsOf(deps.now());
  let [decided, permitted, placed] = [0, 0, 0];
  for (let round = 0; round < roundsMax && secondsOf(deps.now()) - started < secondsMax; round++) {
    const batch = await claim(org, deps.newId(), leadsMax);
    if (batch.leads.length > 0) {
      const { recorded, failure } = await decideAndRecord(deps.desk, org, batch);
      const permits = recorded.flatMap(({ permit }) => permit ?? []);
      decided += recorded.length;
      permitted += permits.length;
      await watchRings(deps, batch.bound.orgId, batch.bound.now, permits);
      placed += await placeAll(deps, org, permits);
      // What was permitted has been dialed: a failure of one part does not keep the others.
      if (failure !== undefined) throw failure;
    }
    if (batch.edges.length > 0) await judgeWindows(org, deps.desk, batch.bound.now, batch.edges);
    else if (batch.leads.length === 0) break;
  }
  return { decided, permitted, placed };
}

/** Each permit once, a few at a time, in the order of their tokens. A failure of one does not keep the others. */
async function placeAll(deps: DispatchDeps, org: OrgDb, permits: readonly Permit[]): Promise<number> {
  const waiting = permits.toSorted((one, other) => (one.slotAt < other.slotAt ? -1 : 1));
  const failures: unknown[] = [];
  let placed = 0;
  const worker = async (): Promise<void> => {
    for (let permit = waiting.shift(); permit !== undefined; permit = waiting.shift()) {
      try {
        if ((await place(deps, org, permit)) === "placed") placed += 1;
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: placesAtOnce }, worker));
  if (failures.length > 0) throw failures[0];
  return placed;
}
