import * as z from "zod";
import { bytesOfHex, hexOf, sha256 } from "../../lib/bytes.ts";
import { hmacSha256Holds, joinBytes } from "../../lib/hmac.ts";
import { secondsOf } from "../../lib/instant.ts";
import { ok, refuse } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { readJson } from "../read-json.ts";
import { sendOnce } from "../send-once.ts";
import type { Fetch, Outgoing, Sent } from "../send-once.ts";
import type { InboundWebhook, LookedUp, OpenCredential, PlaceCall, Placed, RefusalReason, VerifiedEvent } from "./contract.ts";
import type { StopToolCall, VoiceProvider, VoicePurpose, VoiceSettings, WebhookRefusal } from "./contract.ts";
import { retellCall, retellReport } from "./retell-report.ts";
import type { StopSigns } from "./retell-report.ts";
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
import { requestTimeoutSeconds, textAt, toolName, variablesOf, vendorId } from "./vendor-call.ts";

export const retellOrigin = "https://api.retellai.com";

/** What is described here stands in the API's document. */
export const retellConfig = z.strictObject({
  agent_id: vendorId,
  agent_version: z.int().min(0).optional(),
  from_number: e164.describe("The caller number that this connection is for; Retell checks that the account owns it. E.164."),
  max_call_seconds: z
    .int()
    .min(60)
    .max(7200)
    .default(1800)
    .describe("Sent with every call as `max_call_duration_ms`; bounds how long an unknown call is looked up."),
  stop_tool_name: toolName.default("do_not_call").describe("The agent's tool that ends the call and stops all others."),
  stop_analysis_field: toolName
    .default("do_not_call_requested")
    .describe("The boolean of `post_call_analysis_data` that says that the person asked for calls to end."),
});
export const retellCredential = z.strictObject({
  api_key: headerSecret.describe("The key that places calls."),
  webhook_key: headerSecret
    .optional()
    .describe("The API key with the webhook badge, which signs webhooks and tool calls; `api_key` when absent."),
});

export interface VoiceWiring {
  readonly settings: VoiceSettings;
  readonly open: OpenCredential;
  readonly fetch: Fetch;
}
type RetellConfig = z.infer<typeof retellConfig>;

const signatureForm = /^v=(\d{13}),d=([0-9a-f]{64})$/i;
const signatureToleranceSeconds = 300;
/** The statuses that create-phone-call documents: each is answered before anything is dialed. */
const refusals: Readonly<Record<number, RefusalReason>> = {
  400: "rejected",
  401: "unauthorized",
  402: "payment_required",
  422: "rejected",
  429: "rate_limited",
};

/** Retell behind the one contract. It reports no ringing, and documents a stop for an ongoing call only. */
export function retell({ settings, open, fetch }: VoiceWiring): VoiceProvider {
  const config = retellConfig.parse(settings.config);
  const signs: StopSigns = { toolName: config.stop_tool_name, analysisField: config.stop_analysis_field };
  const ask = (purpose: VoicePurpose, method: Outgoing["method"], path: string, body: unknown) =>
    opened(open, purpose, (secret) => sendOnce(fetch, request(settings.origin, secret["api_key"] ?? "", method, path, body)));
  return {
    vendor: "retell",
    ring: "inferred",
    cancel: "connected",
    async place(call) {
      const problem = retellCannotPlace(call);
      if (problem !== null) return { kind: "failed_no_call", reason: problem };
      const sent = await ask("place", "POST", "/v2/create-phone-call", createBody(call, config));
      if (sent.kind === "not_opened") return { kind: "failed_no_call", reason: "credential_unavailable" };
      return sent.kind === "threw" ? { kind: "unknown", reason: "adapter_broke", status: null } : placedOf(sent.value);
    },
    async lookup(attemptId) {
      const filter = { metadata: [{ key: "attempt_id", type: "string", op: "eq", value: attemptId }] };
      const sent = await ask("lookup", "POST", "/v3/list-calls", { filter_criteria: filter, limit: 2 });
      if (sent.kind !== "done") return { kind: "unavailable", reason: "credential_unavailable" };
      return listedOf(sent.value, attemptId, signs);
    },
    async get(providerCallId) {
      if (!isVendorId(providerCallId)) return { kind: "unavailable", reason: "call_id_malformed" };
      const sent = await ask("lookup", "GET", `/v2/get-call/${providerCallId}`, null);
      return sent.kind === "done" ? gotOf(sent.value, signs) : { kind: "unavailable", reason: "credential_unavailable" };
    },
    async stop(providerCallId) {
      if (!isVendorId(providerCallId)) return refuse("call_id_malformed");
      const sent = await ask("stop", "POST", `/v2/stop-call/${providerCallId}`, null);
      if (sent.kind !== "done") return refuse("credential_unavailable");
      if (sent.value.kind === "silent") return refuse(sent.value.reason);
      if (sent.value.status >= 200 && sent.value.status < 300) return ok("stopped");
      // One answer for a call that is over and for one that is not yet ongoing: only a look-up tells them apart.
      return sent.value.status === 400 ? refuse("not_ongoing") : refusedStatus(sent.value.status);
    },
    check: async () => checkedOf(await ask("check", "GET", `/get-agent/${config.agent_id}`, null)),
    verify: async (webhook) => verified(open, webhook, signs),
    verifyStopTool: async (webhook) => stopTool(open, webhook, config.stop_tool_name),
  };
}

