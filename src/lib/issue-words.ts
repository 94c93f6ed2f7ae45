/** A value that its schema refuses, told to whoever wrote it: by the API for a request, by the commands for a file. */
import { config, type ZodError, ZodObject } from "zod";

export type Issue = ZodError["issues"][number];
/** What is told of a value by its schema alone. A schema of ours may name a further code (`params`). */
export type IssueCode = "required" | "unknown_value" | "invalid" | "wrong_type" | "too_small" | "too_large";

const fieldsShownMax = 40;
const issuesShownMax = 5;

// An issue keeps the keys that its object does not know, and not the object. Where the message is made both are at hand.
config({
  customError: (issue) => {
    if (issue.code !== "unrecognized_keys" || !(issue.inst instanceof ZodObject)) return undefined;
    const known = Object.keys(issue.inst.shape).slice(0, fieldsShownMax).join(", ");
    return known === "" ? "This field is not known: none is read here." : `This field is not known. Known here: ${known}.`;
  },
});

/** Each fault as `field: what is needed`, in one line; `whole` is what the value itself is called. */
export function inWords(error: ZodError, data: unknown, whole: string): string {
  const told = error.issues.flatMap((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key.slice(0, 64)]) : [issue.path];
    const detail = issue.code === "unrecognized_keys" ? issue.message : worded(issue, isAbsent(issue, data)).detail;
    return keys.map((path) => `${path.map(String).join(".") || whole}: ${detail}`);
  });
  const more = told.length > issuesShownMax ? ` And ${told.length - issuesShownMax} more.` : "";
  return told.slice(0, issuesShownMax).join(" ") + more;
}

/** What stands where the issue points. The input itself is not kept on it. */
export function valueAt(issue: Issue, data: unknown): unknown {
  let value = data;
  for (const part of issue.path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
export const isAbsent = (issue: Issue, data: unknown): boolean => valueAt(issue, data) === undefined;

/** What is wrong with a value, and what is needed in its place: never the value, never the schema library's own words. */
export function worded(issue: Issue, absent: boolean): { code: string; detail: string } {
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
