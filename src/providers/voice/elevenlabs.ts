import * as z from "zod";
import { bytesOfHex, hexOf, sha256 } from "../../lib/bytes.ts";
import { sameText } from "../../lib/constant-time.ts";
import { hmacSha256Holds, joinBytes } from "../../lib/hmac.ts";
import { secondsOf } from "../../lib/instant.ts";
import { ok, refuse } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { readJson } from "../read-json.ts";
import { sendOnce } from "../send-once.ts";
import type { Outgoing, Sent } from "../send-once.ts";
import type { CallReport, InboundWebhook, LookedUp, OpenCredential, PlaceCall, Placed, RefusalReason } from "./contract.ts";
import type { StopToolCall, VerifiedEvent, VoiceProvider, VoicePurpose, WebhookRefusal } from "./contract.ts";
import {
  conversation,
  conversationSummary,
  elevenlabsReport,
  failureReport,
  initiationFailure,
  summaryReport,
} from "./elevenlabs-report.ts";
import type { StopSigns } from "./retell-report.ts";
import type { VoiceWiring } from "./retell.ts";
import {
  cannotPlace,
  e164,
  headerSecret,
  instantFrom,
  isVendorId,
  maxAnswerBytes,
  opened,
  refusedStatus,
} from "./vendor-call.ts";
import { requestTimeoutSeconds, toolName, variablesOf, vendorId } from "./vendor-call.ts";

/** One origin per data residency; the connection's configuration names the residency, never an address. */
export const elevenlabsOrigins = {
  global: "https://api.elevenlabs.io",
  us: "https://api.us.elevenlabs.io",
  eu: "https://api.eu.residency.elevenlabs.io",
  in: "https://api.in.residency.elevenlabs.io",
  sg: "https://api.sg.residency.elevenlabs.io",
} as const;

/** What is described here stands in the API's document. */
export const elevenlabsConfig = z.strictObject({
  agent_id: vendorId,
  agent_phone_number_id: vendorId,
  from_number: e164.describe(
    "The number behind `agent_phone_number_id`: a call is placed only when it is the one that was judged. E.164.",
  ),
  residency: z.enum(["global", "us", "eu", "in", "sg"]).default("global").describe("Where the account's data is kept."),
  max_call_seconds: z
    .int()
    .min(60)
    .max(7200)
    .default(1800)
    .describe("The agent's own limit; bounds how long an unknown call is looked up."),
  stop_tool_name: toolName.default("do_not_call").describe("The agent's tool that ends the call and stops all others."),
  stop_analysis_field: toolName
    .default("do_not_call_requested")
    .describe("The data collection field that says that the person asked for calls to end."),
  tool_secret_header: z
    .string()
    .regex(/^x-[a-z0-9-]{1,60}$/, "a header of the form x-…")
    .default("x-dialgate-tool-secret")
    .describe("The request header in which the agent's tool carries `tool_secret`."),
});
export const elevenlabsCredential = z.strictObject({
  api_key: headerSecret.describe("The key that places calls."),
  webhook_secret: headerSecret.describe("Signs webhooks."),
  tool_secret: headerSecret.describe("What the agent's stop tool sends in `tool_secret_header`."),
});
type ElevenlabsConfig = z.infer<typeof elevenlabsConfig>;

const signatureForm = /^t=(\d{10}),\s*v0=([0-9a-f]{64})$/i;
/** The vendor's own window; its client looks only for "too old", a stamp from the future is refused here too. */
const signatureToleranceSeconds = 1800;

