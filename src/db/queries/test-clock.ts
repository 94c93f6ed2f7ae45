import type { Instant } from "../../lib/instant.ts";
import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface ClockRow {
  readonly now: Instant;
  readonly target: Instant | null;
  readonly status: "ready" | "advancing" | "failed";
}
/** Takes the advancing clock for one consumer; no row when another holds it or nothing is to be done. */
export const takeClock = (leaseSeconds: number): Statement => ({
  name: "test_clocks.take",
  text: `update test_clocks t set lease_until = clock_timestamp() + make_interval(secs => $1)
    where ${inOrg("t")} and t.status = 'advancing' and (t.lease_until is null or t.lease_until < clock_timestamp())
    returning app.rfc3339(t.now) as now, app.rfc3339(t.target) as target, t.status`,
  params: [leaseSeconds],
});

export interface PendingWorkRow {
  readonly inbox: boolean;
  readonly outbox: boolean;
  readonly unsettled: boolean;
  readonly unrung: boolean;
  readonly dial: boolean;
  readonly next_at: string | null;
}
/** What of the org's work is due now, and the next instant of its clock at which any will be. */
export const pendingWork = (): Statement => ({ name: "app.pending_work", text: "select * from app.pending_work()", params: [] });

/** Moves the clock, which ends every unspent permit of the org: its decision was made at another time. */
export const moveClock = (to: string, leaseSeconds: number): readonly Statement[] => [
  {
    name: "test_clocks.move",
    text: `update test_clocks t set now = $1, lease_until = clock_timestamp() + make_interval(secs => $2)
      where ${inOrg("t")} and t.status = 'advancing' and t.now <= $1`,
    params: [to, leaseSeconds],
  },
  { name: "app.expire_unspent", text: "select app.expire_unspent_permits() as expired", params: [] },
];

export const stopClock = (status: "ready" | "failed", reason: string | null): Statement => ({
  name: "test_clocks.stop",
  text: `update test_clocks t set status = $1, status_reason = $2, target = null, lease_until = null where ${inOrg("t")}`,
  params: [status, reason],
});

/** For the next consumer to go on with. */
export const releaseClock = (): Statement => ({
  name: "test_clocks.release",
  text: `update test_clocks t set lease_until = null where ${inOrg("t")}`,
  params: [],
});

export const readClock = (): Statement => ({
  name: "test_clocks.read",
  text: `select app.rfc3339(t.now) as now, app.rfc3339(t.target) as target, t.status from test_clocks t where ${inOrg("t")}`,
  params: [],
});
