import { type ProblemCode, problemTypes } from "./problem-types.ts";
import type { Refinement, RefinementOf } from "./refinements.ts";

/** One fault of the request. `pointer` is an RFC 6901 pointer into the body, or `?name` for a query parameter. */
export interface Fault<Code extends string = Refinement> {
  readonly pointer: string;
  readonly code: Code;
  readonly detail: string;
}
export type FieldFault = Fault<RefinementOf<"invalid_request">>;

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
export const conflict = (code: RefinementOf<"conflict">, detail: string, pointer = ""): Problem =>
  new Problem("conflict", { detail, errors: [{ pointer, code, detail }] });
export function invalid(...faults: readonly FieldFault[]): Problem {
  // Two rules may refuse a field for one reason, as being a whole number and being small: the later one is the field's own.
  const errors = [...new Map(faults.map((fault) => [JSON.stringify([fault.pointer, fault.code]), fault])).values()];
  return new Problem("invalid_request", { detail: inOneLine(errors), errors });
}

const namedMax = 5;
/** What a log keeps of a refusal is often this line alone: it names the fields. */
function inOneLine(errors: readonly Fault[]): string {
  const [first] = errors;
  if (first !== undefined && errors.length === 1)
    return first.pointer === "" ? first.detail : `${first.pointer}: ${first.detail}`;
  const named = errors.slice(0, namedMax).map(({ pointer, code }) => `${pointer || "the body"} (${code})`);
  const more = errors.length > namedMax ? `, and ${errors.length - namedMax} more` : "";
  return `${errors.length} things are wrong: ${named.join(", ")}${more}.`;
}

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
