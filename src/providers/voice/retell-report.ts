import * as z from "zod";
import type { CallReport, CallStatus, Disposition, TranscriptTurn } from "./contract.ts";
import { instantFrom, saysStop, textAt } from "./vendor-call.ts";

// Loose and forgiving in what decides nothing: a vendor's new shape in one field must not lose a call's end.
// A transcript that cannot be read becomes null, "not told", which keeps the person uncallable.
const word = z.looseObject({ start: z.number().optional().catch(undefined) });
const turn = z.looseObject({
  role: z.string(),
  content: z.string().nullish().catch(null),
  name: z.string().nullish().catch(null),
  arguments: z.string().nullish().catch(null),
  digit: z.string().nullish().catch(null),
  words: z.array(word).nullish().catch(null),
});
export const retellCall = z.looseObject({
  call_id: z.string().min(1).max(200),
  call_status: z.string().nullish().catch(null),
  metadata: z.unknown().optional(),
  retell_llm_dynamic_variables: z.unknown().optional(),
  start_timestamp: z.number().nullish().catch(null),
  end_timestamp: z.number().nullish().catch(null),
  duration_ms: z.number().nullish().catch(null),
  disconnection_reason: z.string().nullish().catch(null),
  transcript_object: z.array(turn).nullish().catch(null),
  transcript_with_tool_calls: z.array(turn).nullish().catch(null),
  recording_url: z.string().nullish().catch(null),
  call_analysis: z
    .looseObject({ in_voicemail: z.boolean().nullish().catch(null), custom_analysis_data: z.unknown().optional() })
    .nullish()
    .catch(null),
});
export type RetellCall = z.infer<typeof retellCall>;

export interface StopSigns {
  readonly toolName: string;
  readonly analysisField: string;
}

const answeredReasons = new Set([
  "user_hangup",
  "agent_hangup",
  "call_transfer",
  "inactivity",
  "max_duration_reached",
  "transfer_bridged",
  "transfer_cancelled",
  "call_take_over",
  // A machine that talks. An unknown answerer counts as a live person.
  "ivr_reached",
]);
const failedReasons = new Set([
  "dial_failed",
  "telephony_provider_permission_denied",
  "telephony_provider_unavailable",
  "sip_routing_error",
  "concurrency_limit_reached",
  "no_concurrency_fallback",
  "no_valid_payment",
]);
const byReason: Readonly<Record<string, Disposition>> = {
  voicemail_reached: "voicemail",
  dial_busy: "busy",
  dial_no_answer: "no_answer",
  invalid_destination: "invalid_number",
  user_declined: "not_connected",
  marked_as_spam: "not_connected",
  registered_call_timeout: "not_connected",
  error_user_not_joined: "not_connected",
};
const neverConnected = new Set([
  ...failedReasons,
  "dial_busy",
  "dial_no_answer",
  "invalid_destination",
  "user_declined",
  "marked_as_spam",
]);

/** Retell's event, or null for a plain look-up, which has only the call's own word for where it stands. */
export function retellReport(call: RetellCall, event: string | null, signs: StopSigns): CallReport {
  const reason = call.disconnection_reason ?? null;
  const status = statusOf(call, event, reason);
  const transcript = turnsOf(call);
  const analysed = call.call_analysis !== null && call.call_analysis !== undefined;
  const disposition = dispositionOf(call, status, reason, transcript);
  return {
    providerCallId: call.call_id,
    attemptId: textAt(call.metadata, "attempt_id") ?? textAt(call.retell_llm_dynamic_variables, "attempt_id"),
    status,
    disposition,
    providerReason: reason,
    startedAt: instantFrom(call.start_timestamp, 1000),
    endedAt: instantFrom(call.end_timestamp, 1000),
    durationSeconds: durationOf(call),
    endedBy: endedBy(reason, status),
    transcript: transcript ?? (status === "not_connected" ? [] : null),
    recordingRef: call.recording_url ?? null,
    stopRequested: stopRequested(call, signs),
    // `call_analyzed` is the last word; a call that never connected has nothing left to tell.
    final: event === "call_analyzed" || status === "not_connected" || (analysed && (status === "ended" || status === "error")),
  };
}

