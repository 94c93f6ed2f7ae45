import type { Instant } from "../../lib/instant.ts";
import type { Result } from "../../lib/result.ts";

/** A test org's origin is the simulator's, a live org's the vendor's; the adapter never chooses. */
export interface VoiceSettings {
  readonly origin: string;
  /** Vendor's ids of the agent and of the caller number, from the connection's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What may go to a voice provider, whole. There is no other field: mail, address, notes and evidence have no place here. */
export interface PlaceCall {
  readonly attemptId: string;
  readonly toNumber: string;
  readonly fromNumber: string;
  readonly ringSeconds: number;
  /** Already reduced to the campaign's allow-list. Strings only (both vendors). */
  readonly variables: Readonly<Record<string, string>>;
  readonly recordingEnabled: boolean;
}

/** `unknown` is not a failure: the call may be ringing. It is settled by webhook or look-up, never placed again. */
export type Placed =
  | { readonly kind: "accepted"; readonly providerCallId: string }
  /** The provider said no before anything rang. */
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly status: number | null }
  /** The request never left, or could not be made: certainly no call. */
  | { readonly kind: "failed_no_call"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string; readonly status: number | null };
export type RefusalReason = "invalid_number" | "no_capacity" | "rate_limited" | "unauthorized" | "payment_required" | "rejected";

export type CallStatus = "registered" | "in_progress" | "ended" | "not_connected" | "error";
export type Disposition =
  | "answered"
  | "voicemail"
  | "no_answer"
  | "busy"
  | "failed"
  | "invalid_number"
  | "not_connected"
  | "unknown";

/** What is known of a call, from a webhook or a look-up; absent = null. Times are the provider's. */
export interface CallReport {
  readonly providerCallId: string;
  readonly attemptId: string | null;
  readonly status: CallStatus;
  readonly disposition: Disposition;
  readonly providerReason: string | null;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly durationSeconds: number | null;
  readonly endedBy: "person" | "agent" | "not_connected" | "unknown";
  /** The vendor's own word for the end is one that it documents as before any ringing. What is not known may have rung. */
  readonly neverRang: boolean;
  /** Null = not (yet) told, or not readable; empty = told that there is none. Who is not known to be the agent is the person. */
  readonly transcript: readonly TranscriptTurn[] | null;
  readonly recordingRef: string | null;
  /** The vendor's analysis, or a tool in the transcript, said that the person asked for calls to end. */
  readonly stopRequested: boolean;
  /** True when nothing further of this call will be reported. */
  readonly final: boolean;
}
export interface TranscriptTurn {
  readonly role: "agent" | "person" | "tool";
  readonly text: string;
  readonly startSeconds: number | null;
}

/** A webhook whose signature held. `dedupeKey` is stable over the vendor's own retries. */
export interface VerifiedEvent {
  readonly dedupeKey: string;
  readonly type: string;
  readonly providerCallId: string | null;
  readonly attemptId: string | null;
  /** When the vendor signed it, by the real clock. */
  readonly sentAt: Instant | null;
  /** Null for an event type that is not known: kept in the inbox, changes nothing. */
  readonly report: CallReport | null;
}
/** `credential_unavailable`: it could not be judged, and the vendor should send it again. */
export type WebhookRefusal =
  | "signature_missing"
  | "signature_malformed"
  | "signature_wrong"
  | "timestamp_out_of_range"
  | "body_malformed"
  | "credential_unavailable";

export interface InboundWebhook {
  readonly raw: Uint8Array;
  readonly headers: Headers;
  /** The real clock: signatures are guarded by it, whatever the org's clock says. */
  readonly receivedAt: Instant;
}

/** A person asked, in the call, for calls to end. Ids and arguments only: a tool's body can carry the whole transcript. */
export interface StopToolCall {
  readonly dedupeKey: string;
  readonly providerCallId: string;
  readonly attemptId: string | null;
  readonly reason: string | null;
}

export type VoicePurpose = "place" | "lookup" | "stop" | "list" | "delete" | "check" | "verify";
/** Plaintext exists inside `work` only and is zero-filled when it returns (providers/open-credential.ts). */
export type OpenCredential = <R>(
  purpose: VoicePurpose,
  work: (secret: Readonly<Record<string, string>>) => Promise<R>,
) => Promise<R>;

/**
 * One vendor of voice calls. Every method makes at most one HTTP request, never retried, with its own time-out,
 * and throws nothing: what is not known is said in the answer.
 */
export interface VoiceProvider {
  readonly vendor: "retell" | "elevenlabs";
  /** `inferred`: the vendor does not report ringing; the latest instant at which it can have begun counts. */
  readonly ring: "reported" | "inferred";
  readonly cancel: "queued" | "connected" | "none";
  place(call: PlaceCall): Promise<Placed>;
  /** Finds a call by our attempt id. `absent` alone proves nothing (Retell does not list registered calls). */
  lookup(attemptId: string): Promise<LookedUp>;
  get(providerCallId: string): Promise<LookedUp>;
  stop(providerCallId: string): Promise<Result<"stopped" | "already_ended", string>>;
  /** Read-only endpoints only: a connection test places no call. */
  check(): Promise<Result<{ readonly detail: string; readonly storesTranscripts: boolean | null }, string>>;
  verify(webhook: InboundWebhook): Promise<Result<VerifiedEvent, WebhookRefusal>>;
  verifyStopTool(webhook: InboundWebhook): Promise<Result<StopToolCall, WebhookRefusal>>;
}
export type LookedUp =
  | { readonly kind: "found"; readonly report: CallReport }
  | { readonly kind: "absent" }
  | { readonly kind: "unavailable"; readonly reason: string };
