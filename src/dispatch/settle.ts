import { DbError } from "../db/db-error.ts";
import type { OrgDb } from "../db/org-db.ts";
import { type AppliedRow, applyReport, type KeepRow } from "../db/queries/dispatch.ts";
import { rowsOf } from "../db/transport.ts";
import { findStop, type StopFound } from "../domain/calls/find-stop.ts";
import { stopVocabularyVersion } from "../domain/calls/stop-vocabulary.ts";
import { publicId, uuidOf } from "../lib/ids.ts";
import type { CallReport } from "../providers/voice/contract.ts";

/**
 * Applies what a provider reported of a call, from a webhook or a look-up: in any order, any number of times, forward
 * only. The transcript is searched for a stop before the policy drops it. One request.
 */
export async function settle(org: OrgDb, connectionId: string, report: CallReport, keep: KeepRow): Promise<AppliedRow> {
  const heard = report.transcript === null ? null : findStop(report.transcript);
  try {
    return await apply(org, connectionId, report, heard, keep);
  } catch (thrown) {
    if (!unstorable(thrown) || !(report.stopRequested || heard !== null)) throw thrown;
    // Adapters make their reports storable; were one not to, its stop must not be lost with the rest of it.
    return await apply(org, connectionId, { ...report, ...nothingElse }, heard, {
      keep_transcripts: false,
      keep_recordings: false,
    });
  }
}

/** The values that a vendor writes freely. */
const nothingElse = { providerReason: null, startedAt: null, endedAt: null, durationSeconds: null } as const;
/** Data that Postgres refuses as such, that contradicts what is stored, or that is past a limit (classes 22, 23 and 54). */
const unstorable = (thrown: unknown): boolean => thrown instanceof DbError && /^(22|23|54)/.test(thrown.sqlstate ?? "");

async function apply(
  org: OrgDb,
  connectionId: string,
  report: CallReport,
  heard: StopFound | null,
  keep: KeepRow,
): Promise<AppliedRow> {
  const words = report.transcript?.some((turn) => turn.role !== "tool") === true;
  // A part of a transcript proves nothing, and one without a word of an answered call is no transcript.
  const searched = report.final && words;
  const attemptId = report.attemptId === null ? null : uuidOf("attempt", report.attemptId);
  const subject = attemptId === null ? publicId("connection", connectionId) : publicId("attempt", attemptId);
  const { answers } = await org.changeInOneRequest(
    [
      {
        action: "call.reported",
        subject,
        facts: {
          status: report.status,
          disposition: report.disposition,
          final: report.final,
          ...(searched ? { stop_vocabulary: stopVocabularyVersion } : {}),
        },
      },
    ],
    applyReport({
      connectionId,
      attemptId,
      providerCallId: report.providerCallId,
      status: report.status,
      disposition: report.disposition,
      providerReason: report.providerReason,
      startedAt: report.startedAt,
      endedAt: report.endedAt,
      durationSeconds: report.durationSeconds,
      endedBy: report.endedBy,
      rang: rangIn(report),
      transcript: keep.keep_transcripts && searched ? JSON.stringify(report.transcript) : null,
      transcriptState: searched ? (keep.keep_transcripts ? "kept" : "withheld") : nothingToTell(report) ? "none" : "pending",
      recordingRef: keep.keep_recordings ? report.recordingRef : null,
      stopRequested: report.stopRequested || heard !== null,
      stopSource: report.stopRequested ? "call_analysis" : (heard ?? "transcript"),
      stopSearched: searched,
      callId: org.newId(),
      suppressionId: org.newId(),
    }),
  );
  const [applied] = rowsOf<AppliedRow>(answers[0] ?? { columns: [], rows: [] });
  if (applied === undefined) throw new Error("a report was applied without an answer");
  return applied;
}

/** The provider's last word on a call that nobody answered. */
const nothingToTell = (report: CallReport): boolean =>
  report.final && report.transcript?.length === 0 && !["answered", "unknown"].includes(report.disposition);

/**
 * Whether it may have rung: only what the provider knows to have preceded ringing did not (gates.md §7), and not where a
 * length contradicts it. A call of which no end is told has not rung yet.
 */
function rangIn(report: CallReport): boolean {
  if (report.status === "registered") return false;
  return report.neverRang !== true || (report.durationSeconds ?? 0) > 0;
}
