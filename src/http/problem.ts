import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Every problem that this API answers with (RFC 9457). The code is the contract; titles may be reworded. */
export const problemTypes = {
  malformed_json: { status: 400, title: "The body is not JSON" },
  idempotency_key_missing: { status: 400, title: "This request needs an Idempotency-Key" },
  unauthorized: { status: 401, title: "No valid API key" },
  webhook_refused: { status: 401, title: "The webhook's signature does not hold" },
  scope_missing: { status: 403, title: "The API key lacks a scope" },
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "This path has no such method" },
  conflict: { status: 409, title: "The state of things does not allow this" },
  dial_blocked: { status: 409, title: "No permit for this dial" },
  idempotency_key_in_flight: { status: 409, title: "The first request with this Idempotency-Key is still under way" },
  idempotency_state_unknown: { status: 409, title: "The first request with this Idempotency-Key ended without a known result" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "This content type is not read here" },
  invalid_request: { status: 422, title: "The request is not valid" },
  idempotency_key_invalid: { status: 422, title: "The Idempotency-Key is not valid" },
  idempotency_key_reused: { status: 422, title: "The Idempotency-Key was used for another request" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal_error: { status: 500, title: "Something broke here" },
  database_unavailable: { status: 503, title: "The database does not answer" },
  platform_halted: { status: 503, title: "The platform is halted" },
  unsafe_database_role: { status: 503, title: "The database role could read past the walls between organisations" },
} as const satisfies Record<string, { status: ContentfulStatusCode; title: string }>;
export type ProblemCode = keyof typeof problemTypes;

/** One fault of the request. `pointer` is an RFC 6901 pointer into the body, or `?name` for a query parameter. */
export interface Fault {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

interface ProblemParts {
  readonly detail: string;
  readonly errors?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document, as the decision of a refused dial. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Thrown before anything was asked of the database: who calls is proved before this is answered. */
  readonly unproven?: boolean;
}

/** Thrown by routes and their middleware alone; verbs return their refusals. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly parts: ProblemParts;

  constructor(code: ProblemCode, parts: ProblemParts) {
    super(code);
    this.code = code;
    this.parts = parts;
  }
}

export const notFound = (noun: string): Problem => new Problem("not_found", { detail: `There is no such ${noun}.` });
export const conflict = (code: string, detail: string): Problem =>
  new Problem("conflict", { detail, errors: [{ pointer: "", code, detail }] });
export const invalid = (...errors: readonly Fault[]): Problem =>
  new Problem("invalid_request", {
    detail: errors.length === 1 ? (errors[0] as Fault).detail : `${errors.length} things are wrong.`,
    errors,
  });

export const problemUri = (publicOrigin: string, code: ProblemCode): string =>
  `${publicOrigin}/errors/${code.replaceAll("_", "-")}`;

export function problemResponse(problem: Problem, publicOrigin: string, requestId: string): Response {
  const { status, title } = problemTypes[problem.code];
  const { detail, errors, headers, members } = problem.parts;
  const document = {
    type: problemUri(publicOrigin, problem.code),
    title,
    status,
    code: problem.code,
    detail,
    instance: requestId,
    ...(errors === undefined ? {} : { errors }),
    ...members,
  };
  return new Response(JSON.stringify(document), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}