/** Retell has no switch for one call's recording that leaves the transcript, which the stop check needs. */
function retellCannotPlace(call: PlaceCall): string | null {
  return cannotPlace(call) ?? (call.recordingEnabled ? null : "recording_cannot_be_switched_off");
}

function request(origin: string, apiKey: string, method: Outgoing["method"], path: string, body: unknown): Outgoing {
  return {
    method,
    url: origin + path,
    headers: { authorization: `Bearer ${apiKey}`, ...(body === null ? {} : { "content-type": "application/json" }) },
    body: body === null ? null : JSON.stringify(body),
    timeoutSeconds: requestTimeoutSeconds,
    maxAnswerBytes,
  };
}

function createBody(call: PlaceCall, config: RetellConfig) {
  return {
    from_number: call.fromNumber,
    to_number: call.toNumber,
    override_agent_id: config.agent_id,
    ...(config.agent_version === undefined ? {} : { override_agent_version: config.agent_version }),
    // Ringing and the longest call are the agent's settings; the override makes them this call's, whatever the agent says.
    agent_override: {
      agent: { ring_duration_ms: call.ringSeconds * 1000, max_call_duration_ms: config.max_call_seconds * 1000 },
    },
    retell_llm_dynamic_variables: variablesOf(call),
    metadata: { attempt_id: call.attemptId },
  };
}

function placedOf(sent: Sent): Placed {
  if (sent.kind === "silent") return { kind: "unknown", reason: sent.reason, status: sent.status };
  const { status } = sent;
  if (status >= 200 && status < 300) {
    const created = readJson(z.looseObject({ call_id: vendorId }), sent.body);
    if (created === null) return { kind: "unknown", reason: "answer_unreadable", status };
    return { kind: "accepted", providerCallId: created.call_id };
  }
  const reason = refusals[status];
  return reason === undefined ? { kind: "unknown", reason: "answer_undocumented", status } : { kind: "refused", reason, status };
}

function listedOf(sent: Sent, attemptId: string, signs: StopSigns): LookedUp {
  if (sent.kind === "silent") return { kind: "unavailable", reason: sent.reason };
  if (sent.status !== 200) return { kind: "unavailable", reason: `status_${sent.status}` };
  const list = readJson(z.looseObject({ items: z.array(retellCall).max(100) }), sent.body);
  if (list === null) return { kind: "unavailable", reason: "answer_unreadable" };
  const reports = list.items.map((call) => retellReport(call, null, signs)).filter((report) => report.attemptId === attemptId);
  // A filter that the vendor did not apply proves nothing, neither way.
  if (reports.length === 0 && list.items.length > 0) return { kind: "unavailable", reason: "filter_not_applied" };
  const report = reports.find((candidate) => candidate.status === "in_progress") ?? reports[0];
  return report === undefined ? { kind: "absent" } : { kind: "found", report };
}

function gotOf(sent: Sent, signs: StopSigns): LookedUp {
  if (sent.kind === "silent") return { kind: "unavailable", reason: sent.reason };
  if (sent.status === 404 || sent.status === 422) return { kind: "absent" };
  if (sent.status !== 200) return { kind: "unavailable", reason: `status_${sent.status}` };
  const call = readJson(retellCall, sent.body);
  return call === null
    ? { kind: "unavailable", reason: "answer_unreadable" }
    : { kind: "found", report: retellReport(call, null, signs) };
}

