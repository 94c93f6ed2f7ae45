import { z } from "@hono/zod-openapi";
import type { ZodError, ZodType } from "zod";
import { type Fault, invalid, Problem } from "./problem.ts";
import { pointerPart } from "./read-json.ts";

type Issue = ZodError["issues"][number];
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
const fieldsShownMax = 40;

// An issue keeps the keys that its object does not know, and not the object. Where the message is made both are at hand.
z.config({
  customError: (issue) => {
    if (issue.code !== "unrecognized_keys" || !(issue.inst instanceof z.ZodObject)) return undefined;
    return `This field is not known. Known here: ${Object.keys(issue.inst.shape).slice(0, fieldsShownMax).join(", ")}.`;
  },
});

function faultsOf(issue: Issue, target: string, data: unknown, base = ""): Fault[] {
  const path = issue.path.map((part) => pointerPart(String(part)));
  const pointer = target === "json" ? [base, ...path].join("/") : `?${path.join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, 20).map((key) => ({
      pointer: target === "json" ? `${pointer}/${pointerPart(key)}` : `?${pointerPart(key)}`,
      code: "unknown_field",
      detail: issue.message,
    }));
  }
  return [{ pointer, ...worded(issue, isAbsent(issue, data)) }];
}

/** Whether there is nothing where the issue points. The input itself is not kept on it. */
function isAbsent(issue: Issue, data: unknown): boolean {
  let value = data;
  for (const part of issue.path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return true;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value === undefined;
}

function worded(issue: Issue, absent: boolean): { code: string; detail: string } {
  const known = knownValues(issue);
  if (known !== null) {
    return absent
      ? { code: "required", detail: `Required, one of: ${known}.` }
      : { code: "unknown_value", detail: `Known here: ${known}.` };
  }
  switch (issue.code) {
    case "invalid_union":
      return { code: "invalid", detail: "None of the forms known here fits." };
    case "invalid_type":
      return absent
        ? { code: "required", detail: `Required: ${typeWords[issue.expected] ?? "another type"}.` }
        : { code: "wrong_type", detail: `Expected: ${typeWords[issue.expected] ?? "another type"}.` };
    case "too_small":
      return { code: "too_small", detail: `At least ${issue.minimum}${unit(issue.origin, issue.minimum)}.` };
    case "too_big":
      return { code: "too_large", detail: `At most ${issue.maximum}${unit(issue.origin, issue.maximum)}.` };
    case "custom":
      return { code: codeOf(issue.params), detail: issue.message };
    case "invalid_format":
      // The field's own words where it has some; zod's name a pattern that tells nobody what to write.
      return { code: "invalid", detail: issue.message.startsWith("Invalid ") ? "Not of the form needed here." : issue.message };
    default:
      return { code: "invalid", detail: "Not valid." };
  }
}

/** The schema library's names of types, in a reader's words. */
const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

const unit = (origin: string, count: number | bigint): string => {
  const noun = { string: " character", array: " entry" }[origin];
  if (noun === undefined || count === 1) return noun ?? "";
  return origin === "array" ? " entries" : `${noun}s`;
};
const codeOf = (params: Record<string, unknown> | undefined): string =>
  typeof params?.["code"] === "string" ? params["code"] : "invalid";

/** The values of which one is needed here, where they can be listed. */
function knownValues(issue: Issue): string | null {
  if (issue.code === "invalid_value") return issue.values.map(String).join(", ");
  if (issue.code !== "invalid_union" || issue.discriminator === undefined) return null;
  const { options } = issue as { options?: readonly unknown[] };
  return options === undefined ? "see the documentation" : options.map(String).join(", ");
}
