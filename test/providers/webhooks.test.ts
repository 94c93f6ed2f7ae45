import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { elevenlabsSignature, retellSignature } from "../../dev/simulators/deliver.ts";
import { findStop } from "../../src/domain/calls/find-stop.ts";
import { isStorable } from "../../src/lib/storable-text.ts";
import { instantOf } from "../../src/lib/instant.ts";
import type { InboundWebhook, VoiceProvider } from "../../src/providers/voice/contract.ts";
import { connectedVoice, keys } from "./voice-bench.ts";

const at = 1_795_000_000;
const receivedAt = instantOf(at);
const text = new TextEncoder();
const nothing = () => Promise.reject(new Error("no request belongs to a verification"));

interface Vendor {
  readonly name: "retell" | "elevenlabs";
  readonly header: string;
  readonly body: string;
  readonly toleranceSeconds: number;
  sign(body: string, seconds: number, secret?: string): string;
}
const retellBody = JSON.stringify({
  event: "call_ended",
  call: {
    call_id: "call_1",
    call_status: "ended",
    disconnection_reason: "user_hangup",
    metadata: { attempt_id: "att_1" },
    transcript: "é✓",
  },
});
const elevenBody = JSON.stringify({
  type: "post_call_transcription",
  event_timestamp: at,
  data: { conversation_id: "conv_1", status: "done", transcript: [] },
});
const vendors: readonly Vendor[] = [
  {
    name: "retell",
    header: "x-retell-signature",
    body: retellBody,
    toleranceSeconds: 300,
    sign: (body, seconds, secret = keys.webhook) => retellSignature(secret, body, seconds * 1000),
  },
  {
    name: "elevenlabs",
    header: "elevenlabs-signature",
    body: elevenBody,
    toleranceSeconds: 1800,
    sign: (body, seconds, secret = keys.webhook) => elevenlabsSignature(secret, body, seconds),
  },
];

const inbound = (vendor: Vendor, body: string | Uint8Array, signature: string | null): InboundWebhook => ({
  raw: typeof body === "string" ? text.encode(body) : body,
  headers: new Headers(signature === null ? {} : { [vendor.header]: signature }),
  receivedAt,
});
const provider = (vendor: Vendor): Promise<VoiceProvider> => connectedVoice(vendor.name, "http://127.0.0.1:1", nothing);

/** Every way to be wrong by one thing: a byte of the body, a digit of the signature, the key, the form, the clock. */
function forgeries(vendor: Vendor): InboundWebhook[] {
  const { body } = vendor;
  const good = vendor.sign(body, at);
  const bytes = text.encode(body);
  const flipped = Array.from({ length: 24 }, (_, index) => {
    const copy = bytes.slice();
    const place = Math.floor((index * bytes.length) / 24);
    copy[place] = (copy[place] ?? 0) ^ (1 << (index % 8));
    return inbound(vendor, copy, good);
  });
  const digits = Array.from({ length: 24 }, (_, index) => {
    const place = good.length - 1 - index * 2;
    const other = good[place] === "0" ? "1" : "0";
    return inbound(vendor, body, good.slice(0, place) + other + good.slice(place + 1));
  });
  const digest = good.slice(-64);
  const stamps = [-1, 1, 60].map((moved) =>
    inbound(
      vendor,
      body,
      good.replace(/\d{10,13}/, (stamp) => String(Number(stamp) + moved)),
    ),
  );
  const forms = [
    null,
    "",
    digest,
    good.slice(0, -1),
    `${good}0`,
    good.replace(/=/, ":"),
    good.replace(/[0-9a-f]{64}$/, ""),
    `${good},${good}`,
    good.replace(/\d{10,13}/, "-$&"),
    good.replace(/\d{10,13}/, "9e99"),
    good.replace(/\d{10,13}/, "NaN"),
    good.replace(/[0-9a-f]{64}$/, "0".repeat(64)),
    createHmac("sha256", keys.webhook).update(body).digest("hex"),
    `${good.slice(0, -64)}${createHmac("sha256", keys.webhook).update(body).digest("hex")}`,
    `${good.slice(0, -64)}${createHmac("sha256", "").update(body).digest("hex")}`,
    ...["", "another", keys.api, keys.tool, keys.webhook.toUpperCase()].map((secret) => vendor.sign(body, at, secret)),
    vendor.sign("", at),
    vendor.sign(`${body} `, at),
    vendor.sign(body.slice(0, -1), at),
  ].map((signature) => inbound(vendor, body, signature));
  const moved = [
    inbound(vendor, `${body} `, good),
    inbound(vendor, "", good),
    inbound(vendor, `\uFEFF${body}`, good),
    inbound(vendor, body.replaceAll("_1", "_2"), good),
  ];
  const header = vendor.name === "retell" ? "elevenlabs-signature" : "x-retell-signature";
  const wrongHeader = [{ ...inbound(vendor, body, null), headers: new Headers({ [header]: good }) }];
  return [...flipped, ...digits, ...stamps, ...forms, ...moved, ...wrongHeader];
}

