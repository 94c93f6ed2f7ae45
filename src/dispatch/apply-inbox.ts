import type { OrgDb } from "../db/org-db.ts";
import { type InboxRow, takeInbox } from "../db/queries/dispatch.ts";
import { applyWaitingStops, attemptOfEvent, closeInboxRows, reportUnattributed, unattributed } from "../db/queries/inbox.ts";
import { rowsOf } from "../db/transport.ts";
import { findStop } from "../domain/calls/find-stop.ts";
import { reachVoice } from "../domain/connections/reach-voice.ts";
import { sideBySide } from "../lib/side-by-side.ts";
import type { CallReport, VoiceProvider } from "../providers/voice/contract.ts";
import type { DispatchDeps } from "./deps.ts";
import { settle } from "./settle.ts";

const rowsMax = 100;
const leaseSeconds = 60;
/** One call's events in order, a few calls side by side. */
const callsAtOnce = 5;
const roundsMax = 100;
/** A row that failed this often waits for a person; the reconciler still asks the provider for its call. */
const triesMax = 8;
/** A stop whose call nobody can name is asked about for a week; its incident stays, and its call, once known, still takes it. */
const unattributedTriesMax = 170;

/** Applies what the inbox holds of the org, in order of arrival. Replays and reorders change nothing. */
export async function applyInbox(deps: DispatchDeps, org: OrgDb): Promise<number> {
  let applied = 0;
  for (let round = 0; round < roundsMax; round++) {
    const { bound, answers } = await org.query(takeInbox(rowsMax, leaseSeconds));
    const rows = rowsOf<InboxRow>(answers[0] ?? { columns: [], rows: [] });
    const closed: (Closing & { readonly id: string })[] = [];
    const byCall = [...Map.groupBy(rows, (row) => `${row.connection_id} ${row.provider_call_id ?? row.id}`).values()];
    await sideBySide(byCall, callsAtOnce, async (call) => {
      for (const row of call) closed.push({ id: row.id, ...(await applyRow(org, reachVoice(deps, bound, row), row)) });
    });
    if (closed.length > 0) await org.query(closeInboxRows(closed));
    applied += closed.length;
    if (rows.length < rowsMax) break;
  }
  return applied;
}

type Closing = { readonly state: "applied" | "ignored" | "failed" | "pending"; readonly reason: string | null };

async function applyRow(org: OrgDb, provider: VoiceProvider | null, row: InboxRow): Promise<Closing> {
  try {
    if (row.type === "stop_tool" || row.reason === unattributed) {
      const waiting = await waitingStop(org, row);
      if (waiting !== null) return waiting;
    }
    const report = await reportOf(provider, row);
    if (report === null) return { state: "ignored", reason: "nothing_to_apply" };
    const { applied } = await settle(org, row.connection_id, report, row);
    if (applied === "applied") return { state: "applied", reason: null };
    if (applied === "second_call") return { state: "applied", reason: applied };
    if (!report.stopRequested && (report.transcript === null || findStop(report.transcript) === null))
      return { state: "ignored", reason: applied };
    await org.query(reportUnattributed(row.id, row.connection_id));
    return { state: "pending", reason: unattributed };
  } catch {
    // The next try follows when the lease ends; what failed is in the error report, never a value of the call.
    return { state: row.tries >= triesMax ? "failed" : "pending", reason: "not_applied" };
  }
}

/** What becomes of a stop that came before anyone knew its call; null where a report is to be applied as any other. */
async function waitingStop(org: OrgDb, row: InboxRow): Promise<Closing | null> {
  const find = attemptOfEvent(row.connection_id, row.attempt_id, row.provider_call_id);
  const [attempt] = await org.rows<{ id: string }>(find);
  if (attempt === undefined) return { state: row.tries >= unattributedTriesMax ? "failed" : "pending", reason: unattributed };
  if (row.provider_call_id !== null) await org.query(applyWaitingStops(attempt.id, row.provider_call_id));
  return row.type === "stop_tool" ? { state: "applied", reason: null } : null;
}

/** A connection that keeps envelopes only has dropped the words at the edge: they are fetched from the provider now. */
async function reportOf(provider: VoiceProvider | null, row: InboxRow): Promise<CallReport | null> {
  const report = row.report as CallReport | null;
  if (report === null || row.body !== null || report.transcript !== null || !report.final || provider === null) return report;
  const fetched = await provider.get(report.providerCallId);
  if (fetched.kind === "unavailable") throw new Error("the call could not be fetched");
  return fetched.kind === "found" ? fetched.report : report;
}
