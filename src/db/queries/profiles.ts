import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

export interface DueProfileRow {
  readonly id: string;
  readonly candidate_states: string;
  readonly calling_window: Record<string, { from: string; to: string }> | null;
}
/** Hour profiles whose window has an edge at or before the org's now. */
export const dueProfiles = (max: number): Statement => ({
  name: "profiles.due",
  text: `select p.id, p.candidate_states, m.calling_window from hour_profiles p
    join campaigns m on ${inOrg("m")} and m.id = p.campaign_id and m.status = 'running'
    where ${inOrg("p")} and p.next_change_at <= app.now() order by p.next_change_at, p.id limit $1`,
  params: [max],
});

/** Writes what the hours gate said of each. `null` = no edge within 400 days: judged again then. */
export const judgedProfiles = (rows: readonly { id: string; open: boolean; nextChangeAt: string | null }[]): Statement => ({
  name: "profiles.judged",
  // Locked in the order of ids, like everybody else's.
  text: `with locked as materialized (
      select p.id from hour_profiles p where ${inOrg("p")} and p.id = any ($1::uuid[]) order by p.id for no key update)
    update hour_profiles p set open = u.open, next_change_at = coalesce(u.change_at, app.now() + interval '400 days')
    from unnest($1::uuid[], $2::boolean[], $3::timestamptz[]) as u(id, open, change_at)
    where ${inOrg("p")} and p.id = u.id and p.id in (select l.id from locked l)`,
  params: [rows.map((row) => row.id), rows.map((row) => row.open), rows.map((row) => row.nextChangeAt)],
});