describe.each(vendors)("$name webhooks", (vendor) => {
  test("the vendor's own is verified, with its ids and the real time at which it was signed", async () => {
    const verified = await (await provider(vendor)).verify(inbound(vendor, vendor.body, vendor.sign(vendor.body, at)));
    expect(verified).toMatchObject({
      ok: true,
      value: { providerCallId: vendor.name === "retell" ? "call_1" : "conv_1", sentAt: receivedAt },
    });
  });

  test("of every forgery none is verified", async () => {
    const forged = forgeries(vendor);
    expect(forged.length).toBeGreaterThanOrEqual(50);
    const judge = await provider(vendor);
    const answers = await Promise.all(forged.map((webhook) => judge.verify(webhook)));
    expect(answers.filter((answer) => answer.ok)).toEqual([]);
    const tools = vendor.name === "retell" ? await Promise.all(forged.map((webhook) => judge.verifyStopTool(webhook))) : [];
    expect(tools.filter((answer) => answer.ok)).toEqual([]);
  });

  test("a wrong clock is refused in both directions, and the last second inside is not", async () => {
    const judge = await provider(vendor);
    const verdict = async (seconds: number) => {
      const answer = await judge.verify(inbound(vendor, vendor.body, vendor.sign(vendor.body, at + seconds)));
      return answer.ok ? "verified" : answer.refusal;
    };
    const edge = vendor.toleranceSeconds;
    expect(await Promise.all([-edge - 1, -edge, edge, edge + 1].map(verdict))).toEqual([
      "timestamp_out_of_range",
      "verified",
      "verified",
      "timestamp_out_of_range",
    ]);
  });

  test("a signed body that cannot be read is refused, not thrown", async () => {
    const judge = await provider(vendor);
    const hostile = [
      "",
      "null",
      "[]",
      "{",
      '"x"',
      "{}",
      '{"event":1,"type":1}',
      "\u0000",
      '{"event":"call_ended","type":"post_call_transcription","call":5,"data":5}',
      `${"[".repeat(20_000)}`,
    ];
    for (const body of hostile) {
      expect(await judge.verify(inbound(vendor, body, vendor.sign(body, at)))).toEqual({ ok: false, refusal: "body_malformed" });
    }
    const invalidUtf8 = new Uint8Array([0x7b, 0xff, 0x7d]);
    const stamp = vendor.name === "retell" ? String(at * 1000) : `${at}.`;
    const hmac = createHmac("sha256", keys.webhook);
    const digest = (
      vendor.name === "retell" ? hmac.update(invalidUtf8).update(stamp) : hmac.update(stamp).update(invalidUtf8)
    ).digest("hex");
    const signature = vendor.name === "retell" ? `v=${at * 1000},d=${digest}` : `t=${at},v0=${digest}`;
    expect(await judge.verify(inbound(vendor, invalidUtf8, signature))).toEqual({ ok: false, refusal: "body_malformed" });
  });

  test("an event type that is not known is kept with its ids and reports nothing", async () => {
    const judge = await provider(vendor);
    const body = JSON.stringify({
      event: "transfer_started",
      type: "post_call_audio",
      call: { call_id: "call_1" },
      data: { conversation_id: "conv_1" },
    });
    const again = body.replace("{", '{"n":2,');
    const [one, two] = await Promise.all([body, again].map((each) => judge.verify(inbound(vendor, each, vendor.sign(each, at)))));
    expect(one).toMatchObject({
      ok: true,
      value: { report: null, providerCallId: vendor.name === "retell" ? "call_1" : "conv_1" },
    });
    expect(one?.ok === true && two?.ok === true && one.value.dedupeKey !== two.value.dedupeKey).toBe(true);
  });
});

