import type { Account, SimulatedCall, Step, VendorSetup } from "./account.ts";
import { deliver, post } from "./deliver.ts";
import type { Record } from "./deliver.ts";
import type { Answer } from "./simulators.ts";

const json = (status: number, body: unknown): Answer => ({ kind: "json", status, body });
const error = (status: number, code: string, message: string): Answer => json(status, { detail: { status: code, message } });
const invalid = (...fields: string[]): Answer =>
  json(422, { detail: fields.map((field) => ({ loc: ["body", field], msg: "invalid", type: "value_error" })) });
export const elevenlabsUnauthorized = error(401, "invalid_api_key", "Invalid API key");

const createFields = new Set([
  "agent_id",
  "agent_phone_number_id",
  "to_number",
  "call_recording_enabled",
  "conversation_initiation_client_data",
  "telephony_call_config",
]);
const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function elevenlabsRequest(
  account: Account,
  setup: VendorSetup,
  method: string,
  path: string,
  query: URLSearchParams,
  body: unknown,
): Answer {
  if (method === "POST" && path === "/v1/convai/twilio/outbound-call") return create(account, setup, body);
  if (method === "GET" && path === "/v1/convai/conversations") return list(account, setup, query);
  const agent = /^\/v1\/convai\/agents\/([^/]+)$/.exec(path)?.[1];
  if (method === "GET" && agent !== undefined) {
    const privacy = { record_voice: true, retention_days: -1, zero_retention_mode: !setup.storesTranscripts };
    return json(200, { agent_id: agent, name: "Simulated", platform_settings: { privacy } });
  }
  const id = /^\/v1\/convai\/conversations\/([^/]+)$/.exec(path)?.[1];
  const call = id === undefined ? undefined : account.calls.get(id);
  if (call === undefined || call.vendor !== "elevenlabs") return error(404, "conversation_not_found", "Not found");
  if (method === "GET") return json(200, conversation(call));
  if (method !== "DELETE") return error(405, "method_not_allowed", "Method not allowed");
  account.calls.delete(call.id);
  return json(200, {});
}

function create(account: Account, setup: VendorSetup, body: unknown): Answer {
  if (!isObject(body)) return invalid("");
  const bad = ["agent_id", "agent_phone_number_id", "to_number"].filter(
    (field) => typeof body[field] !== "string" || body[field] === "",
  );
  bad.push(...Object.keys(body).filter((field) => !createFields.has(field)));
  if (typeof body["to_number"] === "string" && !/^\+[1-9]\d{7,14}$/.test(body["to_number"])) bad.push("to_number");
  const data = isObject(body["conversation_initiation_client_data"]) ? body["conversation_initiation_client_data"] : {};
  const variables = data["dynamic_variables"] ?? {};
  const telephony = isObject(body["telephony_call_config"]) ? body["telephony_call_config"] : {};
  const ring = telephony["ringing_timeout_secs"] ?? 60;
  if (typeof ring !== "number" || ring < 1) bad.push("telephony_call_config");
  if (!isObject(variables)) bad.push("conversation_initiation_client_data");
  if (bad.length > 0 || !isObject(variables) || typeof ring !== "number") return invalid(...bad);
  const to = String(body["to_number"]);
  const scenario = account.nextScenario(to);
  if (scenario.create === "rate_limited") return error(429, "system_busy", "Please try again later");
  if (scenario.outcome === "no_capacity" || account.live("elevenlabs") >= setup.concurrencyLimit) {
    return error(429, "too_many_concurrent_requests", "Too many concurrent requests");
  }
  if (scenario.create === "drop_before") return { kind: "drop" };
  if (scenario.create === "redirect") return { kind: "redirect", to: "https://elsewhere.invalid/v1/convai/twilio/outbound-call" };
  const call = account.begin({
    vendor: "elevenlabs",
    setup,
    agentId: String(body["agent_id"]),
    phoneNumberId: String(body["agent_phone_number_id"]),
    from: setup.fromNumbers?.[0] ?? "+12015550100",
    to,
    attemptId: typeof variables["attempt_id"] === "string" ? variables["attempt_id"] : null,
    variables: variables as { readonly [name: string]: string },
    metadata: null,
    recorded: body["call_recording_enabled"] !== false,
    scenario,
    ringSeconds: ring,
  });
  if (scenario.create === "drop_after") return { kind: "drop" };
  if (scenario.create === "hang") return { kind: "hang" };
  if (scenario.create === "error_after") return error(500, "internal_error", "Internal error");
  if (scenario.create === "unreadable") return { kind: "text", status: 200, text: '{"success": true, "conversation_id": "conv_' };
  const named = scenario.create !== "without_id";
  return json(200, {
    success: true,
    message: "Outbound call initiated",
    conversation_id: named ? call.id : null,
    callSid: named ? call.sid : null,
  });
}

function list(account: Account, setup: VendorSetup, query: URLSearchParams): Answer {
  const filters = query.getAll("dynamic_variable_params").map((text) => text.split(":"));
  const size = Number(query.get("page_size") ?? 30);
  const found = [...account.calls.values()].filter((call) => {
    if (call.vendor !== "elevenlabs" || call.setup.apiKey !== setup.apiKey) return false;
    if (query.has("agent_id") && query.get("agent_id") !== call.agentId) return false;
    return filters.every(([name = "", op, value]) => op === "eq" && call.variables[name] === value);
  });
  const conversations = found.slice(0, size).map((call) => ({
    agent_id: call.agentId,
    conversation_id: call.id,
    status: statusOf(call),
    start_time_unix_secs: call.answeredAt ?? call.createdAt,
    call_duration_secs: durationOf(call),
    message_count: call.turns.length,
    direction: "outbound",
  }));
  return json(200, { conversations, has_more: found.length > size, next_cursor: null });
}

