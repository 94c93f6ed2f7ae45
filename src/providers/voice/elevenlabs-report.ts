import * as z from "zod";
import type { CallReport, CallStatus, Disposition, TranscriptTurn } from "./contract.ts";
import type { StopSigns } from "./retell-report.ts";
import { instantFrom, isSpoken, saysStop, storableReport, textAt } from "./vendor-call.ts";

// As with Retell: loose, and a transcript of which a part cannot be read is one that was not told.
const toolCall = z.looseObject({ tool_name: z.string(), params_as_json: z.string().nullish().catch(null) });
const turn = z.looseObject({
  role: z.string(),
  message: z.string().nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_results: z.array(z.unknown()).nullish(),
  time_in_call_secs: z.number().nullish().catch(null),
});
export const conversation = z.looseObject({
  conversation_id: z.string().min(1).max(200),
  status: z.string().nullish().catch(null),
  transcript: z.array(turn).nullish().catch(null),
  metadata: z
    .looseObject({
      start_time_unix_secs: z.number().nullish().catch(null),
      call_duration_secs: z.number().nullish().catch(null),
      termination_reason: z.string().nullish().catch(null),
      phone_call: z
        .looseObject({ call_result: z.string().nullish().catch(null) })
        .nullish()
        .catch(null),
    })
    .nullish()
    .catch(null),
  analysis: z.looseObject({ data_collection_results: z.unknown().optional() }).nullish().catch(null),
  conversation_initiation_client_data: z.looseObject({ dynamic_variables: z.unknown().optional() }).nullish().catch(null),
  has_audio: z.boolean().nullish().catch(null),
});
export type Conversation = z.infer<typeof conversation>;

export const initiationFailure = z.looseObject({
  conversation_id: z.string().min(1).max(200),
  failure_reason: z.string().nullish().catch(null),
  conversation_initiation_client_data: z.looseObject({ dynamic_variables: z.unknown().optional() }).nullish().catch(null),
});

/** One line of the list of conversations: enough to find a call by, not enough to settle it. */
export const conversationSummary = z.looseObject({
  conversation_id: z.string().min(1).max(200),
  status: z.string().nullish().catch(null),
  start_time_unix_secs: z.number().nullish().catch(null),
  call_duration_secs: z.number().nullish().catch(null),
});

const statuses: Readonly<Record<string, CallStatus>> = {
  initiated: "registered",
  "in-progress": "in_progress",
  processing: "ended",
  done: "ended",
  failed: "error",
};
const results: Readonly<Record<string, Disposition>> = {
  answered: "answered",
  voicemail: "voicemail",
  busy: "busy",
  no_answer: "no_answer",
  failed: "failed",
};
const failures: Readonly<Record<string, Disposition>> = { busy: "busy", "no-answer": "no_answer" };
const unanswered = new Set<Disposition>(["busy", "no_answer", "failed"]);

/** `afterCall`: the vendor's post-call event, its last word whatever status it still shows. */
export function elevenlabsReport(call: Conversation, signs: StopSigns, afterCall = false): CallReport {
  const over = afterCall || call.status === "done" || call.status === "failed";
  const shown = statuses[call.status ?? ""] ?? "registered";
  const said = afterCall && shown !== "error" ? "ended" : shown;
  const transcript = turnsOf(call);
  const disposition = said === "ended" || said === "error" ? dispositionOf(call, transcript, said) : "unknown";
  const status = unanswered.has(disposition) && !spoken(transcript) ? "not_connected" : said;
  const startedAt = call.metadata?.start_time_unix_secs ?? null;
  const seconds = call.metadata?.call_duration_secs ?? null;
  return storableReport({
    providerCallId: call.conversation_id,
    attemptId: textAt(call.conversation_initiation_client_data?.dynamic_variables, "attempt_id"),
    status,
    disposition,
    providerReason: call.metadata?.termination_reason ?? call.metadata?.phone_call?.call_result ?? null,
    startedAt: instantFrom(startedAt, 1),
    endedAt:
      said === "registered" || said === "in_progress" || startedAt === null ? null : instantFrom(startedAt + (seconds ?? 0), 1),
    durationSeconds: seconds,
    endedBy: endedBy(call, status),
    neverRang: false,
    // While it runs, or is being processed, what is there is not all there will be.
    transcript: status === "not_connected" ? [] : over ? transcript : null,
    recordingRef: call.has_audio === true ? `conversations/${call.conversation_id}/audio` : null,
    stopRequested: stopRequested(call, signs),
    final: over || status === "not_connected",
  });
}