/** Every event of a vendor that reports a call, with words in it. */
const events: Readonly<Record<Vendor["name"], readonly string[]>> = {
  retell: ["call_started", "call_ended", "call_analyzed"].map((event) =>
    JSON.stringify({
      event,
      call: {
        call_id: "call_1", call_status: "ended", metadata: { attempt_id: "att_1" }, disconnection_reason: "user_hangup",
        start_timestamp: at * 1000, end_timestamp: (at + 12) * 1000, duration_ms: 12_000, recording_url: "https://example.com/a.wav",
        transcript_object: [{ role: "user", content: "stop calling me", words: [{ word: "stop", start: 1.25 }] }],
        call_analysis: { in_voicemail: false, custom_analysis_data: {} },
      },
    }),
  ),
  elevenlabs: [
    JSON.stringify({
      type: "post_call_transcription",
      data: {
        conversation_id: "conv_1", status: "done", has_audio: true, conversation_initiation_client_data: { dynamic_variables: { attempt_id: "att_1" } },
        transcript: [{ role: "user", message: "stop calling me", time_in_call_secs: 1, tool_calls: [{ tool_name: "look_up", params_as_json: "{}" }] }],
        metadata: { start_time_unix_secs: at, call_duration_secs: 12, termination_reason: "ended", phone_call: { call_result: "answered" } },
      },
    }),
    JSON.stringify({ type: "call_initiation_failure", data: { conversation_id: "conv_1", failure_reason: "busy" } }),
  ],
}; // prettier-ignore

/** The body with every value but its ids and the names that choose a reading made worse. */
const worse = (body: string, text: (value: string) => string, number: (value: number) => number) =>
  JSON.stringify(JSON.parse(body), (key, value: unknown) => {
    if (["event", "type", "call_id", "conversation_id", "role", "status", "call_status"].includes(key)) return value;
    return typeof value === "string" ? text(value) : typeof value === "number" ? number(value) : value;
  });

describe.each(vendors)("a report of $name can be stored whatever was sent", (vendor) => {
  const same = <Value>(value: Value) => value;
  const sent: readonly [string, (value: string) => string, (value: number) => number][] = [
    ["a NUL", (value) => `\0${value}`, same],
    ["half a surrogate pair", (value) => `${value} \ud83d`, same],
    ["another control character", (value) => `${value}\u0001`, same],
    ["parts of a unit", same, (value) => value + 0.456],
    ["numbers past any integer", same, (value) => value * 1e12],
    ["numbers without end", same, () => 1e308],
    ["numbers below nothing", same, (value) => -value],
  ];
  const cases = events[vendor.name].flatMap((body) => sent.map((each) => [...each, body] as const));

  test.each(cases)("%s", async (_, text, number, body) => {
    const raw = worse(body, text, number);
    const verified = await (await provider(vendor)).verify(inbound(vendor, raw, vendor.sign(raw, at)));
    const report = verified.ok ? verified.value.report : null;
    expect(report).not.toBe(null);
    JSON.stringify(report, (_key, value: unknown) => {
      if (typeof value === "string") expect(isStorable(value), JSON.stringify(value)).toBe(true);
      if (typeof value === "number") expect(value >= 0 && value <= 86_400).toBe(true);
      return value;
    });
    expect(report?.durationSeconds === null || Number.isInteger(report?.durationSeconds)).toBe(true);
    if (body.includes("stop calling me"))
      expect(report?.transcript === null || findStop(report?.transcript ?? [])).not.toBe(null);
  });
});

describe("the stop tool of Retell", () => {
  const [vendor] = vendors as readonly [Vendor];
  const called = async (name: unknown) => {
    const body = JSON.stringify({
      name,
      call: { call_id: "call_1", metadata: { attempt_id: "att_1" } },
      args: { reason: "asked" },
    });
    return (await provider(vendor)).verifyStopTool(inbound(vendor, body, vendor.sign(body, at)));
  };
  test("is the configured one, and no other tool of the agent", async () => {
    expect(await called("do_not_call")).toEqual({
      ok: true,
      value: { dedupeKey: "call_1:do_not_call", providerCallId: "call_1", attemptId: "att_1", reason: "asked" },
    });
    for (const name of ["look_up", "do_not_call_2", "Do_Not_Call", "do_not_call ", "", null, undefined, ["do_not_call"]])
      expect(await called(name)).toEqual({ ok: false, refusal: "body_malformed" });
  });
});

