import type { OrgDb } from "../db/org-db.ts";
import { type AppliedRow, applyReport, type KeepRow } from "../db/queries/dispatch.ts";
import { rowsOf } from "../db/transport.ts";
import { findStop } from "../domain/calls/find-stop.ts";
import { stopVocabularyVersion } from "../domain/calls/stop-vocabulary.ts";
import { publicId, uuidOf } from "../lib/ids.ts";
import type { CallReport } from "../providers/voice/contract.ts";

/**
 * Applies what a provider reported of a call, from a webhook or a look-up: in any order, any number of times, forward
 * only. The transcript is searched for a stop before the policy drops it. One request.
 */
export async function settle(org: OrgDb, connectionId: string, report: CallReport, keep: KeepRow): Promise<AppliedRow> {
  const searched = report.transcript !== null && report.final;
  const heard = report.transcript !== null && findStop(report.transcript);
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
      transcriptState: !searched
        ? "pending"
        : report.transcript?.length === 0
          ? "none"
          : keep.keep_transcripts
            ? "kept"
            : "withheld",
      recordingRef: keep.keep_recordings ? report.recordingRef : null,
      stopRequested: report.stopRequested || heard,
      stopSource: report.stopRequested ? "call_analysis" : "transcript",
      stopSearched: searched,
      callId: org.newId(),
      suppressionId: org.newId(),
    }),
  );
  const [applied] = rowsOf<AppliedRow>(answers[0] ?? { columns: [], rows: [] });
  if (applied === undefined) throw new Error("a report was applied without an answer");
  return applied;
}

/** Only what a provider knows to have preceded ringing did not ring: an invalid number, a refused or failed connection. */
function rangIn(report: CallReport): boolean {
  if (report.status === "registered") return false;
  return (
    report.status === "in_progress" || ["answered", "voicemail", "no_answer", "busy", "unknown"].includes(report.disposition)
  );
}
