import { describe, expect, test } from "vitest";
import type { Placed } from "../../src/providers/voice/contract.ts";
import { connectedVoice, fromNumber } from "./voice-bench.ts";

const call = { attemptId: "att_1", toNumber: "+12017770001", fromNumber, ringSeconds: 20, variables: {}, recordingEnabled: true };

async function answered(vendor: "retell" | "elevenlabs", status: number, body: string, differs = {}): Promise<Placed> {
  const provider = await connectedVoice(
    vendor,
    "http://127.0.0.1:1",
    async () => new Response(status === 204 ? null : body, { status }),
  );
  return provider.place({ ...call, ...differs });
}

describe("what Retell's answer to a create means", () => {
  test.each([
    [201, '{"call_id":"call_1"}', "accepted"],
    [200, '{"call_id":"call_1","anything":{"new":true}}', "accepted"],
    [400, '{"status":"error","message":"canary"}', "refused"],
    [401, "", "refused"],
    [402, "", "refused"],
    [422, "<html>", "refused"],
    [429, "", "refused"],
    [201, "{}", "unknown"],
    [201, '{"call_id":null}', "unknown"],
    [201, '{"call_id":""}', "unknown"],
    [201, '{"call_id":"../x"}', "unknown"],
    [201, "<html>canary</html>", "unknown"],
    [204, "", "unknown"],
    [403, "", "unknown"],
    [404, "", "unknown"],
    [408, "", "unknown"],
    [409, "", "unknown"],
    [500, "", "unknown"],
    [502, "", "unknown"],
    [503, "", "unknown"],
    [307, "", "unknown"],
  ])("%i %s is %s", async (status, body, kind) => {
    const placed = await answered("retell", status, body);
    expect(placed.kind).toBe(kind);
    expect(JSON.stringify(placed)).not.toContain("canary");
  });

  test("a call that is not to be recorded is not placed: Retell has no switch for it that leaves the transcript", async () => {
    expect(await answered("retell", 201, '{"call_id":"call_1"}', { recordingEnabled: false })).toEqual({
      kind: "failed_no_call",
      reason: "recording_cannot_be_switched_off",
    });
  });
});

describe("what ElevenLabs' answer to a create means", () => {
  const detail = (status: string) => JSON.stringify({ detail: { status, message: "canary" } });
  test.each([
    [200, '{"success":true,"conversation_id":"conv_1","callSid":"CA1"}', { kind: "accepted", providerCallId: "conv_1" }],
    [200, '{"success":true,"conversation_id":null,"callSid":null}', { kind: "unknown" }],
    [200, '{"success":true}', { kind: "unknown" }],
    [200, '{"success":false,"message":"canary","conversation_id":null,"callSid":null}', { kind: "refused", reason: "rejected" }],
    [200, '{"success":false,"conversation_id":"conv_1","callSid":null}', { kind: "unknown" }],
    [200, '{"success":false,"conversation_id":null,"callSid":"CA1"}', { kind: "unknown" }],
    [200, '{"conversation_id":"conv_1"}', { kind: "unknown" }],
    [200, "canary", { kind: "unknown" }],
    [400, detail("anything"), { kind: "refused", reason: "rejected" }],
    [401, detail("invalid_api_key"), { kind: "refused", reason: "unauthorized" }],
    [401, detail("quota_exceeded"), { kind: "refused", reason: "payment_required" }],
    [403, "", { kind: "refused", reason: "unauthorized" }],
    [422, '{"detail":[{"loc":["body","to_number"],"msg":"canary","type":"x"}]}', { kind: "refused", reason: "invalid_number" }],
    [422, '{"detail":[{"loc":["body","agent_id"],"msg":"canary","type":"x"}]}', { kind: "refused", reason: "rejected" }],
    [422, "canary", { kind: "refused", reason: "rejected" }],
    [429, detail("too_many_concurrent_requests"), { kind: "refused", reason: "no_capacity" }],
    [429, detail("system_busy"), { kind: "refused", reason: "rate_limited" }],
    [408, "", { kind: "unknown" }],
    [425, "", { kind: "unknown" }],
    [500, "", { kind: "unknown" }],
    [503, detail("invalid_api_key"), { kind: "unknown" }],
  ])("%i %s", async (status, body, expected) => {
    const placed = await answered("elevenlabs", status, body);
    expect(placed).toMatchObject(expected);
    expect(JSON.stringify(placed)).not.toContain("canary");
  });

  test("a caller number that is not the connection's is not called from: another one was judged", async () => {
    expect(await answered("elevenlabs", 200, "", { fromNumber: "+12015550199" })).toEqual({
      kind: "failed_no_call",
      reason: "from_number_not_the_connections",
    });
  });

  test("the switch for recording is the call's", async () => {
    const bodies: string[] = [];
    const provider = await connectedVoice("elevenlabs", "http://127.0.0.1:1", async (_, init) => {
      bodies.push(init.body as string);
      return new Response("{}");
    });
    await provider.place({ ...call, recordingEnabled: false });
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      call_recording_enabled: false,
      telephony_call_config: { twilio_call_recording_enabled: false },
    });
  });
});

describe.each(["retell", "elevenlabs"] as const)("%s: an answer that is not to be trusted", (vendor) => {
  test("one that does not end is cut off at its size, and the call is unknown", async () => {
    let pulled = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(1024 * 1024));
        },
      });
    const provider = await connectedVoice(vendor, "http://127.0.0.1:1", async () => new Response(endless(), { status: 201 }));
    expect(await provider.place(call)).toEqual({ kind: "unknown", reason: "answer_too_large", status: 201 });
    expect(pulled).toBeLessThan(12);
  });

  test("a look-up that shows another attempt's calls is no answer", async () => {
    const other = {
      call_id: "call_1",
      conversation_id: "conv_1",
      metadata: { attempt_id: "att_other" },
      call_status: "ended",
      status: "done",
    };
    const list = JSON.stringify({ items: [other, other], conversations: [other, { ...other, conversation_id: "conv_2" }] });
    const provider = await connectedVoice(vendor, "http://127.0.0.1:1", async () => new Response(list));
    expect((await provider.lookup("att_1")).kind).toBe("unavailable");
  });

  test.each([401, 403, 429, 500, 503])("a look-up answered with %i is no answer", async (status) => {
    const provider = await connectedVoice(vendor, "http://127.0.0.1:1", async () => new Response("", { status }));
    expect((await provider.lookup("att_1")).kind).toBe("unavailable");
    expect((await provider.get("call_1")).kind).toBe("unavailable");
  });
});