describe("Retell's words for how a call ended", () => {
  const [vendor] = vendors as readonly [Vendor];
  const ended = async (call: Record<string, unknown>, event = "call_analyzed") => {
    const body = JSON.stringify({
      event,
      call: { call_id: "call_1", call_status: "ended", start_timestamp: at * 1000, ...call },
    });
    const verified = await (await provider(vendor)).verify(inbound(vendor, body, vendor.sign(body, at)));
    return verified.ok ? verified.value.report : null;
  };

  test.each([
    ["user_hangup", "answered", "ended", "person"],
    ["agent_hangup", "answered", "ended", "agent"],
    ["voicemail_reached", "voicemail", "ended", "agent"],
    ["ivr_reached", "answered", "ended", "agent"],
    ["max_duration_reached", "answered", "ended", "agent"],
    ["dial_busy", "busy", "not_connected", "not_connected"],
    ["dial_no_answer", "no_answer", "not_connected", "not_connected"],
    ["dial_failed", "failed", "not_connected", "not_connected"],
    ["invalid_destination", "invalid_number", "not_connected", "not_connected"],
    ["concurrency_limit_reached", "failed", "not_connected", "not_connected"],
    ["user_declined", "not_connected", "not_connected", "person"],
    ["a_reason_of_next_year", "unknown", "ended", "unknown"],
  ])("%s is %s", async (reason, disposition, status, endedBy) => {
    expect(await ended({ disconnection_reason: reason })).toMatchObject({ disposition, status, endedBy, providerReason: reason });
  });

  test("voicemail found by the analysis alone is voicemail", async () => {
    expect(await ended({ disconnection_reason: "agent_hangup", call_analysis: { in_voicemail: true } })).toMatchObject({
      disposition: "voicemail",
    });
  });

  test("a stop seen by the analysis counts, and doubt counts as a stop", async () => {
    const said = async (value: unknown) =>
      (
        await ended({
          disconnection_reason: "user_hangup",
          call_analysis: { custom_analysis_data: { do_not_call_requested: value } },
        })
      )?.stopRequested;
    expect(await Promise.all([true, "true", "yes", "maybe", 1].map(said))).toEqual([true, true, true, true, true]);
    expect(await Promise.all([false, null, "no", "false", "", 0].map(said))).toEqual([false, false, false, false, false, false]);
  });

  test("an error without a word may have had someone on the line; with one it is an answered call", async () => {
    for (const reason of ["error_asr", "error_unknown", "error_llm_websocket_lost_connection"]) {
      const report = await ended({ disconnection_reason: reason });
      expect(report, reason).toMatchObject({ disposition: "unknown", status: "error", neverRang: false });
    }
    const transcript_object = [{ role: "user", content: "Hello?", words: [] }];
    expect(await ended({ disconnection_reason: "error_asr", transcript_object })).toMatchObject({
      disposition: "answered",
      status: "error",
    });
  });

  test("only reasons that Retell documents as before any ringing never rang", async () => {
    const never = [
      "invalid_destination", "telephony_provider_permission_denied", "telephony_provider_unavailable", "sip_routing_error",
      "concurrency_limit_reached", "no_concurrency_fallback", "no_valid_payment",
    ]; // prettier-ignore
    const may = ["user_declined", "marked_as_spam", "dial_failed", "dial_busy", "dial_no_answer", "registered_call_timeout"];
    for (const reason of [...never, ...may, "scam_detected", "a_reason_of_next_year"])
      expect((await ended({ disconnection_reason: reason }))?.neverRang, reason).toBe(never.includes(reason));
  });

  test.each([
    ["a text in place of the list", "gone"],
    ["the person's words as an object", [{ role: "user", content: { text: "stop calling me" } }]],
    ["the person's words left out", [{ role: "user", content: null }]],
    ["an entry without a role", [{ role: "agent", content: "Hello" }, { content: "stop calling me" }]],
    ["a role of next year without words", [{ role: "caller", content: 7 }]],
  ])("a transcript that cannot be read is one that was not told: %s", async (_, told) => {
    for (const name of ["transcript_object", "transcript_with_tool_calls"])
      expect(await ended({ disconnection_reason: "user_hangup", [name]: told })).toMatchObject({
        transcript: null,
        disposition: "answered",
      });
    const beside = { transcript_object: told, transcript_with_tool_calls: [{ role: "agent", content: "Hello", words: [] }] };
    expect((await ended({ disconnection_reason: "user_hangup", ...beside }))?.transcript).toBe(null);
  });

  test.each(["caller", "User", "user ", "sms", "human"])("who is not known to be the agent is the person: %j", async (role) => {
    const transcript_object = [
      { role: "Agent", content: "Say stop to end these calls." },
      { role, content: "stop calling me" },
    ];
    expect((await ended({ disconnection_reason: "user_hangup", transcript_object }))?.transcript).toEqual([
      { role: "agent", text: "Say stop to end these calls.", startSeconds: null },
      { role: "person", text: "stop calling me", startSeconds: null },
    ]);
  });

  test("words are read where they stand: in the entry's list, or in the transcript without tools", async () => {
    const words = [
      { word: "stop", start: 3.5 },
      { word: "calling", start: 4 },
    ];
    expect(
      (await ended({ disconnection_reason: "user_hangup", transcript_object: [{ role: "user", words }] }))?.transcript,
    ).toEqual([{ role: "person", text: "stop calling", startSeconds: 3.5 }]);
    const both = { transcript_with_tool_calls: [{ role: "dtmf", digit: 9 }], transcript_object: [] };
    expect((await ended({ disconnection_reason: "user_hangup", ...both }))?.transcript).toEqual([
      { role: "person", text: "[key 9]", startSeconds: null },
    ]);
    const apart = { transcript_with_tool_calls: [], transcript_object: [{ role: "user", content: "Bye" }] };
    expect((await ended({ disconnection_reason: "user_hangup", ...apart }))?.transcript).toEqual([
      { role: "person", text: "Bye", startSeconds: null },
    ]);
  });

  test("a pressed key stands in the transcript as the person's", async () => {
    const transcript_with_tool_calls = [{ role: "dtmf", digit: "9" }];
    expect((await ended({ disconnection_reason: "user_hangup", transcript_with_tool_calls }))?.transcript).toEqual([
      { role: "person", text: "[key 9]", startSeconds: null },
    ]);
  });

  test("a call without a call_started, and one whose call_ended still says registered, are read by their event", async () => {
    expect(await ended({ call_status: "registered", disconnection_reason: "user_hangup" }, "call_ended")).toMatchObject({
      status: "ended",
      final: false,
    });
    expect(await ended({ call_status: "ongoing" }, "call_started")).toMatchObject({
      status: "in_progress",
      disposition: "unknown",
      final: false,
    });
  });
});