/** ElevenLabs behind the one contract. Reports no ringing, and documents no way to end a call that it has begun. */
export function elevenlabs({ settings, open, fetch }: VoiceWiring): VoiceProvider {
  const config = elevenlabsConfig.parse(settings.config);
  const signs: StopSigns = { toolName: config.stop_tool_name, analysisField: config.stop_analysis_field };
  const ask = (purpose: VoicePurpose, method: Outgoing["method"], path: string, body: unknown) =>
    opened(open, purpose, (secret) => sendOnce(fetch, request(settings.origin, secret["api_key"] ?? "", method, path, body)));
  return {
    vendor: "elevenlabs",
    ring: "inferred",
    cancel: "none",
    async place(call) {
      const problem = cannotPlace(call) ?? (call.fromNumber === config.from_number ? null : "from_number_not_the_connections");
      if (problem !== null) return { kind: "failed_no_call", reason: problem };
      const sent = await ask("place", "POST", "/v1/convai/twilio/outbound-call", createBody(call, config));
      if (sent.kind === "not_opened") return { kind: "failed_no_call", reason: "credential_unavailable" };
      return sent.kind === "threw" ? { kind: "unknown", reason: "adapter_broke", status: null } : placedOf(sent.value);
    },
    async lookup(attemptId) {
      const query = new URLSearchParams({
        agent_id: config.agent_id,
        dynamic_variable_params: `attempt_id:eq:${attemptId}`,
        page_size: "2",
      });
      const sent = await ask("lookup", "GET", `/v1/convai/conversations?${query.toString()}`, null);
      return sent.kind === "done" ? listedOf(sent.value, attemptId) : { kind: "unavailable", reason: "credential_unavailable" };
    },
    async get(providerCallId) {
      if (!isVendorId(providerCallId)) return { kind: "unavailable", reason: "call_id_malformed" };
      const sent = await ask("lookup", "GET", `/v1/convai/conversations/${providerCallId}`, null);
      return sent.kind === "done" ? gotOf(sent.value, signs) : { kind: "unavailable", reason: "credential_unavailable" };
    },
    stop: async () => refuse("unsupported"),
    check: async () => checkedOf(await ask("check", "GET", `/v1/convai/agents/${config.agent_id}`, null)),
    verify: async (webhook) => verified(open, webhook, signs),
    verifyStopTool: async (webhook) => stopTool(open, webhook, config),
  };
}

function request(origin: string, apiKey: string, method: Outgoing["method"], path: string, body: unknown): Outgoing {
  return {
    method,
    url: origin + path,
    headers: { "xi-api-key": apiKey, ...(body === null ? {} : { "content-type": "application/json" }) },
    body: body === null ? null : JSON.stringify(body),
    timeoutSeconds: requestTimeoutSeconds,
    maxAnswerBytes,
  };
}

function createBody(call: PlaceCall, config: ElevenlabsConfig) {
  return {
    agent_id: config.agent_id,
    agent_phone_number_id: config.agent_phone_number_id,
    to_number: call.toNumber,
    call_recording_enabled: call.recordingEnabled,
    conversation_initiation_client_data: { dynamic_variables: variablesOf(call) },
    telephony_call_config: { ringing_timeout_secs: call.ringSeconds, twilio_call_recording_enabled: call.recordingEnabled },
  };
}

const created = z.looseObject({
  success: z.boolean(),
  conversation_id: z.string().nullish(),
  callSid: z.string().nullish(),
});

function placedOf(sent: Sent): Placed {
  if (sent.kind === "silent") return { kind: "unknown", reason: sent.reason, status: sent.status };
  const { status } = sent;
  if (status < 200 || status >= 300) {
    const reason = refusalOf(status, sent.body);
    return reason === null ? { kind: "unknown", reason: "answer_undocumented", status } : { kind: "refused", reason, status };
  }
  const answer = readJson(created, sent.body);
  if (answer === null) return { kind: "unknown", reason: "answer_unreadable", status };
  const id = answer.conversation_id ?? "";
  if (answer.success) {
    return isVendorId(id) ? { kind: "accepted", providerCallId: id } : { kind: "unknown", reason: "answer_without_id", status };
  }
  // `success: false` comes with 200. Only one that names neither conversation nor call says that there is none.
  if (id === "" && (answer.callSid ?? "") === "") return { kind: "refused", reason: "rejected", status };
  return { kind: "unknown", reason: "answer_contradicts_itself", status };
}

