import * as z from "zod";
import { bytesOfHex, hexOf, sha256 } from "../../lib/bytes.ts";
import { hmacSha256, hmacSha256Holds, joinBytes } from "../../lib/hmac.ts";
import { earliest, instantOf, secondsOf } from "../../lib/instant.ts";
import type { Instant } from "../../lib/instant.ts";
import { storableText } from "../../lib/storable-text.ts";
import { readJson } from "../read-json.ts";
import { sendOnce } from "../send-once.ts";
import type { Fetch } from "../send-once.ts";
import type { DncAnswer, DncListAnswer, DncNumberAnswer, DncProvider, DncQuery } from "./contract.ts";
import { isPublicHttpsUrl } from "./public-https-url.ts";

const listName = z
  .string()
  .regex(/^(national|litigator|reassigned|internal|wireless|state:[A-Z]{2}|[a-z][a-z0-9_]{0,39})$/, "not a list's name");
const secret = z.string().regex(/^[\x21-\x7e]{16,512}$/, "16 to 512 visible ASCII characters");

/** What is described here stands in the API's document. */
export const httpDncConfig = z.strictObject({
  base_url: z
    .string()
    .max(2000)
    .refine(isPublicHttpsUrl, "not a public https address")
    .optional()
    .describe("Where `/v1/dnc/check` is served, by https. A test organisation has none: it reaches the simulator."),
  lists: z
    .array(listName)
    .min(1)
    .max(100)
    .describe("The lists that this source answers for, as `national` or `state:FL`; any other that is demanded is `unknown`."),
});
export const httpDncCredential = z.strictObject({
  token: secret.describe("Sent as the bearer token."),
  signing_secret: secret.describe("Signs questions and answers."),
});

export interface DncWiring {
  readonly origin: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly open: <R>(purpose: "check", work: (secret: Readonly<Record<string, string>>) => Promise<R>) => Promise<R>;
  readonly fetch: Fetch;
  /** The real clock: it stamps and judges signatures, nothing else. */
  readonly now: () => Instant;
}

const maxNumbers = 1_000;
const timeoutSeconds = 3;
const maxAnswerBytes = 8 * 1024 * 1024;
const signatureToleranceSeconds = 300;

/** Any vendor, or a customer's own server, that speaks the generic do-not-call contract: signed both ways, everything echoed. */
export function httpDnc({ origin, config, open, fetch, now }: DncWiring): DncProvider {
  const covered = new Set(httpDncConfig.parse(config).lists);
  return {
    vendor: "http_dnc",
    async check(query) {
      if (query.numbers.length === 0 || query.numbers.length > maxNumbers) return failed("malformed");
      const asked = query.lists.filter((list) => covered.has(list));
      const body = JSON.stringify(requestBody(query, asked));
      const timestamp = String(secondsOf(now()));
      try {
        return await open("check", async (credential) => {
          const signing = credential["signing_secret"] ?? "";
          const sent = await sendOnce(fetch, {
            method: "POST",
            url: `${origin.replace(/\/+$/, "")}/v1/dnc/check`,
            headers: {
              "content-type": "application/json",
              authorization: `Bearer ${credential["token"] ?? ""}`,
              "idempotency-key": query.requestId,
              "x-request-timestamp": timestamp,
              "x-signature": `v1=${await hmacSha256(signing, joinBytes(`${timestamp}.`, body))}`,
            },
            body,
            timeoutSeconds,
            maxAnswerBytes,
          });
          if (sent.kind === "silent") return failed(sent.reason === "timeout" ? "timeout" : "unavailable");
          if (sent.status !== 200) return failedStatus(sent.status, sent.headers);
          if (!(await signatureHolds(signing, sent.headers, sent.body, timestamp))) return failed("unsigned");
          return answerOf(query, asked, sent.body);
        });
      } catch {
        // The credential did not open: nothing was sent, and nothing is known.
        return failed("unauthorized");
      }
    },
  };
}

const failed = (
  reason: Extract<DncAnswer, { kind: "failed" }>["reason"],
  retryAfterSeconds: number | null = null,
): DncAnswer => ({
  kind: "failed",
  reason,
  retryAfterSeconds,
});

function failedStatus(status: number, headers: Headers): DncAnswer {
  if (status === 401 || status === 403) return failed("unauthorized");
  const after = /^\d{1,6}$/.exec(headers.get("retry-after") ?? "");
  const seconds = after === null ? null : Math.min(Number(after[0]), 86_400);
  if (status === 429) return failed("rate_limited", seconds);
  return status >= 400 && status < 500 ? failed("malformed") : failed("unavailable", seconds);
}

/** On the wire the national list is `federal`. */
const toWire = (list: string): string => (list === "national" ? "federal" : list);
const fromWire = (list: string): string => (list === "federal" ? "national" : list);

function requestBody(query: DncQuery, lists: readonly string[]) {
  return {
    request_id: query.requestId,
    purpose: "telemarketing",
    seller_san: query.sellerSan,
    numbers: query.numbers.map(({ id, e164, state, consentAt }) => ({ id, e164, state, consent_at: consentAt })),
    lists: lists.map(toWire),
  };
}