describe("ElevenLabs' words for how a call ended", () => {
  const [, vendor] = vendors as readonly [Vendor, Vendor];
  const told = async (type: string, data: Record<string, unknown>) => {
    const body = JSON.stringify({ type, event_timestamp: at, data: { conversation_id: "conv_1", ...data } });
    const verified = await (await provider(vendor)).verify(inbound(vendor, body, vendor.sign(body, at)));
    return verified.ok ? verified.value.report : null;
  };
  const ended = (transcript: unknown, more: Record<string, unknown> = {}) =>
    told("post_call_transcription", {
      status: "done",
      transcript,
      metadata: { call_duration_secs: 60, start_time_unix_secs: at, phone_call: { call_result: "answered" } },
      ...more,
    });

  test.each([
    ["the person's words as an object", [{ role: "user", message: { text: "stop calling" } }]],
    ["the person's words left out", [{ role: "user", message: null }]],
    ["tools that are no list", [{ role: "user", message: "", tool_calls: "x" }]],
    ["a tool without a name", [{ role: "agent", message: "Hi", tool_calls: [{ tool_name: 5 }] }]],
    ["a text in place of the list", "gone"],
  ])("a transcript that cannot be read is one that was not told: %s", async (_, transcript) => {
    expect(await ended(transcript)).toMatchObject({ transcript: null, disposition: "answered", final: true });
  });

  test("who is not known to be the agent is the person", async () => {
    const transcript = [
      { role: "Agent", message: "Hi" },
      { role: "caller", message: "stop calling me" },
    ];
    expect((await ended(transcript))?.transcript).toMatchObject([{ role: "agent" }, { role: "person", text: "stop calling me" }]);
  });

  test("a call that was never connected may have rung, whatever the reason", async () => {
    for (const failure_reason of ["busy", "no-answer", "unknown", undefined])
      expect(await told("call_initiation_failure", { failure_reason })).toMatchObject({
        status: "not_connected",
        neverRang: false,
      });
  });

  test("an error, and a failure of a call that had begun, may have had someone on the line", async () => {
    const phone = (call_result: string | undefined, call_duration_secs: number) => ({
      metadata: { call_duration_secs, start_time_unix_secs: at, phone_call: { call_result } },
    });
    expect(await ended([], { status: "failed", ...phone(undefined, 0) })).toMatchObject({
      status: "error",
      disposition: "unknown",
    });
    expect(await ended([], { status: "failed", ...phone("failed", 20) })).toMatchObject({
      disposition: "unknown",
      status: "error",
    });
    expect(await ended([], { status: "failed", ...phone("failed", 0) })).toMatchObject({
      disposition: "failed",
      status: "not_connected",
      neverRang: false,
    });
  });
});