const vendorError = z.looseObject({
  detail: z.union([
    z.looseObject({ status: z.string() }),
    z.array(z.looseObject({ loc: z.array(z.union([z.string(), z.number()])) })),
  ]),
});

/** The statuses that are documented for this call, all answered before anything rings; any other is no answer. */
function refusalOf(status: number, body: Uint8Array): RefusalReason | null {
  const detail = readJson(vendorError, body)?.detail;
  const code = detail === undefined || Array.isArray(detail) ? "" : detail.status;
  if (status === 422) {
    const aboutNumber = Array.isArray(detail) && detail.some((entry) => entry.loc.includes("to_number"));
    return aboutNumber ? "invalid_number" : "rejected";
  }
  if (status === 429) return code === "too_many_concurrent_requests" ? "no_capacity" : "rate_limited";
  if (status !== 400 && status !== 401 && status !== 403) return null;
  if (code === "quota_exceeded") return "payment_required";
  return status === 400 && code !== "invalid_api_key" ? "rejected" : "unauthorized";
}

function listedOf(sent: Sent, attemptId: string): LookedUp {
  if (sent.kind === "silent") return { kind: "unavailable", reason: sent.reason };
  if (sent.status !== 200) return { kind: "unavailable", reason: `status_${sent.status}` };
  const list = readJson(z.looseObject({ conversations: z.array(conversationSummary).max(100) }), sent.body);
  if (list === null) return { kind: "unavailable", reason: "answer_unreadable" };
  const [found, second] = list.conversations;
  // A summary does not repeat our id: two for one attempt mean that the filter was not applied, and neither can be believed.
  if (second !== undefined) return { kind: "unavailable", reason: "ambiguous" };
  return found === undefined ? { kind: "absent" } : { kind: "found", report: summaryReport(found, attemptId) };
}

function gotOf(sent: Sent, signs: StopSigns): LookedUp {
  if (sent.kind === "silent") return { kind: "unavailable", reason: sent.reason };
  if (sent.status === 404 || sent.status === 422) return { kind: "absent" };
  if (sent.status !== 200) return { kind: "unavailable", reason: `status_${sent.status}` };
  const call = readJson(conversation, sent.body);
  return call === null
    ? { kind: "unavailable", reason: "answer_unreadable" }
    : { kind: "found", report: elevenlabsReport(call, signs) };
}

const privacy = z.looseObject({
  retention_days: z.number().nullish(),
  zero_retention_mode: z.boolean().nullish(),
  delete_transcript_and_pii: z.boolean().nullish(),
});
const agentAnswer = z.looseObject({
  agent_id: z.string(),
  platform_settings: z.looseObject({ privacy: privacy.nullish() }).nullish(),
});

function checkedOf(sent: Awaited<ReturnType<typeof opened<Sent>>>): Awaited<ReturnType<VoiceProvider["check"]>> {
  if (sent.kind !== "done") return refuse("credential_unavailable");
  if (sent.value.kind === "silent") return refuse(sent.value.reason);
  if (sent.value.status !== 200) return refusedStatus(sent.value.status);
  const agent = readJson(agentAnswer, sent.value.body);
  if (agent === null) return refuse("answer_unreadable");
  const settings = agent.platform_settings?.privacy;
  if (settings === null || settings === undefined)
    return ok({ detail: "agent found; its privacy settings are not stated", storesTranscripts: null });
  const withheld =
    settings.zero_retention_mode === true || settings.retention_days === 0 || settings.delete_transcript_and_pii === true;
  return ok({
    detail: withheld ? "agent found; it keeps no transcripts" : "agent found; it keeps transcripts",
    storesTranscripts: !withheld,
  });
}

