import type { Context, MiddlewareHandler } from "hono";
import { namedTwice } from "../lib/strict-json.ts";
import type { HttpEnv } from "./http-env.ts";
import { type FieldFault, invalid, Problem } from "./problem.ts";
import { readBytes } from "./read-bytes.ts";
import { refuseOtherForms } from "./refuse-other-forms.ts";

const depthMax = 32;
const faultsMax = 20;
const unread = { unproven: true } as const;

/** Reads the body (`checkJson`) for a route whose validators take JSON. */
export const readJson = (bytesMax: number): MiddlewareHandler<HttpEnv> =>
  async function readJson(c, next) {
    const sent = await checkJson(c, bytesMax);
    if (sent === 0) c.req.raw = asJson(c.req.raw);
    await next();
  };

/**
 * Reads the whole body under a limit, and refuses what JSON.parse would let pass: wrong encodings, deep nesting,
 * text that Postgres cannot hold, and `__proto__`. What is left is handed to the validators as the same text.
 *
 * @returns how many bytes were sent
 * @throws Problem `body_too_large`, `unsupported_media_type`, `malformed_json`, `invalid_request`
 */
export async function checkJson(c: Context<HttpEnv>, bytesMax: number): Promise<number> {
  const bytes = await readBytes(c.req.raw, bytesMax);
  if (bytes.length > 0) refuseOtherForms(c, ["application/json"], "the body");
  // A body of no bytes says nothing: the schema tells whether that is enough.
  const text = textOf(bytes) || "{}";
  if (bytes.length > 0) {
    const faults: FieldFault[] = [];
    inspect(parsed(text), "", 1, faults);
    for (const way of namedTwice(text, faultsMax - faults.length)) faults.push(givenTwice(way));
    if (faults.length > 0) throw new Problem("invalid_request", { ...invalid(...faults).parts, ...unread });
  }
  // Typed as what it resolves to; Hono awaits it.
  (c.req.bodyCache as Record<string, unknown>)["text"] = Promise.resolve(text);
  return bytes.length;
}

/** No bytes are of any type, and clients name none for them, or what they always name; the validators want theirs. */
function asJson({ url, method, headers, cf }: Request & { readonly cf?: unknown }): Request {
  const named = new Headers(headers);
  named.set("content-type", "application/json");
  return new Request(url, { method, headers: named, cf } as RequestInit);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("malformed_json", { detail: "The body is not UTF-8.", ...unread });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes its input.
    throw new Problem("malformed_json", { detail: "The body is not valid JSON.", ...unread });
  }
}

/** Which of the two counts is the reader's own choice (RFC 8259 §4): what was checked might not be what was meant. */
const givenTwice = (way: readonly (string | number)[]): FieldFault => ({
  pointer: `/${way.map((part) => pointerPart(String(part))).join("/")}`,
  code: "given_twice",
  detail: "Give it once: its object names this member more than one time.",
});

/** Collects at most 20 faults. */
function inspect(value: unknown, pointer: string, depth: number, faults: FieldFault[]): void {
  if (faults.length >= faultsMax) return;
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed()) {
      faults.push({ pointer, code: "text_invalid", detail: "The text holds U+0000 or half of a surrogate pair." });
    }
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) faults.push({ pointer, code: "number_too_large", detail: "The number is too large." });
  } else if (typeof value === "object" && value !== null) {
    if (depth > depthMax)
      faults.push({ pointer: "", code: "too_deep", detail: `The body is nested deeper than ${depthMax} levels.` });
    else inspectMembers(value, pointer, depth, faults);
  }
}

function inspectMembers(value: object, pointer: string, depth: number, faults: FieldFault[]): void {
  for (const [key, member] of Object.entries(value)) {
    const at = `${pointer}/${pointerPart(key)}`;
    if (key === "__proto__") faults.push({ pointer: at, code: "unknown_field", detail: "This field is not known." });
    else inspect(member, at, depth + 1, faults);
  }
}

/** RFC 6901, and never more than a reader needs: names are the caller's own, but they may be long. */
export const pointerPart = (key: string): string => key.slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1");
