import type { OrgDb } from "../db/org-db.ts";
import {
  noteNotSettled,
  settleAbsent,
  settleLost,
  sweepOverdue,
  takeUnsettled,
  type UnsettledRow,
} from "../db/queries/dispatch.ts";
import { rowsOf } from "../db/transport.ts";
import { reachVoice } from "../domain/connections/reach-voice.ts";
import { publicId } from "../lib/ids.ts";
import { sideBySide } from "../lib/side-by-side.ts";
import type { LookedUp, VoiceProvider } from "../providers/voice/contract.ts";
import type { DispatchDeps } from "./deps.ts";
import { settle } from "./settle.ts";

const rowsMax = 50;
const leaseSeconds = 30;
const roundsMax = 20;
const callsAtOnce = 5;
/** What could not be settled this often is an incident. It is asked for all the same, ever more rarely. */
const tellingTries = 8;

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
    await sideBySide(rows, callsAtOnce, (row) => reconcileRow(org, reachVoice(deps, bound, row), row));
    lookedUp += rows.length;
    if (rows.length < rowsMax) break;
  }
  return { lookedUp, stopped: swept?.stopped ?? 0 };
}

/** One call that cannot be settled keeps no other from being so. */
async function reconcileRow(org: OrgDb, provider: VoiceProvider | null, row: UnsettledRow): Promise<void> {
  if (provider === null) return;
  try {
    await settleLookedUp(org, row, await lookUp(provider, row));
  } catch {
    // As with the inbox: what failed is in the error report, never a value of the call.
    await org.query(noteNotSettled(row.attempt_id, tellingTries));
  }
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
  if (row.provider_call_id === null && row.state === "unknown") await org.query(settleAbsent(row.attempt_id));
  else if (row.overdue && row.state !== "unknown") await org.query(settleLost(row.attempt_id));
}
