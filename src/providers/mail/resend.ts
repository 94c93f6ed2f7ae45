import { Resend, type Response } from "resend";
import * as z from "zod";
import { readJson } from "../read-json.ts";
import { type Fetch, sendOnce } from "../send-once.ts";
import type { MailAnswer, Mailer } from "./contract.ts";

export interface ResendSettings {
  readonly origin: string;
  readonly apiKey: string;
  /** `Name <address>` or an address, of a domain that is verified at Resend. */
  readonly from: string;
  readonly fetch: Fetch;
}

const timeoutSeconds = 10;
const maxAnswerBytes = 64 * 1024;
const retryAfterSecondsMax = 86_400;

/** What Resend calls its refusals (resend.com/docs/api-reference/errors). Any other word of its is not repeated. */
const knownCodes = new Set([
  "invalid_idempotency_key",
  "validation_error",
  "missing_api_key",
  "restricted_api_key",
  "invalid_api_key",
  "not_found",
  "method_not_allowed",
  "invalid_idempotent_request",
  "concurrent_idempotent_requests",
  "invalid_attachment",
  "invalid_from_address",
  "invalid_access",
  "invalid_parameter",
  "invalid_region",
  "missing_required_field",
  "monthly_quota_exceeded",
  "daily_quota_exceeded",
  "rate_limit_exceeded",
  "security_error",
  "application_error",
  "internal_server_error",
]);
/** It is this mail: its recipient, its content, or a key that was used for another content. */
const refusedStatuses: readonly number[] = [400, 409, 413, 422, 451];
/** It is the account, its key, its sender or its limits. */
const laterStatuses: readonly number[] = [401, 403, 404, 405, 429];

const created = z.looseObject({ id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/) });
const errorBody = z.looseObject({ name: z.string() });

/**
 * Resend by its own library, for the form of its requests. How they are sent is ours: the library's `fetch` has no time-out,
 * follows redirects with the key, reads an answer of any size, and prints the provider's words when RESEND_DEBUG is set.
 */
class SentOnce extends Resend {
  readonly #fetch: Fetch;
  answer: MailAnswer = unsure("not_asked");

  constructor({ apiKey, origin, fetch }: ResendSettings) {
    super(apiKey, { baseUrl: origin });
    this.#fetch = fetch;
  }

  override async fetchRequest<T>(path: string, options?: { headers?: Headers; body?: string }): Promise<Response<T>> {
    const sent = await sendOnce(this.#fetch, {
      method: "POST",
      url: this.baseUrl + path,
      headers: Object.fromEntries(options?.headers ?? []),
      body: options?.body ?? null,
      timeoutSeconds,
      maxAnswerBytes,
    });
    this.answer = sent.kind === "silent" ? unsure(sent.reason) : answerOf(sent.status, sent.headers, sent.body);
    // The library would hand this on as it is; what is read of it stands in `answer`.
    return { data: null, error: { name: "application_error", message: "", statusCode: null }, headers: null };
  }
}

export function resend(settings: ResendSettings): Mailer {
  return {
    async send({ to, subject, text, html }, idempotencyKey) {
      const client = new SentOnce(settings);
      await client.emails.send({ from: settings.from, to: [to], subject, text, html }, { idempotencyKey });
      return client.answer;
    },
  };
}

const unsure = (code: string, retryAfterSeconds: number | null = null): MailAnswer => ({
  kind: "unknown",
  code,
  retryAfterSeconds,
});

function answerOf(status: number, headers: Headers, body: Uint8Array): MailAnswer {
  if (status >= 200 && status < 300) {
    const read = readJson(created, body);
    return read === null ? unsure("answer_unreadable") : { kind: "sent", providerId: read.id };
  }
  const name = readJson(errorBody, body)?.name ?? "";
  const code = knownCodes.has(name) ? name : `status_${status}`;
  const after = /^\d{1,6}$/.exec(headers.get("retry-after") ?? "");
  const retryAfterSeconds = after === null ? null : Math.min(Number(after[0]), retryAfterSecondsMax);
  // Another try of this very mail is under way: what comes of it is not known yet.
  if (code === "concurrent_idempotent_requests") return unsure(code, retryAfterSeconds);
  if (refusedStatuses.includes(status)) return { kind: "refused", code };
  if (laterStatuses.includes(status)) return { kind: "later", code, retryAfterSeconds };
  return unsure(code, retryAfterSeconds);
}