/** Signed like the request, over a time stamp of the answer's own or, where it states none, over the request's. */
async function signatureHolds(
  signing: string,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
  requestTimestamp: string,
): Promise<boolean> {
  const digest = /^v1=([0-9a-f]{64})$/i.exec(headers.get("x-signature")?.trim() ?? "")?.[1];
  const timestamp = headers.get("x-request-timestamp") ?? requestTimestamp;
  if (digest === undefined || !/^\d{10}$/.test(timestamp)) return false;
  if (Math.abs(Number(timestamp) - Number(requestTimestamp)) > signatureToleranceSeconds) return false;
  return hmacSha256Holds(signing, joinBytes(`${timestamp}.`, body), bytesOfHex(digest));
}

/** What is told of lists that nobody asked about binds as it stands: bounded, and such that a database can hold it. */
const volunteeredMax = 200;
const nameMax = 64;
const listAnswer = z.looseObject({
  list: z.string().transform((name) => storableText(name.slice(0, nameMax))),
  verdict: z.string(),
  as_of: z.string().nullish().catch(null),
  list_version_date: z.string().nullish().catch(null),
  reason: z.string().max(200).transform(storableText).nullish().catch(null),
});
const numberAnswer = z.looseObject({
  id: z.string(),
  e164: z.string(),
  verdict: z.string().nullish().catch(null),
  lists: z.array(listAnswer).max(volunteeredMax),
  line_type: z.string().nullish().catch(null),
});
const answer = z.looseObject({
  request_id: z.string(),
  provider_ref: z.string().max(200).transform(storableText).nullish().catch(null),
  results: z.array(numberAnswer).max(maxNumbers),
});
type WireNumber = z.infer<typeof numberAnswer>;

/** An answer that names a number twice, names another one, or echoes another request is not an answer to this one. */
async function answerOf(query: DncQuery, asked: readonly string[], raw: Uint8Array<ArrayBuffer>): Promise<DncAnswer> {
  const body = readJson(answer, raw);
  if (body === null || body.request_id !== query.requestId) return failed("malformed");
  const byId = new Map(body.results.map((result) => [result.id, result]));
  const requested = new Map(query.numbers.map((number) => [number.id, number.e164]));
  if (byId.size !== body.results.length || body.results.some((result) => requested.get(result.id) !== result.e164))
    return failed("malformed");
  return {
    kind: "answered",
    numbers: query.numbers.map(({ id }) => numberOf(id, byId.get(id), query, asked)),
    providerRef: body.provider_ref ?? null,
    responseDigest: hexOf(sha256(raw)),
  };
}

const lineTypes = ["mobile", "landline", "voip"] as const;

function numberOf(id: string, told: WireNumber | undefined, query: DncQuery, asked: readonly string[]): DncNumberAnswer {
  const volunteered = (told?.lists ?? []).map((entry) => fromWire(entry.list)).filter((list) => !query.lists.includes(list));
  const names = [...query.lists, ...new Set(volunteered)];
  // What was not asked for may bind, and never clear: another source may vouch for that list.
  const answers = names.map((list) => listOf(list, told, query.at, asked.includes(list)));
  // "Listed" as a whole with every list clear: one of the two is wrong, and nobody can say which.
  const contradicts = told?.verdict === "listed" && !answers.some((entry) => entry.result === "listed");
  return {
    id,
    lists: contradicts
      ? answers.map((entry) => (entry.result === "clear" ? unknown(entry.list, "verdict_contradicts_lists") : entry))
      : answers,
    lineType: lineTypes.find((type) => type === told?.line_type) ?? "unknown",
  };
}

const unknown = (list: string, reason: string): DncListAnswer => ({ list, result: "unknown", listVersionAt: null, reason });

function listOf(list: string, told: WireNumber | undefined, at: Instant, covered: boolean): DncListAnswer {
  const entries = (told?.lists ?? []).filter((entry) => fromWire(entry.list) === list);
  const [entry] = entries;
  if (entry === undefined) return unknown(list, covered ? "not_answered" : "list_not_covered");
  const versions = entries.map((each) => versionOf(each, at));
  const listVersionAt = versions.includes(null) ? null : earliest(versions);
  // Listed stays listed without a date: to make it unknown would lift it from a list that nothing demands.
  const listed = entries.find((each) => each.verdict === "listed");
  if (listed !== undefined) return { list, result: "listed", listVersionAt, reason: listed.reason ?? null };
  // What the connection does not vouch for may bind, never clear.
  if (!covered) return unknown(list, "list_not_covered");
  if (entries.some((each) => each.verdict !== "clear"))
    return { ...unknown(list, entry.reason ?? "verdict_not_clear"), listVersionAt };
  if (listVersionAt === null) return unknown(list, "list_version_date_missing_or_future");
  return { list, result: "clear", listVersionAt, reason: entry.reason ?? null };
}

/** The earlier of the two fields in which servers state it; null when neither does, or when it lies ahead of the org's clock. */
function versionOf(entry: z.infer<typeof listAnswer>, at: Instant): Instant | null {
  const stated = [entry.list_version_date, entry.as_of].filter((text) => text !== null && text !== undefined);
  const instants = stated.map(firstInstantOf);
  if (instants.some((instant) => instant === null || instant > at)) return null;
  return earliest(instants);
}

/** A date without a time counts from its first instant on earth, at UTC+14. */
function firstInstantOf(text: string): Instant | null {
  const dated = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const zoned = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const ms = dated ? Date.parse(`${text}T00:00:00+14:00`) : zoned ? Date.parse(text) : Number.NaN;
  // Date.parse rolls 2026-02-30 over into March; a date that does not exist is none.
  if (Number.isNaN(ms) || (dated && new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) !== text)) return null;
  return instantOf(ms / 1000);
}
