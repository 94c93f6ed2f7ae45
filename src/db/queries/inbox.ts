import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Ends the lease of inbox rows and says what became of each. */
export const closeInboxRows = (rows: readonly { id: string; state: string; reason: string | null }[]): Statement => ({
  name: "webhook_inbox.close",
  text: `update webhook_inbox w set state = u.state, reason = u.reason,
      lease_until = case when u.state = 'pending' then w.lease_until end
    from unnest($1::uuid[], $2::text[], $3::text[]) as u(id, state, reason) where ${inOrg("w")} and w.id = u.id`,
  params: [rows.map((row) => row.id), rows.map((row) => row.state), rows.map((row) => row.reason)],
});

/** Ends the lease of outbox rows: done, or due again. */
export const closeOutboxRows = (
  rows: readonly { id: string; attemptId: string; done: boolean; accepted: boolean; reason: string | null }[],
): Statement => ({
  name: "outbox.close",
  text: `with closed as (
      update outbox o set done_at = case when u.done then clock_timestamp() end, reason = u.reason, lease_until = null,
          due_at = case when u.done then o.due_at else clock_timestamp() + least(o.tries * 2, 60) * interval '1 s' end
        from unnest($1::uuid[], $2::boolean[], $3::text[]) as u(id, done, reason) where ${inOrg("o")} and o.id = u.id)
    update dial_attempts a set stop_accepted_at = clock_timestamp()
      from unnest($4::uuid[], $5::boolean[]) as u(id, accepted) where ${inOrg("a")} and a.id = u.id and u.accepted`,
  params: [
    rows.map((row) => row.id),
    rows.map((row) => row.done),
    rows.map((row) => row.reason),
    rows.map((row) => row.attemptId),
    rows.map((row) => row.accepted),
  ],
});
