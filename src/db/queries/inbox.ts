import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** A stop of a call that is no attempt of ours as far as anyone knows: it waits in the inbox until someone does. */
export const unattributed = "stop_unattributed";

/** Ends the lease of inbox rows and says what became of each. A stop that nobody can name is asked about ever more rarely. */
export const closeInboxRows = (rows: readonly { id: string; state: string; reason: string | null }[]): Statement => ({
  name: "app.close_inbox",
  text: "select app.close_inbox($1::uuid[], $2::text[], $3::text[])",
  params: [rows.map((row) => row.id), rows.map((row) => row.state), rows.map((row) => row.reason)],
});

/** Tells someone of a stop whose call nobody can name. */
export const reportUnattributed = (inboxId: string, connectionId: string): Statement => ({
  name: "app.open_incident",
  text: `select app.open_incident(2, '${unattributed}', $1::uuid, jsonb_build_object('connection', $2::uuid, 'webhook', $1::uuid))`,
  params: [inboxId, connectionId],
});

/** Applies every stop that waits for this call to its attempt. */
export const applyWaitingStops = (attemptId: string, providerCallId: string): Statement => ({
  name: "app.apply_waiting_stops",
  text: "select app.apply_waiting_stops($1, $2) as applied",
  params: [attemptId, providerCallId],
});

/** Ends the lease of outbox rows: done, or due again. */
export const closeOutboxRows = (
  rows: readonly { id: string; attemptId: string; done: boolean; accepted: boolean; reason: string | null }[],
  tellingTries: number,
): Statement => ({
  name: "app.close_outbox",
  text: "select app.close_outbox($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5)",
  params: [
    rows.map((row) => row.id),
    rows.map((row) => row.done),
    rows.map((row) => row.reason),
    rows.flatMap((row) => (row.accepted ? [row.attemptId] : [])),
    tellingTries,
  ],
});

export interface Arrived {
  readonly id: string;
  readonly connectionId: string;
  readonly dedupeKey: string;
  readonly type: string;
  readonly providerCallId: string | null;
  readonly attemptId: string | null;
  readonly receivedAt: string;
  readonly bodyDigest: string;
  readonly body: string | null;
  readonly report: string | null;
  readonly state: "pending" | "applied" | "failed";
  readonly reason: string | null;
}

/** Inserts once per connection and dedupe key: a replay answers no row. */
export function insertInboxRow(row: Arrived): Statement {
  return {
    name: "webhook_inbox.insert",
    text: `insert into webhook_inbox
        (org_id, id, connection_id, dedupe_key, type, provider_call_id, attempt_id, received_at, body_digest, body, report, state, reason)
      values ((select app.org()), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12)
      on conflict (org_id, connection_id, dedupe_key) do nothing returning id`,
    params: [
      row.id,
      row.connectionId,
      row.dedupeKey,
      row.type,
      row.providerCallId,
      row.attemptId,
      row.receivedAt,
      row.bodyDigest,
      row.body,
      row.report,
      row.state,
      row.reason,
    ],
  };
}

/** The attempt that a vendor's event is about: by our own id, else by the vendor's. */
export function attemptOfEvent(connectionId: string, attemptId: string | null, providerCallId: string | null): Statement {
  return {
    name: "dial_attempts.of_event",
    text: `select a.id, a.person_id from dial_attempts a
      where ${inOrg("a")} and a.connection_id = $1 and (a.id = $2::uuid or a.provider_call_id = $3)
      order by (a.id = $2::uuid) desc nulls last limit 1`,
    params: [connectionId, attemptId, providerCallId],
  };
}