const storage = z.enum(["everything", "everything_except_pii", "basic_attributes_only"]);

function checkedOf(sent: Awaited<ReturnType<typeof opened<Sent>>>): Awaited<ReturnType<VoiceProvider["check"]>> {
  if (sent.kind !== "done") return refuse("credential_unavailable");
  if (sent.value.kind === "silent") return refuse(sent.value.reason);
  if (sent.value.status !== 200) return refusedStatus(sent.value.status);
  const agent = readJson(z.looseObject({ agent_id: z.string(), data_storage_setting: z.unknown().optional() }), sent.value.body);
  if (agent === null) return refuse("answer_unreadable");
  const setting = storage.safeParse(agent.data_storage_setting);
  if (!setting.success) return ok({ detail: "agent found; its data_storage_setting is not stated", storesTranscripts: null });
  // With either stricter setting the transcript may be absent, and then no stop could be found in it.
  return ok({ detail: `agent found; data_storage_setting ${setting.data}`, storesTranscripts: setting.data === "everything" });
}

/** Checked on the raw bytes, before anything parses them: the signed string is the body and the milliseconds, unseparated. */
async function signedAt(open: OpenCredential, webhook: InboundWebhook): Promise<Result<number, WebhookRefusal>> {
  const header = webhook.headers.get("x-retell-signature");
  if (header === null) return refuse("signature_missing");
  const [, ms, digest] = signatureForm.exec(header.trim()) ?? [];
  if (ms === undefined || digest === undefined) return refuse("signature_malformed");
  const holds = await opened(open, "verify", (secret) =>
    hmacSha256Holds(secret["webhook_key"] ?? secret["api_key"] ?? "", joinBytes(webhook.raw, ms), bytesOfHex(digest)),
  );
  if (holds.kind !== "done") return refuse("credential_unavailable");
  if (!holds.value) return refuse("signature_wrong");
  const away = Math.abs(Math.floor(Number(ms) / 1000) - secondsOf(webhook.receivedAt));
  return away > signatureToleranceSeconds ? refuse("timestamp_out_of_range") : ok(Number(ms));
}

const lifecycle = ["call_started", "call_ended", "call_analyzed"];

async function verified(
  open: OpenCredential,
  webhook: InboundWebhook,
  signs: StopSigns,
): Promise<Result<VerifiedEvent, WebhookRefusal>> {
  const signed = await signedAt(open, webhook);
  if (!signed.ok) return signed;
  const body = readJson(z.looseObject({ event: z.string().min(1).max(100), call: z.unknown().optional() }), webhook.raw);
  if (body === null) return refuse("body_malformed");
  const call = retellCall.safeParse(body.call);
  const known = lifecycle.includes(body.event);
  if (known && !call.success) return refuse("body_malformed");
  const callId = call.success ? call.data.call_id : null;
  // Retell sends no event id. The three of a call's life come once each; of others there may be many, told apart by content.
  const which = known ? "" : `:${hexOf(sha256(new Uint8Array(webhook.raw))).slice(0, 32)}`;
  return ok({
    dedupeKey: `${body.event}:${callId ?? "-"}${which}`,
    type: body.event,
    providerCallId: callId,
    attemptId: call.success ? textAt(call.data.metadata, "attempt_id") : null,
    sentAt: instantFrom(signed.value, 1000),
    report: known && call.success ? retellReport(call.data, body.event, signs) : null,
  });
}

const toolBody = z.looseObject({
  name: z.string(),
  call: z.looseObject({ call_id: z.string().min(1).max(200), metadata: z.unknown().optional() }),
  args: z.unknown().optional(),
});

async function stopTool(
  open: OpenCredential,
  webhook: InboundWebhook,
  name: string,
): Promise<Result<StopToolCall, WebhookRefusal>> {
  const signed = await signedAt(open, webhook);
  if (!signed.ok) return signed;
  const body = readJson(toolBody, webhook.raw);
  if (body === null || body.name !== name) return refuse("body_malformed");
  // The body carries the whole transcript so far; ids and the argument are all that goes on from here.
  return ok({
    dedupeKey: `${body.call.call_id}:${body.name}`,
    providerCallId: body.call.call_id,
    attemptId: textAt(body.call.metadata, "attempt_id"),
    reason: textAt(body.args, "reason")?.slice(0, 500) ?? null,
  });
}
