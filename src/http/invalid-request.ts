import type { ZodError, ZodType } from "zod";
import { isAbsent, type Issue, valueAt, worded } from "../lib/issue-words.ts";
import { type FieldFault, invalid, Problem } from "./problem.ts";
import { pointerPart } from "./read-json.ts";

type Checked = { readonly target: string; readonly data?: unknown };

/** The default hook: a request that its schema refuses is a 422 that names each fault by pointer, without its value. */
export function onInvalid(result: Checked & ({ success: true } | { success: false; error: ZodError })): void {
  if (!result.success) throw refused(result.error, result);
}

function refused(error: ZodError, { target, data }: Checked): Problem {
  const faults = error.issues.slice(0, issuesMax).flatMap((issue) => faultsOf(issue, target, data));
  return new Problem("invalid_request", { ...invalid(...faults).parts, unproven: true });
}

/** For a value that a route checks by itself, as the settings of a connection's vendor. */
export function parseAt<Schema extends ZodType>(schema: Schema, value: unknown, pointer: string): Schema["_output"] {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(...result.error.issues.slice(0, issuesMax).flatMap((issue) => faultsOf(issue, "json", value, pointer)));
}

const issuesMax = 50;

function faultsOf(issue: Issue, target: string, data: unknown, base = ""): FieldFault[] {
  const path = issue.path.map((part) => pointerPart(String(part)));
  const pointer = target === "json" ? [base, ...path].join("/") : `?${path.join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, 20).map((key) => ({
      pointer: target === "json" ? `${pointer}/${pointerPart(key)}` : `?${pointerPart(key)}`,
      code: "unknown_field",
      detail: issue.message,
    }));
  }
  if (target === "query" && Array.isArray(valueAt(issue, data))) {
    return [{ pointer, code: "given_twice", detail: "Give it once: it stands in the address more than one time." }];
  }
  const { code, detail } = worded(issue, isAbsent(issue, data));
  // The schema library's, or one that a schema of ours names through `coded`, which knows them all.
  return [{ pointer, code: code as FieldFault["code"], detail }];
}
