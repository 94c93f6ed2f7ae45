import * as z from "zod";
import type { Result } from "../../lib/result.ts";
import { refuse } from "../../lib/result.ts";
import { instantOf } from "../../lib/instant.ts";
import type { Instant } from "../../lib/instant.ts";
import { isStorable, storableText } from "../../lib/storable-text.ts";
import type { CallReport, OpenCredential, PlaceCall, TranscriptTurn, VoicePurpose } from "./contract.ts";
import { forbiddenVariable } from "./forbidden-variable.ts";

/** Regulated calls ring for at least 15 s (47 CFR 64.1200(a)(6)). */
const minRingSeconds = 15;
/** The longest ring that Retell documents (`ring_duration_ms` 300,000). */
const maxRingSeconds = 300;
export const requestTimeoutSeconds = 15;
/** A two-hour transcript with word times is some 4 MB. */
export const maxAnswerBytes = 8 * 1024 * 1024;

export const e164 = z.string().regex(/^\+[1-9]\d{7,14}$/, "not a number in E.164 form");
export const vendorId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, "not an id as the vendor writes them");
/** A key goes into a header: visible ASCII only. */
export const headerSecret = z.string().regex(/^[\x21-\x7e]{8,512}$/, "8 to 512 visible ASCII characters");
export const toolName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "not a tool's name");

/** An id from outside becomes part of a path that carries the key: `..` would choose another one. */
export const isVendorId = (id: string): boolean => vendorId.safeParse(id).success;

/** Why this call must not even be asked for, or null. */
export function cannotPlace(call: PlaceCall): string | null {
  if (!e164.safeParse(call.toNumber).success) return "to_number_malformed";
  if (!e164.safeParse(call.fromNumber).success) return "from_number_malformed";
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(call.attemptId)) return "attempt_id_malformed";
  if (!Number.isInteger(call.ringSeconds) || call.ringSeconds < minRingSeconds || call.ringSeconds > maxRingSeconds) {
    return "ring_seconds_out_of_range";
  }
  return forbiddenVariable(call.variables);
}

/** What goes to the vendor as variables: the campaign's, and our id, which none of them can take the place of. */
export function variablesOf(call: PlaceCall): Record<string, string> {
  return { ...call.variables, attempt_id: call.attemptId };
}

export type Opened<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "not_opened" }
  | { readonly kind: "threw" };

/** Tells a credential that never opened (certainly nothing was sent) from work that broke on the way (something may have been). */
export async function opened<T>(
  open: OpenCredential,
  purpose: VoicePurpose,
  work: (secret: Readonly<Record<string, string>>) => Promise<T>,
): Promise<Opened<T>> {
  let begun = false;
  try {
    return {
      kind: "done",
      value: await open(purpose, (secret) => {
        begun = true;
        return work(secret);
      }),
    };
  } catch {
    return { kind: begun ? "threw" : "not_opened" };
  }
}

/** Vendors' numbers of seconds or milliseconds, as an instant; null when they are none. */
export function instantFrom(value: number | null | undefined, unitsPerSecond: 1 | 1000): Instant | null {
  if (value === null || value === undefined || !Number.isFinite(value) || value <= 0 || value / unitsPerSecond > 253_402_300_799)
    return null;
  return instantOf(value / unitsPerSecond);
}

/** No call lasts a day: what is longer, or less than nothing, is no length. */
const maxCallSeconds = 86_400;

/**
 * A report as the database can hold it, whatever its vendor sent: one value of it that could not be stored would lose the
 * stop that was said in the same call. Every report that an adapter makes goes through here.
 */
export function storableReport(report: CallReport): CallReport {
  const { attemptId, transcript } = report;
  return {
    ...report,
    // An id is never mended: it could become another's.
    attemptId: attemptId !== null && isStorable(attemptId) ? attemptId : null,
    providerReason: storableOrNull(report.providerReason),
    durationSeconds: secondsWithin(report.durationSeconds, Math.round),
    transcript: transcript === null ? null : transcript.map(storableTurn),
    recordingRef: storableOrNull(report.recordingRef),
  };
}

const storableTurn = ({ role, text, startSeconds }: TranscriptTurn): TranscriptTurn => ({
  role,
  text: storableText(text),
  // Word times are told in parts of a second.
  startSeconds: secondsWithin(startSeconds, (seconds) => seconds),
});
const storableOrNull = (text: string | null): string | null => (text === null ? null : storableText(text));
const secondsWithin = (value: number | null, as: (seconds: number) => number): number | null =>
  value !== null && value >= 0 && value <= maxCallSeconds ? as(value) : null;

/** A field of an object of which nothing else is known. */
export function textAt(value: unknown, name: string): string | null {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return null;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === "string" && found !== "" ? found : null;
}

/** Someone's words, of which a transcript without any can show no search. */
export const isSpoken = (turn: TranscriptTurn): boolean => turn.role !== "tool";

/** Doubt counts as a stop: any answer but a plain no to "did they ask for calls to end?" is one. */
export function saysStop(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0) return false;
  return !(typeof value === "string" && ["", "false", "no", "none", "n/a", "0"].includes(value.trim().toLowerCase()));
}

/** Both vendors answer a look-up with JSON, and "not found" with a status. */
export function refusedStatus(status: number): Result<never, string> {
  if (status === 401 || status === 403) return refuse("unauthorized");
  if (status === 404 || status === 422) return refuse("not_found");
  if (status === 429) return refuse("rate_limited");
  return refuse(status >= 500 ? "vendor_unavailable" : "vendor_refused");
}
