import type { OrgDb } from "../db/org-db.ts";
import {
  type ClockRow,
  moveClock,
  type PendingWorkRow,
  pendingWork,
  readClock,
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

/** Renewed at every step; longer than the longest of them. */
const leaseSeconds = 180;
const stepsMax = 5_000;
/** Permits still waiting for their tokens are placed before the clock moves on; a batch is claimed to last no longer. */
const runSecondsMax = 120;
/** More than the rounds that any chain of effects at one instant takes. */
const settleRoundsMax = 20;

/** How far one invocation came: at the target, out of time, or the clock is another consumer's for now. */
export type Advanced = "done" | "again" | "taken";

/**
 * Moves a test org's clock to its target, stopping at every simulated event, window edge and due time on the way and
 * letting it be applied. A failure gives the clock back at once, so that the next try goes on where this one stopped.
 */
export async function advanceClock(
  deps: DispatchDeps,
  simulator: Pick<SimulatorClock, "next" | "advance">,
  org: OrgDb,
  secondsMax: number,
): Promise<Advanced> {
  const { bound, answers } = await org.query(takeClock(leaseSeconds), readClock());
  const [taken, shown] = answers.map((answer) => rowsOf<ClockRow>(answer)[0]);
  if (bound.livemode || shown?.status !== "advancing") return "done";
  if (taken?.target == null) return "taken";
  try {
    return await stepOn(
      deps,
      simulator,
      org,
      { account: publicId("org", bound.orgId), now: taken.now, target: taken.target },
      secondsMax,
    );
  } catch (failure) {
    await org.query(releaseClock()).catch(() => undefined);
    throw failure;
  }
}

async function stepOn(
  deps: DispatchDeps,
  simulator: Pick<SimulatorClock, "next" | "advance">,
  org: OrgDb,
  clock: { readonly account: string; readonly now: Instant; readonly target: Instant },
  secondsMax: number,
): Promise<Advanced> {
  const { account, target } = clock;
  const started = secondsOf(deps.now());
  let now = clock.now;
  for (let step = 0; step < stepsMax && secondsOf(deps.now()) - started < secondsMax; step++) {
    const due = await settleAll(deps, org);
    if (now >= target) {
      const entry = { action: "test_clock.advanced", subject: account, facts: { to: target } } as const;
      await org.changeInOneRequest([entry], stopClock("ready", null));
      return "done";
    }
    const simulated = await simulator.next(account);
    const stops = [target, due, simulated.ok ? simulated.value.nextEventAt : null];
    now = earliest(stops.map((at) => (at !== null && at <= now ? null : at))) ?? target;
    const entry = { action: "test_clock.moved", subject: account, facts: { to: now } } as const;
    await org.changeInOneRequest([entry], ...moveClock(now, leaseSeconds));
    // An org without a simulated vendor has a clock all the same.
    const moved = await simulator.advance(account, now);
    if (!moved.ok && moved.refusal !== "account_not_registered") {
      const failed = { action: "test_clock.failed", subject: account, facts: { at: now, reason: moved.refusal } } as const;
      await org.changeInOneRequest([failed], stopClock("failed", moved.refusal));
      return "done";
    }
  }
  await org.query(releaseClock());
  return "again";
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
