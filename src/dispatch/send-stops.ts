import type { OrgDb } from "../db/org-db.ts";
import { type OutboxRow, takeOutbox } from "../db/queries/dispatch.ts";
import { closeOutboxRows } from "../db/queries/inbox.ts";
import { rowsOf } from "../db/transport.ts";
import { reachVoice } from "../domain/connections/reach-voice.ts";
import type { DispatchDeps } from "./deps.ts";

const rowsMax = 50;
const leaseSeconds = 60;
const roundsMax = 20;
/** Refused so often, some seven minutes long, a stop is an incident. */
const tellingTries = 20;

/**
 * Asks providers to end what must not go on: stops are the one request that is sent again until it is accepted, or until
 * the call is over, which every attempt is within a day.
 */
export async function sendStops(deps: DispatchDeps, org: OrgDb): Promise<number> {
  let sent = 0;
  for (let round = 0; round < roundsMax; round++) {
    const { bound, answers } = await org.query(takeOutbox(rowsMax, leaseSeconds));
    const rows = rowsOf<OutboxRow>(answers[0] ?? { columns: [], rows: [] });
    const closed = await Promise.all(
      rows.map(async (row) => {
        const frame = { id: row.id, attemptId: row.attempt_id };
        // No call ever came of it, so there is nothing to stop.
        if (row.provider_call_id === null) return { ...frame, done: true, accepted: false, reason: "no_call" };
        if (!row.alive) return { ...frame, done: true, accepted: false, reason: "call_over" };
        const provider = reachVoice(deps, bound, row);
        const stopped = provider === null ? null : await provider.stop(row.provider_call_id);
        const accepted = stopped?.ok === true;
        // A vendor without a way to end a call is not asked again; a call that is not yet ongoing is.
        const hopeless = stopped?.ok === false && stopped.refusal === "unsupported";
        return {
          ...frame,
          done: accepted || hopeless,
          accepted,
          reason: accepted ? stopped.value : hopeless ? "unsupported" : "not_accepted",
        };
      }),
    );
    if (closed.length > 0) await org.query(closeOutboxRows(closed, tellingTries));
    sent += closed.length;
    if (rows.length < rowsMax) break;
  }
  return sent;
}
