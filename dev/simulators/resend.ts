import { createHash, randomUUID } from "node:crypto";
import type { Answer } from "./simulators.ts";

/** A mail as it lies in the mailbox. */
export interface DeliveredMail {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly idempotency_key: string | null;
  readonly created_at: string;
}

/** What the next requests come to. `dropped_after` and `unreadable` accept the mail before they fail. */
export const mailModes = [
  "healthy",
  "rate_limited",
  "quota_exceeded",
  "down",
  "dropped_before",
  "dropped_after",
  "error_after",
  "hang",
  "unreadable",
  "redirect",
  "unauthorized",
  "forbidden",
  "invalid",
  "concurrent",
  "html_error",
] as const;
export type MailMode = (typeof mailModes)[number];

/** Resend's own side of `POST /emails`: one account for the whole platform, and what it delivered. */
export interface MailRoom {
  readonly delivered: readonly DeliveredMail[];
  /** For the next `times` requests; without it, until it is set again. */
  set(mode: MailMode, times?: number, retryAfterSeconds?: number): void;
  request(method: string, path: string, headers: NodeJS.Dict<string | string[]>, body: unknown): Answer;
}

const error = (status: number, name: string, message: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  kind: "json",
  status,
  body: { statusCode: status, name, message },
  headers: { "ratelimit-limit": "2", "ratelimit-remaining": status === 429 ? "0" : "1", "ratelimit-reset": "1", ...headers },
});
const fields = ["from", "to", "subject", "html", "text", "cc", "bcc", "reply_to", "scheduled_at", "headers", "tags", "attachments", "topic_id"]; // prettier-ignore
const address = /^(?:[^<>@]*<)?[^\s<>@,;]+@[^\s<>@,;]+\.[^\s<>@,;]+>?$/;
const rememberedMs = 24 * 3_600_000;
const recipientsMax = 50;
const keptMax = 10_000;

export function mailRoom(): MailRoom {
  const delivered: DeliveredMail[] = [];
  const seen = new Map<string, { readonly digest: string; readonly id: string; readonly at: number }>();
  let mode: MailMode = "healthy";
  let left = 0;
  let retryAfter = "1";
  const modeNow = (): MailMode => {
    const now = mode;
    if (left > 0 && --left === 0) mode = "healthy";
    return now;
  };

  const accept = (key: string | null, body: Record<string, unknown>): Answer => {
    const fault = faultOf(body);
    if (fault !== null) return fault;
    const digest = createHash("sha256").update(JSON.stringify(body)).digest("hex");
    const earlier = key === null ? undefined : seen.get(key);
    if (earlier !== undefined && Date.now() - earlier.at < rememberedMs) {
      if (earlier.digest !== digest)
        return error(409, "invalid_idempotent_request", "This idempotency key was used with another payload.");
      return { kind: "json", status: 200, body: { id: earlier.id } };
    }
    const id = randomUUID();
    if (key !== null) seen.set(key, { digest, id, at: Date.now() });
    const { from, to, subject, text, html } = body as { from: string; to: string; subject: string; text?: string; html?: string };
    delivered.push({
      id,
      from,
      to: [to].flat(),
      subject,
      text: text ?? "",
      html: html ?? "",
      idempotency_key: key,
      created_at: new Date().toISOString(),
    });
    if (delivered.length > keptMax) delivered.shift();
    return { kind: "json", status: 200, body: { id } };
  };

  return {
    delivered,
    set(next, times = 0, retryAfterSeconds = 1) {
      if (!mailModes.includes(next)) throw new RangeError(`no such mode; known: ${mailModes.join(", ")}`);
      [mode, left, retryAfter] = [next, times, String(retryAfterSeconds)];
    },
    request(method, path, headers, body) {
      const bearer = headers["authorization"]?.toString();
      if (bearer === undefined) return error(401, "missing_api_key", "Missing API Key");
      if (!bearer.startsWith("Bearer re_")) return error(401, "validation_error", "API key is invalid");
      if (path !== "/emails") return error(404, "not_found", "The requested endpoint does not exist.");
      if (method !== "POST") return error(405, "method_not_allowed", "Method is not allowed for the requested path.");
      const key = headers["idempotency-key"]?.toString() ?? null;
      if (key !== null && (key === "" || key.length > 256))
        return error(400, "invalid_idempotency_key", "Idempotency keys must have between 1 and 256 characters.");
      if (typeof body !== "object" || body === null || Array.isArray(body))
        return error(422, "missing_required_field", "The request body is missing one or more required fields.");
      const now = modeNow();
      const failed = failing(now, retryAfter, JSON.stringify(body));
      if (failed !== null) return failed;
      const answer = accept(key, body as Record<string, unknown>);
      if (now === "dropped_after") return { kind: "drop" };
      if (now === "error_after") return error(500, "internal_server_error", "An unexpected error occurred.");
      if (now === "unreadable") return { kind: "text", status: 200, text: '{"id": "' };
      return answer;
    },
  };
}

/** Failures before anything was accepted. Their messages echo the request, as vendors' do. */
function failing(mode: MailMode, retryAfter: string, echo: string): Answer | null {
  const later = { "retry-after": retryAfter };
  switch (mode) {
    case "rate_limited":
      return error(429, "rate_limit_exceeded", "Too many requests. You can only make 2 requests per second.", later);
    case "quota_exceeded":
      return error(429, "daily_quota_exceeded", "You have reached your daily email sending quota.");
    case "down":
      return error(503, "service_unavailable", `Try again later: ${echo}`, later);
    case "unauthorized":
      return error(401, "validation_error", "API key is invalid");
    case "forbidden":
      return error(403, "validation_error", "The domain is not verified. Please add and verify your domain.");
    case "invalid":
      return error(422, "validation_error", `Invalid \`to\` field: ${echo}`);
    case "concurrent":
      return error(409, "concurrent_idempotent_requests", "Another request with the same idempotency key is in progress.");
    case "html_error":
      return { kind: "text", status: 502, text: `<html>Bad gateway ${echo}</html>`, headers: { "content-type": "text/html" } };
    case "dropped_before":
      return { kind: "drop" };
    case "hang":
      return { kind: "hang" };
    case "redirect":
      return { kind: "redirect", to: "https://elsewhere.invalid/emails" };
    default:
      return null;
  }
}

/** What Resend refuses of a mail, or null. A field that it does not document is refused too. */
function faultOf(body: Readonly<Record<string, unknown>>): Answer | null {
  const unknown = Object.keys(body).find((name) => !fields.includes(name));
  if (unknown !== undefined) return error(422, "invalid_parameter", `The \`${unknown}\` field is not known.`);
  const { from, to, subject, html, text } = body;
  const missing = [from, to, subject].some((value) => value === undefined) || (html === undefined && text === undefined);
  if (missing) return error(422, "missing_required_field", "The request body is missing one or more required fields.");
  if (typeof from !== "string" || !address.test(from))
    return error(422, "invalid_from_address", `Invalid \`from\` field: ${String(from)}`);
  const recipients: unknown[] = [to].flat();
  const wrong = recipients.find((one) => typeof one !== "string" || !address.test(one));
  if (wrong !== undefined || recipients.length === 0 || recipients.length > recipientsMax)
    return error(422, "validation_error", `Invalid \`to\` field: ${String(wrong)}`);
  if (typeof subject !== "string" || /[\r\n]/.test(subject))
    return error(422, "validation_error", "The `\\n` is not allowed in the `subject` field.");
  return null;
}
