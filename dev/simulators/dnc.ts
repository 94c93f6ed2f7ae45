import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Account, VendorSetup } from "./account.ts";
import { dncSignature } from "./deliver.ts";
import { stableHash } from "./scenarios.ts";
import type { Answer } from "./simulators.ts";

/** A national registry in the flat form: `AAA,NNNNNNN` a line; the area codes in it are those subscribed to. */
export interface Registry {
  readonly listed: ReadonlySet<string>;
  readonly areaCodes: ReadonlySet<string>;
}
export function readRegistry(path: string | URL): Registry {
  const rows = readFileSync(path, "utf8")
    .split(/\r?\n/)
    .filter((row) => row !== "");
  return {
    listed: new Set(rows.map((row) => `+1${row.replace(",", "")}`)),
    areaCodes: new Set(rows.map((row) => row.slice(0, 3))),
  };
}

/** States with a list of their own; Mississippi's is contested and answered all the same. */
const stateLists = ["CO", "FL", "IN", "LA", "MA", "MO", "MS", "OK", "PA", "TN", "TX", "WY"];
const covered = new Set([
  "federal",
  "litigator",
  "reassigned",
  "internal",
  "wireless",
  ...stateLists.map((state) => `state:${state}`),
]);

/** Ways to fail, set per account (`dnc_mode`); everything but `healthy` must end in no dial. */
export const dncModes = [
  "healthy",
  "down",
  "reset",
  "slow",
  "hang",
  "malformed",
  "unsigned",
  "forged",
  "stale",
  "undated",
  "future",
  "empty",
  "partial",
  "extra",
  "twice",
  "other_number",
  "other_request",
  "contradicting",
  "rate_limited",
  "unauthorized",
  "redirect",
] as const;

const error = (status: number, code: string): Answer => ({ kind: "json", status, body: { error: { code, message: code } } });
const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function requestSignatureHolds(setup: VendorSetup, headers: NodeJS.Dict<string | string[]>, raw: string): boolean {
  const timestamp = String(headers["x-request-timestamp"] ?? "");
  const given = Buffer.from(String(headers["x-signature"] ?? "").replace(/^v1=/, ""), "hex");
  const expected = createHmac("sha256", setup.webhookSecret ?? "")
    .update(`${timestamp}.${raw}`)
    .digest();
  if (Math.abs(Number(timestamp) - Date.now() / 1000) > 300 || given.length !== expected.length) return false;
  return timingSafeEqual(given, expected);
}

export function dncRequest(
  account: Account,
  setup: VendorSetup,
  registry: Registry,
  headers: NodeJS.Dict<string | string[]>,
  raw: string,
  body: unknown,
): Answer {
  const mode = setup.dncMode;
  if (mode === "down") return error(503, "unavailable");
  if (mode === "reset") return { kind: "drop" };
  if (mode === "hang") return { kind: "hang" };
  if (mode === "unauthorized") return error(401, "unauthorized");
  if (mode === "redirect") return { kind: "redirect", to: "https://elsewhere.invalid/v1/dnc/check" };
  if (mode === "rate_limited")
    return { kind: "json", status: 429, body: { error: { code: "rate_limited" } }, headers: { "retry-after": "7" } };
  if (!requestSignatureHolds(setup, headers, raw)) return error(401, "signature_invalid");
  if (headers["idempotency-key"] === undefined) return error(400, "idempotency_key_missing");
  if (!isObject(body) || !Array.isArray(body["numbers"]) || !Array.isArray(body["lists"])) return error(400, "malformed");
  if (body["numbers"].length > 1000) return error(400, "too_many_numbers");
  const answer = answerTo(account, setup, registry, body as unknown as Asked);
  const text = mode === "malformed" ? '{"request_id": "' : JSON.stringify(distorted(mode, answer));
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signing = mode === "forged" ? "another secret" : (setup.webhookSecret ?? "");
  const signed: { readonly [name: string]: string } =
    mode === "unsigned" ? {} : { "x-request-timestamp": timestamp, "x-signature": dncSignature(signing, timestamp, text) };
  return { kind: "text", status: 200, text, headers: signed, afterSeconds: mode === "slow" ? 5 : 0 };
}

interface Asked {
  readonly request_id: string;
  readonly numbers: readonly { readonly id: string; readonly e164: string }[];
  readonly lists: readonly string[];
}

function answerTo(account: Account, setup: VendorSetup, registry: Registry, asked: Asked) {
  const checkedAt = new Date(account.now * 1000).toISOString();
  const age = setup.dncMode === "stale" ? 40 : setup.dncMode === "future" ? -3 : 1;
  const date = new Date((account.now - age * 86_400) * 1000).toISOString().slice(0, 10);
  const dated = setup.dncMode === "undated" ? {} : { as_of: date, list_version: date };
  const results = asked.numbers.map(({ id, e164 }) => {
    const lists = asked.lists.map((list) => {
      const [verdict, reason] = verdictOf(list, e164, setup, registry);
      return { list, verdict, ...(verdict === "unknown" ? {} : dated), reason };
    });
    const whole = lists.some((list) => list.verdict === "listed")
      ? "listed"
      : lists.every((list) => list.verdict === "clear")
        ? "clear"
        : "unknown";
    return { id, e164, verdict: whole, lists, line_type: lineType(e164), reassigned: "no" };
  });
  return {
    request_id: asked.request_id,
    provider: "simulator",
    provider_ref: `ref_${stableHash(asked.request_id)}`,
    checked_at: checkedAt,
    results,
  };
}

const lineType = (e164: string): string =>
  ["mobile", "mobile", "mobile", "landline", "voip"][stableHash(`line${e164}`) % 5] as string;

function verdictOf(
  list: string,
  e164: string,
  setup: VendorSetup,
  registry: Registry,
): readonly ["listed" | "clear" | "unknown", string | null] {
  const yes = (listed: boolean) => [listed ? "listed" : "clear", null] as const;
  if (!covered.has(list)) return ["unknown", "list_not_covered"];
  if (list === "litigator") return yes(e164.endsWith("0666"));
  if (list === "wireless") return yes(lineType(e164) === "mobile");
  if (list === "reassigned" || list === "internal") return yes(false);
  // One number in 125 stands on any given state's list; 0667 on all of them.
  if (list.startsWith("state:")) return yes(e164.endsWith("0667") || stableHash(`${list}${e164}`) % 125 === 0);
  if (setup.dncListed.has(e164) || e164.endsWith("0668")) return yes(true);
  if (!registry.areaCodes.has(e164.slice(2, 5))) return ["unknown", "area_code_not_subscribed"];
  return yes(registry.listed.has(e164));
}

type Answered = ReturnType<typeof answerTo>;

/** What a broken or hostile source might say, well signed. */
function distorted(mode: string, answer: Answered): unknown {
  const [first, ...rest] = answer.results;
  if (first === undefined) return answer;
  if (mode === "empty") return { ...answer, results: [] };
  if (mode === "extra") return { ...answer, results: [...answer.results, { ...first, id: "never_asked" }] };
  if (mode === "twice") return { ...answer, results: [...answer.results, first] };
  if (mode === "partial")
    return { ...answer, results: answer.results.map((result) => ({ ...result, lists: result.lists.slice(1) })) };
  if (mode === "other_number") return { ...answer, results: [{ ...first, e164: "+12015550199" }, ...rest] };
  if (mode === "other_request") return { ...answer, request_id: "another" };
  if (mode === "contradicting") return { ...answer, results: answer.results.map((result) => ({ ...result, verdict: "listed" })) };
  return answer;
}