/** A call that was never connected: busy, no answer, or a reason that ElevenLabs does not know. */
export function failureReport(failure: z.infer<typeof initiationFailure>): CallReport {
  return storableReport({
    providerCallId: failure.conversation_id,
    attemptId: textAt(failure.conversation_initiation_client_data?.dynamic_variables, "attempt_id"),
    status: "not_connected",
    disposition: failures[failure.failure_reason ?? ""] ?? "failed",
    providerReason: failure.failure_reason ?? null,
    startedAt: null,
    endedAt: null,
    durationSeconds: null,
    endedBy: "not_connected",
    // Not even "failed" says how far the call came.
    neverRang: false,
    transcript: [],
    recordingRef: null,
    stopRequested: false,
    final: true,
  });
}

/** Never final: a summary names the conversation, and `get` tells the rest. */
export function summaryReport(summary: z.infer<typeof conversationSummary>, attemptId: string): CallReport {
  return storableReport({
    providerCallId: summary.conversation_id,
    attemptId,
    status: statuses[summary.status ?? ""] ?? "registered",
    disposition: "unknown",
    providerReason: null,
    startedAt: instantFrom(summary.start_time_unix_secs, 1),
    endedAt: null,
    durationSeconds: summary.call_duration_secs ?? null,
    endedBy: "unknown",
    neverRang: false,
    transcript: null,
    recordingRef: null,
    stopRequested: false,
    final: false,
  });
}

const spoken = (turns: readonly TranscriptTurn[] | null): boolean => turns?.some((entry) => entry.role === "person") === true;

function dispositionOf(call: Conversation, turns: readonly TranscriptTurn[] | null, status: CallStatus): Disposition {
  const result = results[call.metadata?.phone_call?.call_result ?? ""];
  const lasted = (call.metadata?.call_duration_secs ?? 0) > 0 || turns?.some(isSpoken) === true;
  // A call that failed after it had begun was somebody's.
  if (result !== undefined && !(result === "failed" && lasted)) return result;
  // An error without a result may have come in the middle of a call: nobody knows who was on the line.
  return turns?.some(isSpoken) === true && (status === "error" || spoken(turns)) ? "answered" : "unknown";
}

function endedBy(call: Conversation, status: CallStatus): CallReport["endedBy"] {
  if (status === "not_connected") return "not_connected";
  // The termination reason is free text; only the agent's own tool is a plain sign. Unknown counts as the person.
  return (call.transcript ?? []).some((entry) => (entry.tool_calls ?? []).some((tool) => tool.tool_name === "end_call"))
    ? "agent"
    : "unknown";
}

function turnsOf(call: Conversation): readonly TranscriptTurn[] | null {
  if (call.transcript === null || call.transcript === undefined) return null;
  const turns: TranscriptTurn[] = [];
  for (const entry of call.transcript) {
    const startSeconds = entry.time_in_call_secs ?? null;
    const tools = entry.tool_calls ?? [];
    // Anyone who is not the agent is the person, and a turn of theirs without words or tools is one that was not told.
    const role = entry.role.trim().toLowerCase() === "agent" ? "agent" : "person";
    const message = entry.message ?? null;
    if (role === "person" && message === null && tools.length + (entry.tool_results ?? []).length === 0) return null;
    if (message !== null && message !== "") turns.push({ role, text: message, startSeconds });
    for (const tool of tools) turns.push({ role: "tool", text: `${tool.tool_name}(${tool.params_as_json ?? ""})`, startSeconds });
  }
  return turns;
}

function stopRequested(call: Conversation, signs: StopSigns): boolean {
  const calledTool = (call.transcript ?? []).some((entry) =>
    (entry.tool_calls ?? []).some((tool) => tool.tool_name === signs.toolName),
  );
  const collected = call.analysis?.data_collection_results;
  const field =
    typeof collected === "object" && collected !== null ? (collected as Record<string, unknown>)[signs.analysisField] : null;
  return calledTool || (typeof field === "object" && field !== null && saysStop((field as Record<string, unknown>)["value"]));
}
