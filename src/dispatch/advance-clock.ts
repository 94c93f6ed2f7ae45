import type { OrgDb } from "../db/org-db.ts";
import {
  type ClockRow,
  moveClock,
  type PendingWorkRow,
  pendingWork,
  releaseClock,
  stopClock,
  takeClock,
} from "../db/queries/test-clock.ts";
import { rowsOf } from "../db/transport.ts";
import { publicId } from "../lib/ids.ts";
import { earliest, type Instant, secondsOf } from "../lib/instant.ts";
import type { SimulatorClock } from "../providers/simulator-clock.ts";
import { applyInbox } from "./apply-inbox.ts";
import type { DispatchDeps } from "./deps.ts";
import { reconcile } from "./reconcile.ts";
import { run } from "./run.ts";
import { sendStops } from "./send-stops.ts";

const leaseSeconds = 300;
const stepsMax = 5_000;
/** Permits still waiting for their tokens are placed before the clock moves on; a batch is claimed to last no longer. */
const runSecondsMax = 120;
/** More than the rounds that any chain of effects at one instant takes. */
const settleRoundsMax = 20;

/**
 * Moves a test org's clock to its target, stopping at every simulated event, window edge and due time on the way and
 * letting it be applied. Returns false when the time of this invocation was up first: call again.
 */
export async function advanceClock(
  deps: DispatchDeps,
  simulator: Pick<SimulatorClock, "next" | "advance">,
  org: OrgDb,
  secondsMax: number,
): Promise<boolean> {
  const started = secondsOf(deps.now());
  const { bound, answers } = await org.query(takeClock(leaseSeconds));
  const [clock] = rowsOf<ClockRow>(answers[0] ?? { columns: [], rows: [] });
  if (clock?.target == null || bound.livemode) return true;
  const account = publicId("org", bound.orgId);
  const target = clock.target as Instant;
  let now = clock.now as Instant;
  for (let step = 0; step < stepsMax && secondsOf(deps.now()) - started < secondsMax; step++) {
    const due = await settleAll(deps, org);
    if (now >= target) {
      await org.changeInOneRequest(
        [{ action: "test_clock.advanced", subject: account, facts: { to: target } }],
        stopClock("ready", null),
      );
      return true;
    }
    const simulated = await simulator.next(account);
    const stops = [target, due, simulated.ok ? simulated.value.nextEventAt : null];
    now = earliest(stops.map((at) => (at !== null && at <= now ? null : at))) ?? target;
    await org.query(...moveClock(now, leaseSeconds));
    // An org without a simulated vendor has a clock all the same.
    const moved = await simulator.advance(account, now);
    if (!moved.ok && moved.refusal !== "account_not_registered") {
      await org.query(stopClock("failed", moved.refusal));
      return true;
    }
  }
  await org.query(releaseClock());
  return false;
}

/** Does whatever is due at this instant, until nothing is. Answers the next instant at which something will be. */
async function settleAll(deps: DispatchDeps, org: OrgDb): Promise<Instant | null> {
  for (let round = 0; round < settleRoundsMax; round++) {
    const [work] = await org.rows<PendingWorkRow>(pendingWork());
    if (work === undefined) return null;
    if (work.inbox) await applyInbox(deps, org);
    if (work.outbox) await sendStops(deps, org);
    if (work.unsettled || work.unrung) await reconcile(deps, org);
    if (work.dial) await run(deps, org, runSecondsMax);
    const idle = !work.inbox && !work.outbox && !work.unsettled && !work.unrung;
    // A dial that is due and finds no room is due again when a call ends, which is an event of its own.
    if (idle && (!work.dial || round > 0)) return work.next_at as Instant | null;
  }
  return null;
}
