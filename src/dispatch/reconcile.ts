import type { OrgDb } from "../db/org-db.ts";
import { settleAbsent, settleLost, sweepOverdue, takeUnsettled, type UnsettledRow } from "../db/queries/dispatch.ts";
import { rowsOf } from "../db/transport.ts";
import { reachVoice } from "../domain/connections/reach-voice.ts";
import { publicId } from "../lib/ids.ts";
import type { LookedUp, VoiceProvider } from "../providers/voice/contract.ts";
import type { DispatchDeps } from "./deps.ts";
import { settle } from "./settle.ts";

const rowsMax = 50;
const leaseSeconds = 30;
const roundsMax = 20;

/**
 * Looks up what is not known: attempts whose settle time has passed without an end. Never dials. Also asks the provider
 * to cancel what has not rung in time, and gives up waiting for transcripts after a day.
 */
export async function reconcile(deps: DispatchDeps, org: OrgDb): Promise<{ lookedUp: number; stopped: number }> {
  let lookedUp = 0;
  const [swept] = await org.rows<{ stopped: number }>(sweepOverdue());
  for (let round = 0; round < roundsMax; round++) {
    const { bound, answers } = await org.query(takeUnsettled(rowsMax, leaseSeconds));
    const rows = rowsOf<UnsettledRow>(answers[0] ?? { columns: [], rows: [] });
    for (const row of rows) {
      const provider = reachVoice(deps, bound, row);
      if (provider !== null) await settleLookedUp(org, row, await lookUp(provider, row));
      lookedUp += 1;
    }
    if (rows.length < rowsMax) break;
  }
  return { lookedUp, stopped: swept?.stopped ?? 0 };
}

/** By our attempt id where the call's own id is not known; a listing is a summary, so what it found is then fetched whole. */
async function lookUp(provider: VoiceProvider, row: UnsettledRow): Promise<LookedUp> {
  if (row.provider_call_id !== null) return provider.get(row.provider_call_id);
  const listed = await provider.lookup(publicId("attempt", row.attempt_id));
  if (listed.kind !== "found" || listed.report.final) return listed;
  const whole = await provider.get(listed.report.providerCallId);
  return whole.kind === "found" ? whole : listed;
}

async function settleLookedUp(org: OrgDb, row: UnsettledRow, found: LookedUp): Promise<void> {
  if (found.kind === "found") {
    await settle(org, row.connection_id, { ...found.report, attemptId: publicId("attempt", row.attempt_id) }, row);
    return;
  }
  // An empty look-up proves something only now that the settle time is over, and only of a call that was never known.
  if (found.kind !== "absent") return;
  const subject = publicId("attempt", row.attempt_id);
  if (row.provider_call_id === null && row.state === "unknown")
    await org.changeInOneRequest([{ action: "attempt.not_placed", subject, facts: {} }], settleAbsent(row.attempt_id));
  else if (row.overdue && row.state !== "unknown")
    await org.changeInOneRequest([{ action: "attempt.lost", subject, facts: {} }], settleLost(row.attempt_id));
}
