import * as z from "zod";
import type { CallReport, CallStatus, Disposition, TranscriptTurn } from "./contract.ts";
import { instantFrom, isSpoken, saysStop, storableReport, textAt } from "./vendor-call.ts";

// Loose and forgiving in what decides nothing: a vendor's new shape in one field must not lose a call's end.
// Entries of a transcript are read one by one (`turnsOf`): one that cannot be read makes the whole "not told", which keeps
// the person uncallable.
const entry = z.looseObject({ role: z.string() });
type Entry = z.infer<typeof entry>;
export const retellCall = z.looseObject({
  call_id: z.string().min(1).max(200),
  call_status: z.string().nullish().catch(null),
  metadata: z.unknown().optional(),
  retell_llm_dynamic_variables: z.unknown().optional(),
  start_timestamp: z.number().nullish().catch(null),
  end_timestamp: z.number().nullish().catch(null),
  duration_ms: z.number().nullish().catch(null),
  disconnection_reason: z.string().nullish().catch(null),
  transcript_object: z.unknown().optional(),
  transcript_with_tool_calls: z.unknown().optional(),
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
/** Refused by Retell or the carrier before anything can ring (Retell, "Debug call disconnect": none of them reaches the line). */
const beforeRinging = new Set([
  "invalid_destination",
  "telephony_provider_permission_denied",
  "telephony_provider_unavailable",
  "sip_routing_error",
  "concurrency_limit_reached",
  "no_concurrency_fallback",
  "no_valid_payment",
]);
/** `dial_failed` does not say how far the call came. */
const failedReasons = new Set([...beforeRinging, "dial_failed"]);
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
const neverConnected = new Set([...failedReasons, "dial_busy", "dial_no_answer", "user_declined", "marked_as_spam"]);

/** Retell's event, or null for a plain look-up, which has only the call's own word for where it stands. */
export function retellReport(call: RetellCall, event: string | null, signs: StopSigns): CallReport {
  const reason = call.disconnection_reason ?? null;
  const status = statusOf(call, event, reason);
  const transcript = turnsOf(call);
  const analysed = call.call_analysis !== null && call.call_analysis !== undefined;
  const disposition = dispositionOf(call, status, reason, transcript);
  return storableReport({
    providerCallId: call.call_id,
    attemptId: textAt(call.metadata, "attempt_id") ?? textAt(call.retell_llm_dynamic_variables, "attempt_id"),
    status,
    disposition,
    providerReason: reason,
    startedAt: instantFrom(call.start_timestamp, 1000),
    endedAt: instantFrom(call.end_timestamp, 1000),
    durationSeconds: durationOf(call),
    endedBy: endedBy(reason, status),
    neverRang: status === "not_connected" && reason !== null && beforeRinging.has(reason),
    transcript: transcript ?? (status === "not_connected" ? [] : null),
    recordingRef: call.recording_url ?? null,
    stopRequested: stopRequested(call, signs),
    // `call_analyzed` is the last word; a call that never connected has nothing left to tell.
    final: event === "call_analyzed" || status === "not_connected" || (analysed && (status === "ended" || status === "error")),
  });
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
  const known = byReason[reason];
  if (known !== undefined) return known;
  if (failedReasons.has(reason)) return "failed";
  if (call.call_analysis?.in_voicemail === true) return "voicemail";
  if (answeredReasons.has(reason)) return "answered";
  if (reason === "manual_stopped") return status === "not_connected" ? "not_connected" : "answered";
  // Most errors come from within a running call: without a word of it nobody knows who was on the line.
  if (reason.startsWith("error_")) return turns?.some(isSpoken) === true ? "answered" : "unknown";
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
  if (typeof call.duration_ms === "number" && call.duration_ms >= 0) return call.duration_ms / 1000;
  const { start_timestamp: from, end_timestamp: to } = call;
  return typeof from === "number" && typeof to === "number" && to >= from ? (to - from) / 1000 : null;
}

/**
 * Retell tells the words twice, once with tools and key presses. The one without is read where the other has no words; where
 * either cannot be read, nothing was told.
 */
function turnsOf(call: RetellCall): readonly TranscriptTurn[] | null {
  const told = [call.transcript_with_tool_calls, call.transcript_object].filter((list) => list !== null && list !== undefined);
  if (told.length === 0) return null;
  const read = told.map(readTurns);
  if (read.includes(null)) return null;
  const [whole = [], words = []] = read as TranscriptTurn[][];
  return whole.some(isSpoken) ? whole : [...whole, ...words];
}

function readTurns(list: unknown): TranscriptTurn[] | null {
  const entries = z.array(entry).safeParse(list);
  if (!entries.success) return null;
  const turns = entries.data.map(readTurn);
  return turns.includes(null) ? null : (turns as TranscriptTurn[]);
}

/** Entries that are nobody's words. */
const silentRoles = new Set(["tool_call_invocation", "tool_call_result", "node_transition", "injected"]);

function readTurn(found: Entry): TranscriptTurn | null {
  const role = found.role.trim().toLowerCase();
  const text = typeof found["content"] === "string" ? found["content"] : wordsOf(found["words"]);
  const startSeconds = startOf(found["words"]);
  // A pressed key is the person's word too: the stop check looks for it.
  if (role === "dtmf") return { role: "person", text: `[key ${keyOf(found["digit"])}]`, startSeconds };
  if (role === "tool_call_invocation") {
    return { role: "tool", text: `${textAt(found, "name") ?? "?"}(${textAt(found, "arguments") ?? ""})`, startSeconds };
  }
  if (silentRoles.has(role)) return { role: "tool", text: text ?? role, startSeconds };
  if (role === "agent" || role === "transfer_target") return { role: "agent", text: text ?? "", startSeconds };
  // A role of next year is the person's until someone knows better, and what they said must be readable.
  return text === null ? null : { role: "person", text, startSeconds };
}

const wordList = z.array(z.looseObject({ word: z.string() })).min(1);
function wordsOf(words: unknown): string | null {
  const read = wordList.safeParse(words);
  return read.success ? read.data.map(({ word }) => word).join(" ") : null;
}
function startOf(words: unknown): number | null {
  const read = z.array(z.looseObject({ start: z.number() })).safeParse(words);
  return read.success ? (read.data[0]?.start ?? null) : null;
}
const keyOf = (digit: unknown): string =>
  typeof digit === "string" || typeof digit === "number" ? String(digit).slice(0, 8) : "?";

function stopRequested(call: RetellCall, signs: StopSigns): boolean {
  const entries = Array.isArray(call.transcript_with_tool_calls) ? (call.transcript_with_tool_calls as unknown[]) : [];
  const calledTool = entries.some(
    (found) => textAt(found, "role") === "tool_call_invocation" && textAt(found, "name") === signs.toolName,
  );
  const analysis = call.call_analysis?.custom_analysis_data;
  const said =
    typeof analysis === "object" && analysis !== null ? (analysis as Record<string, unknown>)[signs.analysisField] : null;
  return calledTool || saysStop(said);
}