async function signedAt(open: OpenCredential, webhook: InboundWebhook): Promise<Result<number, WebhookRefusal>> {
  const header = webhook.headers.get("elevenlabs-signature");
  if (header === null) return refuse("signature_missing");
  const [, seconds, digest] = signatureForm.exec(header.trim()) ?? [];
  if (seconds === undefined || digest === undefined) return refuse("signature_malformed");
  const holds = await opened(open, "verify", (secret) =>
    hmacSha256Holds(secret["webhook_secret"] ?? "", joinBytes(`${seconds}.`, webhook.raw), bytesOfHex(digest)),
  );
  if (holds.kind !== "done") return refuse("credential_unavailable");
  if (!holds.value) return refuse("signature_wrong");
  const away = Math.abs(Number(seconds) - secondsOf(webhook.receivedAt));
  return away > signatureToleranceSeconds ? refuse("timestamp_out_of_range") : ok(Number(seconds));
}

/** What the event says of the call; null = a type that is not known; undefined = a known type that cannot be read. */
function reportOf(type: string, data: unknown, signs: StopSigns): CallReport | null | undefined {
  if (type === "post_call_transcription") {
    const call = conversation.safeParse(data);
    return call.success ? elevenlabsReport(call.data, signs, true) : undefined;
  }
  if (type !== "call_initiation_failure") return null;
  const failure = initiationFailure.safeParse(data);
  return failure.success ? failureReport(failure.data) : undefined;
}

async function verified(
  open: OpenCredential,
  webhook: InboundWebhook,
  signs: StopSigns,
): Promise<Result<VerifiedEvent, WebhookRefusal>> {
  const signed = await signedAt(open, webhook);
  if (!signed.ok) return signed;
  const body = readJson(z.looseObject({ type: z.string().min(1).max(100), data: z.unknown().optional() }), webhook.raw);
  if (body === null) return refuse("body_malformed");
  const report = reportOf(body.type, body.data, signs);
  if (report === undefined) return refuse("body_malformed");
  const named = z.looseObject({ conversation_id: z.string().min(1).max(200) }).safeParse(body.data);
  const callId = named.success ? named.data.conversation_id : null;
  const which = report === null ? `:${hexOf(sha256(new Uint8Array(webhook.raw))).slice(0, 32)}` : "";
  return ok({
    dedupeKey: `${body.type}:${callId ?? "-"}${which}`,
    type: body.type,
    providerCallId: callId,
    attemptId: report?.attemptId ?? null,
    sentAt: instantFrom(signed.value, 1),
    report,
  });
}

/** The tool's body is the schema that the agent's tool declares: `conversation_id` is bound to `system__conversation_id`. */
const toolBody = z.looseObject({
  conversation_id: z.string().min(1).max(200),
  attempt_id: z.string().max(128).nullish().catch(null),
  reason: z.string().nullish().catch(null),
});

/** ElevenLabs signs no tool calls: a secret header is all there is. A repeat can only repeat a stop. */
async function stopTool(
  open: OpenCredential,
  webhook: InboundWebhook,
  config: ElevenlabsConfig,
): Promise<Result<StopToolCall, WebhookRefusal>> {
  const header = webhook.headers.get(config.tool_secret_header);
  if (header === null) return refuse("signature_missing");
  const holds = await opened(open, "verify", async (secret) => {
    const expected = secret["tool_secret"] ?? "";
    return expected !== "" && (await sameText(header, expected));
  });
  if (holds.kind !== "done") return refuse("credential_unavailable");
  if (!holds.value) return refuse("signature_wrong");
  const body = readJson(toolBody, webhook.raw);
  if (body === null) return refuse("body_malformed");
  return ok({
    dedupeKey: `${body.conversation_id}:${config.stop_tool_name}`,
    providerCallId: body.conversation_id,
    attemptId: body.attempt_id ?? null,
    reason: body.reason?.slice(0, 500) ?? null,
  });
}
