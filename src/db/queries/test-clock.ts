import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface ClockRow {
  readonly now: string;
  readonly target: string | null;
  readonly status: "ready" | "advancing" | "failed";
  readonly leased: boolean;
}
/** Takes the advancing clock for one consumer; no row when another holds it or nothing is to be done. */
export const takeClock = (leaseSeconds: number): Statement => ({
  name: "test_clocks.take",
  text: `update test_clocks t set lease_until = clock_timestamp() + make_interval(secs => $1)
    where ${inOrg("t")} and t.status = 'advancing' and (t.lease_until is null or t.lease_until < clock_timestamp())
    returning app.rfc3339(t.now) as now, app.rfc3339(t.target) as target, t.status, true as leased`,
  params: [leaseSeconds],
});

/** The next instant after now at which something of this org is due by its own clock. */
export const nextDue = (): Statement => ({
  name: "test_clocks.next_due",
  text: `select app.rfc3339(min(d.at)) as at from (
      (select p.next_change_at as at from hour_profiles p join campaigns m on ${inOrg("m")} and m.id = p.campaign_id and m.status = 'running'
        where ${inOrg("p")} and p.next_change_at > app.now() order by p.next_change_at limit 1)
      union all
      (select p.next_due_at from hour_profiles p join campaigns m on ${inOrg("m")} and m.id = p.campaign_id and m.status = 'running'
        where ${inOrg("p")} and p.open and p.next_due_at > app.now() order by p.next_due_at limit 1)
      union all
      (select a.ring_by - interval '10 s' from dial_attempts a
        where ${inOrg("a")} and a.state in ('placed', 'unknown') and not a.rang and a.ring_by - interval '10 s' > app.now()
        order by a.ring_by limit 1)
      union all
      (select p.stop_check_since + interval '24 h' from persons p where ${inOrg("p")} and p.stop_check = 'pending' order by p.stop_check_since limit 1)
    ) d where isfinite(d.at) and d.at > app.now()`,
  params: [],
});

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
