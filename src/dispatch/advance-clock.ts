import type { OrgDb } from "../db/org-db.ts";
import { type ClockRow, moveClock, nextDue, releaseClock, stopClock, takeClock } from "../db/queries/test-clock.ts";
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
    await settleAll(deps, org);
    if (now >= target) {
      await org.changeInOneRequest(
        [{ action: "test_clock.advanced", subject: account, facts: { to: target } }],
        stopClock("ready", null),
      );
      return true;
    }
    const simulated = await simulator.next(account);
    const { answers: dueAnswers } = await org.query(nextDue());
    const due = rowsOf<{ at: Instant | null }>(dueAnswers[0] ?? { columns: [], rows: [] })[0]?.at ?? null;
    now =
      earliest(
        [target, due, simulated.ok ? simulated.value.nextEventAt : null].map((at) => (at !== null && at <= now ? null : at)),
      ) ?? target;
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

/** Whatever is due at this instant, until nothing is. */
async function settleAll(deps: DispatchDeps, org: OrgDb): Promise<void> {
  await applyInbox(deps, org);
  await sendStops(deps, org);
  await reconcile(deps, org);
  await run(deps, org, runSecondsMax);
  await applyInbox(deps, org);
}
