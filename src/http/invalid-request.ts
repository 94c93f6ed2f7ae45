import type { ZodError, ZodType } from "zod";
import { type Fault, invalid, Problem } from "./problem.ts";
import { pointerPart } from "./read-json.ts";

type Issue = ZodError["issues"][number];

/** The default hook: a request that its schema refuses is a 422 that names each fault by pointer, without its value. */
export function onInvalid(result: { target: string } & ({ success: true } | { success: false; error: ZodError })): void {
  if (!result.success) throw refused(result.error, result.target);
}

function refused(error: ZodError, target: string): Problem {
  const faults = error.issues.slice(0, 50).flatMap((issue) => faultsOf(issue, target));
  return new Problem("invalid_request", { ...invalid(...faults).parts, unproven: true });
}

/** For a value that a route checks by itself, as the settings of a connection's vendor. */
export function parseAt<Schema extends ZodType>(schema: Schema, value: unknown, pointer: string): Schema["_output"] {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(...result.error.issues.slice(0, 50).flatMap((issue) => faultsOf(issue, "json", pointer)));
}

function faultsOf(issue: Issue, target: string, base = ""): Fault[] {
  const path = issue.path.map((part) => pointerPart(String(part)));
  const pointer = target === "json" ? [base, ...path].join("/") : `?${path.join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, 20).map((key) => ({
      pointer: target === "json" ? `${pointer}/${pointerPart(key)}` : `?${pointerPart(key)}`,
      code: "unknown_field",
      detail: "This field is not known.",
    }));
  }
  return [{ pointer, ...worded(issue) }];
}

function worded(issue: Issue): { code: string; detail: string } {
  switch (issue.code) {
    case "invalid_value":
      return { code: "unknown_value", detail: `Known here: ${issue.values.map(String).join(", ")}.` };
    case "invalid_union":
      return issue.discriminator === undefined
        ? { code: "invalid", detail: "None of the forms known here fits." }
        : { code: "unknown_value", detail: `Known here: ${discriminated(issue)}.` };
    case "invalid_type":
      // zod's message alone tells a missing field from one of another type: the input itself is not kept on the issue.
      return issue.message.endsWith("received undefined")
        ? { code: "required", detail: `Required: ${issue.expected}.` }
        : { code: "wrong_type", detail: `Expected: ${issue.expected}.` };
    case "too_small":
      return { code: "too_small", detail: `At least ${issue.minimum}${unit(issue.origin)}.` };
    case "too_big":
      return { code: "too_large", detail: `At most ${issue.maximum}${unit(issue.origin)}.` };
    case "custom":
      return { code: codeOf(issue.params), detail: issue.message };
    case "invalid_format":
      // The field's own words where it has some; zod's name a pattern that tells nobody what to write.
      return {
        code: "invalid",
        detail: issue.message.startsWith("Invalid ") ? `Not of the form ${issue.format}.` : issue.message,
      };
    default:
      return { code: "invalid", detail: "Not valid." };
  }
}

const unit = (origin: string): string => ({ string: " characters", array: " entries" })[origin] ?? "";
const codeOf = (params: Record<string, unknown> | undefined): string =>
  typeof params?.["code"] === "string" ? params["code"] : "invalid";

function discriminated(issue: Issue & { code: "invalid_union" }): string {
  const known = (issue as { options?: readonly unknown[] }).options;
  return known === undefined ? "see the documentation" : known.map(String).join(", ");
}
