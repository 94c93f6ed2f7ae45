import type { Account, SimulatedCall, Step, VendorSetup } from "./account.ts";
import { deliver, post, retellSignature } from "./deliver.ts";
import type { Record } from "./deliver.ts";
import type { Answer } from "./simulators.ts";

const json = (status: number, body: unknown): Answer => ({ kind: "json", status, body });
const error = (status: number, message: string): Answer => json(status, { status: "error", message });
export const retellUnauthorized = error(401, "API key is missing or invalid.");
const badRequest = error(400, "Invalid request format, please check API reference.");

const createFields = new Set(
  "from_number to_number override_agent_id override_agent_version agent_override retell_llm_dynamic_variables metadata custom_sip_headers ignore_e164_validation".split(
    " ",
  ),
);
const isNumber = (value: unknown): value is string => typeof value === "string" && /^\+[1-9]\d{7,14}$/.test(value);
const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export async function retellRequest(
  account: Account,
  setup: VendorSetup,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  if (method === "POST" && path === "/v2/create-phone-call") return create(account, setup, body);
  if (method === "POST" && path === "/v3/list-calls") return list(account, setup, body);
  if (method === "GET" && path === "/get-concurrency") {
    return json(200, {
      current_concurrency: account.live("retell"),
      concurrency_limit: setup.concurrencyLimit,
      base_concurrency: 20,
    });
  }
  const [, verb, id] = /^\/(v2\/get-call|v2\/stop-call|v2\/delete-call|get-agent)\/([^/]+)$/.exec(path) ?? [];
  if (method === "GET" && verb === "get-agent" && id !== undefined) {
    return json(200, { agent_id: id, data_storage_setting: setup.storesTranscripts ? "everything" : "basic_attributes_only" });
  }
  const call = id === undefined ? undefined : account.calls.get(id);
  if (verb === undefined) return error(404, "Not found");
  if (call === undefined || call.setup.vendor !== "retell") return error(422, "Cannot find requested asset under given api key.");
  if (method === "GET" && verb === "v2/get-call") return json(200, phoneCall(call, true));
  if (method === "POST" && verb === "v2/stop-call") return stop(account, call);
  if (method === "DELETE" && verb === "v2/delete-call") {
    account.calls.delete(call.id);
    return json(204, null);
  }
  return error(404, "Not found");
}

async function stop(account: Account, call: SimulatedCall): Promise<Answer> {
  if (call.status !== "ongoing") return badRequest;
  await account.end(call, "manual_stopped");
  return json(204, null);
}

function create(account: Account, setup: VendorSetup, body: unknown): Answer {
  if (!isObject(body) || !isNumber(body["from_number"]) || !isNumber(body["to_number"])) return badRequest;
  if (Object.keys(body).some((field) => !createFields.has(field))) return badRequest;
  const variables = body["retell_llm_dynamic_variables"] ?? {};
  if (!isObject(variables) || Object.values(variables).some((value) => typeof value !== "string")) return badRequest;
  const override = body["agent_override"] ?? {};
  const agent = isObject(override) ? (override["agent"] ?? {}) : null;
  const ringMs = isObject(agent) ? (agent["ring_duration_ms"] ?? 30_000) : null;
  if (typeof ringMs !== "number" || ringMs < 5_000 || ringMs > 300_000) return badRequest;
  if (setup.fromNumbers !== null && !setup.fromNumbers.includes(body["from_number"]))
    return error(422, "Cannot find requested asset under given api key.");
  const metadata = body["metadata"];
  const to = body["to_number"];
  const scenario = account.nextScenario(to);
  if (scenario.create === "rate_limited") return error(429, "Account rate limited, please throttle your requests.");
  if (scenario.create === "drop_before") return { kind: "drop" };
  if (scenario.create === "redirect") return { kind: "redirect", to: "https://elsewhere.invalid/v2/create-phone-call" };
  const full = account.live("retell") >= setup.concurrencyLimit;
  const call = account.begin({
    vendor: "retell",
    setup,
    agentId: typeof body["override_agent_id"] === "string" ? body["override_agent_id"] : "agent_default",
    phoneNumberId: null,
    from: body["from_number"],
    to,
    attemptId: isObject(metadata) && typeof metadata["attempt_id"] === "string" ? metadata["attempt_id"] : null,
    variables: variables as { readonly [name: string]: string },
    metadata: metadata ?? null,
    recorded: true,
    scenario: full ? { ...scenario, outcome: "no_capacity" } : scenario,
    ringSeconds: ringMs / 1000,
  });
  if (scenario.create === "drop_after") return { kind: "drop" };
  if (scenario.create === "hang") return { kind: "hang" };
  if (scenario.create === "error_after") return error(500, "An unexpected server error occurred.");
  if (scenario.create === "unreadable") return { kind: "text", status: 201, text: '{"call_id": "call_' };
  const { call_id: _, ...nameless } = phoneCall(call, false);
  return json(201, scenario.create === "without_id" ? nameless : phoneCall(call, false));
}