function statusOf(call: RetellCall, event: string | null, reason: string | null): CallStatus {
  const said = call.call_status ?? "";
  if (event === "call_started") return "in_progress";
  if (said === "not_connected" || (reason !== null && neverConnected.has(reason))) return "not_connected";
  if (said === "error" || reason?.startsWith("error_") === true) return "error";
  // The vendor's own sample of `call_ended` still says `registered`: the event is the better witness.
  if (said === "ended" || event === "call_ended" || event === "call_analyzed") return "ended";
  return said === "ongoing" ? "in_progress" : "registered";
}

function dispositionOf(
  call: RetellCall,
  status: CallStatus,
  reason: string | null,
  turns: readonly TranscriptTurn[] | null,
): Disposition {
  if (status === "registered" || status === "in_progress" || reason === null) return "unknown";
  if (failedReasons.has(reason)) return "failed";
  const known = byReason[reason];
  if (known !== undefined) return known;
  if (call.call_analysis?.in_voicemail === true) return "voicemail";
  if (answeredReasons.has(reason)) return "answered";
  if (reason === "manual_stopped") return status === "not_connected" ? "not_connected" : "answered";
  if (reason.startsWith("error_")) return turns !== null && turns.length > 0 ? "answered" : "failed";
  return status === "not_connected" ? "not_connected" : "unknown";
}

function endedBy(reason: string | null, status: CallStatus): CallReport["endedBy"] {
  if (reason === "user_hangup" || reason === "user_declined" || reason === "marked_as_spam") return "person";
  if (status === "not_connected") return "not_connected";
  const agent = ["agent_hangup", "call_transfer", "voicemail_reached", "ivr_reached", "inactivity", "max_duration_reached"];
  if (reason !== null && [...agent, "manual_stopped", "call_take_over", "transfer_bridged"].includes(reason)) return "agent";
  return "unknown";
}

function durationOf(call: RetellCall): number | null {
  if (typeof call.duration_ms === "number" && call.duration_ms >= 0) return Math.round(call.duration_ms / 1000);
  const { start_timestamp: from, end_timestamp: to } = call;
  return typeof from === "number" && typeof to === "number" && to >= from ? Math.round((to - from) / 1000) : null;
}

function turnsOf(call: RetellCall): readonly TranscriptTurn[] | null {
  const source = call.transcript_with_tool_calls ?? call.transcript_object;
  if (source === null || source === undefined) return null;
  return source.flatMap((entry): TranscriptTurn[] => {
    const startSeconds = entry.words?.[0]?.start ?? null;
    if (entry.role === "user") return [{ role: "person", text: entry.content ?? "", startSeconds }];
    // A pressed key is the person's word too: the stop check looks for it.
    if (entry.role === "dtmf") return [{ role: "person", text: `[key ${entry.digit ?? "?"}]`, startSeconds }];
    if (entry.role === "agent" || entry.role === "transfer_target")
      return [{ role: "agent", text: entry.content ?? "", startSeconds }];
    if (entry.role === "tool_call_invocation") {
      return [{ role: "tool", text: `${entry.name ?? "?"}(${entry.arguments ?? ""})`, startSeconds }];
    }
    return entry.role === "tool_call_result" ? [{ role: "tool", text: entry.content ?? "", startSeconds }] : [];
  });
}

function stopRequested(call: RetellCall, signs: StopSigns): boolean {
  const calledTool = (call.transcript_with_tool_calls ?? []).some(
    (entry) => entry.role === "tool_call_invocation" && entry.name === signs.toolName,
  );
  const analysis = call.call_analysis?.custom_analysis_data;
  const said =
    typeof analysis === "object" && analysis !== null ? (analysis as Record<string, unknown>)[signs.analysisField] : null;
  return calledTool || saysStop(said);
}