const durationOf = (call: SimulatedCall) =>
  call.endedAt === null || call.answeredAt === null ? 0 : call.endedAt - call.answeredAt;

function statusOf(call: SimulatedCall): string {
  if (call.status === "registered") return "initiated";
  if (call.status === "ongoing") return "in-progress";
  if (call.status === "not_connected") return "failed";
  return call.analyzed ? "done" : "processing";
}

const callResults: { readonly [reason: string]: string } = {
  dial_busy: "busy",
  dial_no_answer: "no_answer",
  voicemail_reached: "voicemail",
};

function conversation(call: SimulatedCall) {
  const over = call.status === "ended" || call.status === "not_connected";
  const result = callResults[call.reason ?? ""] ?? (call.status === "ended" ? "answered" : "failed");
  const told = call.setup.storesTranscripts ? call.turns : [];
  return {
    agent_id: call.agentId,
    conversation_id: call.id,
    status: statusOf(call),
    transcript: told.map((turn) => transcriptTurn(call, turn)),
    metadata: {
      start_time_unix_secs: call.answeredAt ?? call.createdAt,
      accepted_time_unix_secs: call.answeredAt,
      call_duration_secs: durationOf(call),
      termination_reason: over ? (call.reason ?? "") : "",
      error: null,
      phone_call: {
        type: "twilio",
        direction: "outbound",
        phone_number_id: call.phoneNumberId,
        agent_number: call.from,
        external_number: call.to,
        call_result: over ? result : null,
        call_sid: call.sid,
        stream_sid: null,
      },
      batch_call: null,
    },
    analysis: call.analyzed && call.status === "ended" ? analysisOf(call) : null,
    conversation_initiation_client_data: { dynamic_variables: call.variables },
    has_audio: call.recorded && call.status === "ended",
  };
}

function transcriptTurn(call: SimulatedCall, turn: SimulatedCall["turns"][number]) {
  const base = { time_in_call_secs: turn.at, interrupted: false, tool_results: [] as unknown[] };
  if (turn.role !== "tool")
    return { ...base, role: turn.role === "agent" ? "agent" : "user", message: turn.text, tool_calls: [] };
  const tool = (name: string, params: string) => ({
    request_id: `req_${call.id}`,
    tool_name: name,
    params_as_json: params,
    tool_has_been_called: true,
    type: "webhook",
  });
  return {
    ...base,
    role: "agent",
    message: null,
    tool_calls: [tool(turn.text, '{"reason":"asked to stop"}'), tool("end_call", "{}")],
  };
}

function analysisOf(call: SimulatedCall) {
  const value = call.scenario.stop === "tool";
  return {
    call_successful: "success",
    transcript_summary: "A made-up call.",
    data_collection_results: { do_not_call_requested: { data_collection_id: "do_not_call_requested", value, rationale: "" } },
  };
}

const failureReasons: { readonly [reason: string]: string } = { dial_busy: "busy", dial_no_answer: "no-answer" };

/** One webhook per call: the conversation when it was analyzed, or the failure when it never connected. */
export async function elevenlabsStep(account: Account, call: SimulatedCall, step: Step, record: Record): Promise<void> {
  if (step === "tool") return stopTool(account, call, record);
  if (call.scenario.webhooks === "lost") return;
  const times = call.scenario.webhooks === "shuffled" ? 2 : 1;
  const event_timestamp = account.now;
  const send = async (type: string, data: unknown) => {
    const body = JSON.stringify({ type, event_timestamp, data });
    for (let time = 0; time < times; time += 1) await deliver(account, call.setup, type, call.id, body, record);
  };
  if (step === "analyze" && call.status === "ended") await send("post_call_transcription", conversation(call));
  if (step === "end" && call.status === "not_connected") {
    const failure_reason = failureReasons[call.reason ?? ""] ?? "unknown";
    const body = {
      CallSid: call.sid,
      CallStatus: failure_reason,
      CallbackSource: "call-progress-events",
      To: call.to,
      From: call.from,
    };
    await send("call_initiation_failure", {
      agent_id: call.agentId,
      conversation_id: call.id,
      failure_reason,
      metadata: { type: "twilio", body },
    });
  }
}

/** No signature: a secret header, and exactly the fields that the tool's schema declares. */
async function stopTool(account: Account, call: SimulatedCall, record: Record): Promise<void> {
  const { toolUrl, toolSecret, toolSecretHeader } = call.setup;
  if (toolUrl === null || toolSecret === null) return;
  const body = JSON.stringify({
    conversation_id: call.id,
    call_sid: call.sid,
    called_number: call.to,
    attempt_id: call.attemptId,
    reason: "asked to stop",
  });
  const status = await post(toolUrl, { [toolSecretHeader]: toolSecret }, body);
  call.toolAnswered = status !== null && status >= 200 && status < 300;
  record({ account: account.id, url: toolUrl, kind: "do_not_call", callId: call.id, status });
}
