import { type Instant, secondsOf } from "../lib/instant.ts";
import type { DispatchDeps } from "./deps.ts";
import type { Permit } from "./record.ts";

/** What has not rung this long before its window ends is cancelled at the provider (gates.md, From decision to ring). */
const marginSeconds = 10;
/** The platform keeps a message no longer; the tick finds what would need a later one. */
const delaySecondsMax = 43_200;

/** One delayed look for each instant at which calls just placed must have rung. */
export async function watchRings(deps: DispatchDeps, orgId: string, now: Instant, placed: readonly Permit[]): Promise<void> {
  for (const ringBy of new Set(placed.map((permit) => permit.ringBy))) {
    const seconds = secondsOf(ringBy) - marginSeconds - secondsOf(now);
    if (seconds <= delaySecondsMax) await deps.lookLater(orgId, Math.max(0, seconds));
  }
}