/** Whether registered calls are listed is not documented: a simulator that settles at once lists them, a test can switch it off. */
function list(account: Account, setup: VendorSetup, body: unknown): Answer {
  if (!isObject(body)) return badRequest;
  const criteria = isObject(body["filter_criteria"]) ? body["filter_criteria"] : {};
  const filters = Array.isArray(criteria["metadata"]) ? criteria["metadata"] : [];
  const limit = typeof body["limit"] === "number" ? body["limit"] : 50;
  const found = [...account.calls.values()].filter((call) => {
    if (
      call.vendor !== "retell" ||
      call.setup.apiKey !== setup.apiKey ||
      (call.status === "registered" && !setup.listsRegistered)
    )
      return false;
    return filters.every(
      (filter: unknown) =>
        isObject(filter) &&
        filter["op"] === "eq" &&
        isObject(call.metadata) &&
        call.metadata[String(filter["key"])] === filter["value"],
    );
  });
  return json(200, { items: found.slice(0, limit).map((call) => phoneCall(call, true)), has_more: found.length > limit });
}

/** The call as the vendor shows it; what has no value is absent. */
function phoneCall(call: SimulatedCall, whole: boolean) {
  const told = whole && call.setup.storesTranscripts && call.turns.length > 0;
  const [start, end] = [call.answeredAt ?? (call.endedAt === null ? null : call.rangAt), call.endedAt];
  return {
    call_type: "phone_call",
    call_id: call.id,
    agent_id: call.agentId,
    agent_version: 0,
    call_status: call.status,
    direction: "outbound",
    from_number: call.from,
    to_number: call.to,
    ...(call.metadata === null ? {} : { metadata: call.metadata }),
    retell_llm_dynamic_variables: call.variables,
    data_storage_setting: call.setup.storesTranscripts ? "everything" : "basic_attributes_only",
    opt_in_signed_url: false,
    telephony_identifier: { twilio_call_sid: call.sid },
    ...(start === null ? {} : { start_timestamp: start * 1000 }),
    ...(end === null ? {} : { end_timestamp: end * 1000, disconnection_reason: call.reason }),
    ...(start === null || end === null ? {} : { duration_ms: (end - start) * 1000 }),
    ...(told ? transcriptOf(call) : {}),
    ...(told && call.status === "ended" ? { recording_url: `https://recordings.invalid/${call.id}.wav` } : {}),
    ...(call.analyzed ? { call_analysis: analysisOf(call) } : {}),
  };
}

function transcriptOf(call: SimulatedCall) {
  const spoken = call.turns.filter((turn) => turn.role !== "tool");
  const words = (text: string, from: number) =>
    text.split(" ").map((word, at) => ({ word, start: from + at * 0.3, end: from + at * 0.3 + 0.25 }));
  const said = (turn: (typeof spoken)[number]) => ({
    role: turn.role === "agent" ? "agent" : "user",
    content: turn.text,
    words: words(turn.text, turn.at),
  });
  return {
    transcript: spoken.map((turn) => `${turn.role === "agent" ? "Agent" : "User"}: ${turn.text}`).join("\n"),
    transcript_object: spoken.map(said),
    transcript_with_tool_calls: call.turns.flatMap((turn): unknown[] => {
      if (turn.role !== "tool") return [said(turn)];
      const id = `tool_${call.id}`;
      const invoked = {
        role: "tool_call_invocation",
        tool_call_id: id,
        name: turn.text,
        arguments: '{"reason":"asked to stop"}',
      };
      return [
        invoked,
        { role: "tool_call_result", tool_call_id: id, content: '{"result":"end_call"}', successful: call.toolAnswered },
      ];
    }),
  };
}

function analysisOf(call: SimulatedCall) {
  return {
    call_summary: "A made-up call.",
    in_voicemail: call.scenario.outcome === "voicemail",
    user_sentiment: "Neutral",
    call_successful: call.reason === "agent_hangup",
    // The tool's call is reported by the tool; words alone leave the vendor's analysis in the dark, as happens.
    custom_analysis_data: { do_not_call_requested: call.scenario.stop === "tool" && call.status === "ended" },
  };
}

/** The webhooks of a step, by scenario. `call_started` is not sent for a call that never connected. */
export async function retellStep(account: Account, call: SimulatedCall, step: Step, record: Record): Promise<void> {
  if (step === "tool") return stopTool(account, call, record);
  const { webhooks } = call.scenario;
  if (step === "ring" || webhooks === "lost") return;
  const send = (event: string) => {
    const { call_analysis: _, ...plain } = phoneCall(call, event !== "call_started") as ReturnType<typeof phoneCall> & {
      call_analysis?: unknown;
    };
    const shown = event === "call_analyzed" ? phoneCall(call, true) : plain;
    return deliver(account, call.setup, event, call.id, JSON.stringify({ event, call: shown }), record);
  };
  if (webhooks === "shuffled") {
    if (step !== "analyze") return;
    const events =
      call.status === "ended"
        ? ["call_analyzed", "call_ended", "call_started", "call_analyzed", "call_ended"]
        : ["call_analyzed", "call_ended"];
    for (const event of events) await send(event);
    return;
  }
  await send(step === "answer" ? "call_started" : step === "end" ? "call_ended" : "call_analyzed");
}

/** The agent's tool: its body carries everything said so far, as the vendor's does. */
async function stopTool(account: Account, call: SimulatedCall, record: Record): Promise<void> {
  const { toolUrl, webhookSecret } = call.setup;
  if (toolUrl === null || webhookSecret === null) return;
  const body = JSON.stringify({ name: "do_not_call", call: phoneCall(call, true), args: { reason: "asked to stop" } });
  const status = await post(toolUrl, { "x-retell-signature": retellSignature(webhookSecret, body) }, body);
  call.toolAnswered = status !== null && status >= 200 && status < 300;
  record({ account: account.id, url: toolUrl, kind: "do_not_call", callId: call.id, status });
}