describe("the stop tool of ElevenLabs", () => {
  const [, vendor] = vendors as readonly [Vendor, Vendor];
  const tool = async (body: string, headers: Record<string, string>) =>
    (await provider(vendor)).verifyStopTool({ raw: text.encode(body), headers: new Headers(headers), receivedAt });
  const body = JSON.stringify({
    conversation_id: "conv_1",
    call_sid: "CA1",
    reason: "asked",
    transcript: "everything that was said",
  });

  test("is verified by the secret header, and hands on ids and the argument only", async () => {
    expect(await tool(body, { "x-dialgate-tool-secret": keys.tool })).toEqual({
      ok: true,
      value: { dedupeKey: "conv_1:do_not_call", providerCallId: "conv_1", attemptId: null, reason: "asked" },
    });
  });

  test("is refused with any other secret, with none, and without a conversation", async () => {
    expect(await tool(body, {})).toEqual({ ok: false, refusal: "signature_missing" });
    const wrong = [
      "",
      keys.tool.slice(0, -1),
      `${keys.tool}0`,
      keys.api,
      keys.webhook,
      keys.tool.toUpperCase(),
      "undefined",
      "null",
    ];
    for (const secret of wrong)
      expect(await tool(body, { "x-dialgate-tool-secret": secret })).toEqual({ ok: false, refusal: "signature_wrong" });
    expect(await tool("{}", { "x-dialgate-tool-secret": keys.tool })).toEqual({ ok: false, refusal: "body_malformed" });
  });

  test("is refused where the connection has no secret, also to a caller who sends none in the header", async () => {
    const { elevenlabs } = await import("../../src/providers/voice/elevenlabs.ts");
    const config = { agent_id: "agent_1", agent_phone_number_id: "phnum_1", from_number: "+12015550100" };
    for (const secret of [{ tool_secret: "" }, {}] as readonly Record<string, string>[]) {
      const judge = elevenlabs({
        settings: { origin: "http://127.0.0.1:1", config },
        open: (_, work) => work(secret),
        fetch: nothing,
      });
      const headers = new Headers({ "x-dialgate-tool-secret": "" });
      expect(await judge.verifyStopTool({ raw: text.encode(body), headers, receivedAt })).toEqual({
        ok: false,
        refusal: "signature_wrong",
      });
    }
  });
});

test("a signature cannot be judged without its credential, and says so, so that the vendor sends it again", async () => {
  const { retell } = await import("../../src/providers/voice/retell.ts");
  const [vendor] = vendors as readonly [Vendor];
  const config = { agent_id: "agent_1", from_number: "+12015550100" };
  const judge = retell({
    settings: { origin: "http://127.0.0.1:1", config },
    open: () => Promise.reject(new Error("sealed")),
    fetch: nothing,
  });
  expect(await judge.verify(inbound(vendor, vendor.body, vendor.sign(vendor.body, at)))).toEqual({
    ok: false,
    refusal: "credential_unavailable",
  });
  const call = {
    attemptId: "att_1",
    toNumber: "+12017770001",
    fromNumber: "+12015550100",
    ringSeconds: 20,
    variables: {},
    recordingEnabled: true,
  };
  expect(await judge.place(call)).toEqual({ kind: "failed_no_call", reason: "credential_unavailable" });
});
