import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export type StopCheckStatus = "pending" | "missing";

/** A person whose last call has not been searched for a stop, with the newest such call where there is one. */
export interface StopCheckRow {
  readonly id: string;
  readonly status: StopCheckStatus;
  readonly since: string;
  readonly missing_at: string;
  readonly lead_id: string | null;
  readonly e164: string | null;
  readonly call_id: string | null;
  readonly attempt_id: string | null;
}

/** Newest persons first. Work is proportional to the checks that are open: the index holds no others. */
export const openStopChecks = (status: StopCheckStatus, after: string | null, max: number): Statement => ({
  name: "stop_checks.open",
  text: `with page as materialized (
      select p.id, p.stop_check, p.stop_check_since from persons p
        where ${inOrg("p")} and p.stop_check <> 'clear' and p.stop_check = $1 and ($2::uuid is null or p.id < $2::uuid)
        order by p.id desc limit $3)
    select k.id, k.stop_check as status, app.rfc3339(k.stop_check_since) as since,
      app.rfc3339(k.stop_check_since + interval '24 h') as missing_at, l.id as lead_id, l.e164, c.id as call_id, c.attempt_id
    from page k
    left join leads l on ${inOrg("l")} and l.person_id = k.id
    left join lateral (select c.id, c.attempt_id from calls c where ${inOrg("c")} and c.lead_id = l.id and app.unsearched(c)
      order by c.created_at desc, c.id desc limit 1) c on true
    order by k.id desc`,
  params: [status, after, max],
});

/** Locks the person. `overdue`: a day has passed since the call's end, whether or not anything has said so yet. */
export const lockStopCheck = (personId: string): Statement => ({
  name: "stop_checks.lock",
  text: `select p.stop_check as state, p.stop_check = 'missing' or p.stop_check_since <= app.now() - interval '24 h' as overdue
    from persons p where ${inOrg("p")} and p.id = $1 for no key update`,
  params: [personId],
});

/** A person's word stands for the search that did not come; what was decided without it is void. */
export const endStopCheck = (personId: string): Statement => ({
  name: "stop_checks.end",
  text: `with judged as (
      update calls c set stop_judged = true where ${inOrg("c")} and app.unsearched(c) and c.lead_id in (
        select l.id from leads l where ${inOrg("l")} and l.person_id = $1))
    update persons p set stop_check = 'clear', stop_check_since = null, facts_version = p.facts_version + 1
      where ${inOrg("p")} and p.id = $1`,
  params: [personId],
});
