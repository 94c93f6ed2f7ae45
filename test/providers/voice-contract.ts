import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { addSeconds, instantOf } from "../../src/lib/instant.ts";
import type { CallReport, InboundWebhook, VerifiedEvent, VoiceProvider } from "../../src/providers/voice/contract.ts";
import { startedAt, voiceBench } from "./voice-bench.ts";
import type { VoiceBench } from "./voice-bench.ts";

async function verifiedOf(bench: VoiceBench, inbound: InboundWebhook): Promise<VerifiedEvent> {
  const verified = await bench.provider.verify(inbound);
  if (!verified.ok) throw new Error(`the vendor's own webhook was refused: ${verified.refusal}`);
  return verified.value;
}

async function found(bench: VoiceBench, providerCallId: string): Promise<CallReport> {
  const answer = await bench.provider.get(providerCallId);
  if (answer.kind !== "found") throw new Error(`get answered ${answer.kind}`);
  return answer.report;
}

async function accepted(bench: VoiceBench, suffix: string) {
  const call = bench.call(suffix);
  const placed = await bench.provider.place(call);
  if (placed.kind !== "accepted") throw new Error(`place answered ${placed.kind}`);
  return { ...call, providerCallId: placed.providerCallId };
}

/** What every voice provider promises, whichever vendor is behind it. */
export function voiceContract(vendor: "retell" | "elevenlabs"): void {
  describe(`${vendor}: the contract, against the simulator`, () => {
    let bench: VoiceBench;
    beforeAll(async () => {
      bench = await voiceBench(vendor, { concurrency_limit: 1000 });
    });
    afterAll(() => bench.close());

    test("an answered call is accepted, reported by signed webhook, and looks the same when fetched", async () => {
      const call = await accepted(bench, "0001");
      await bench.advance(200);
      const events = await Promise.all(bench.webhooks.map((inbound) => verifiedOf(bench, inbound)));
      const last = events.filter((event) => event.providerCallId === call.providerCallId).at(-1)?.report;
      expect(last).toMatchObject({
        attemptId: call.attemptId,
        status: "ended",
        disposition: "answered",
        final: true,
        stopRequested: false,
      });
      expect(await found(bench, call.providerCallId)).toEqual(last);
    });

    test("times are the account's, not the real clock's", async () => {
      const before = instantOf(bench.simulators.account("0190a000-0000-7000-8000-000000000001").now);
      const call = await accepted(bench, "0001");
      await bench.advance(200);
      const report = await found(bench, call.providerCallId);
      expect(report.startedAt! >= before && report.startedAt! <= addSeconds(before, 30)).toBe(true);
      expect(report.endedAt! > report.startedAt!).toBe(true);
      expect(report.startedAt!.slice(0, 10)).toBe(startedAt.slice(0, 10));
    });

    test("the first agent turn is the disclosure of an artificial voice, and every turn has its time", async () => {
      const call = await accepted(bench, "0001");
      await bench.advance(200);
      const { transcript } = await found(bench, call.providerCallId);
      const first = transcript?.find((turn) => turn.role === "agent");
      expect(first?.text).toMatch(/automated A I voice/);
      expect(transcript?.every((turn) => turn.startSeconds !== null)).toBe(true);
    });

    test.each([
      ["0002", "voicemail"],
      ["0003", "no_answer"],
      ["0004", "busy"],
    ])("a number ending in %s ends as %s", async (suffix, disposition) => {
      const call = await accepted(bench, suffix);
      await bench.advance(300);
      expect(await found(bench, call.providerCallId)).toMatchObject({ disposition, final: true, stopRequested: false });
    });

    test("a call that never connected ends with an empty transcript: there was nothing to search for a stop", async () => {
      const call = await accepted(bench, "0003");
      await bench.advance(300);
      expect(await found(bench, call.providerCallId)).toMatchObject({
        status: "not_connected",
        transcript: [],
        endedBy: "not_connected",
      });
    });

    test("until its end is told, a call's transcript is not known", async () => {
      const call = await accepted(bench, "0001");
      expect(await found(bench, call.providerCallId)).toMatchObject({
        status: "registered",
        disposition: "unknown",
        transcript: null,
        final: false,
      });
    });

    test("the stop tool arrives in the call with ids and the argument, and nothing of what was said", async () => {
      const call = await accepted(bench, "0006");
      const seen = bench.tools.length;
      await bench.advance(200);
      const [tool] = await Promise.all(bench.tools.slice(seen).map((inbound) => bench.provider.verifyStopTool(inbound)));
      expect(tool).toEqual({
        ok: true,
        value: {
          dedupeKey: `${call.providerCallId}:do_not_call`,
          providerCallId: call.providerCallId,
          attemptId: call.attemptId,
          reason: "asked to stop",
        },
      });
      expect(await found(bench, call.providerCallId)).toMatchObject({ stopRequested: true, disposition: "answered" });
    });

    test("a stop said in words alone stands in the transcript for the stop check to find", async () => {
      const call = await accepted(bench, "0012");
      await bench.advance(200);
      const report = await found(bench, call.providerCallId);
      expect(report.stopRequested).toBe(false);
      expect(report.transcript?.some((turn) => turn.role === "person" && /never call this number again/.test(turn.text))).toBe(
        true,
      );
    });

    test("a call whose webhooks are lost is told by get alone", async () => {
      const seen = bench.webhooks.length;
      const call = await accepted(bench, "0007");
      await bench.advance(200);
      expect(bench.webhooks.length).toBe(seen);
      expect(await found(bench, call.providerCallId)).toMatchObject({ disposition: "answered", final: true });
    });

    test("a call that was accepted before the connection dropped is unknown, then found by our attempt id, and exists once", async () => {
      const call = bench.call("0009");
      expect(await bench.provider.place(call)).toMatchObject({ kind: "unknown" });
      await bench.advance(200);
      const answer = await bench.provider.lookup(call.attemptId);
      expect(answer).toMatchObject({ kind: "found", report: { attemptId: call.attemptId } });
      const creates = bench.simulators
        .requests()
        .filter((request) => request.body.includes(call.attemptId) && /create-phone-call|outbound-call/.test(request.path));
      expect(creates.length).toBe(1);
    });

    test("a request that the vendor never took is unknown too, and its look-up is empty", async () => {
      const call = bench.call("0013");
      expect(await bench.provider.place(call)).toMatchObject({ kind: "unknown" });
      expect(await bench.provider.lookup(call.attemptId)).toEqual({ kind: "absent" });
    });

    test.each(["0015", "0016", "0017", "0018"])(
      "an answer that does not say yes or no (%s) is unknown, asked once",
      async (suffix) => {
        const before = bench.asked.length;
        expect(await bench.provider.place(bench.call(suffix))).toMatchObject({ kind: "unknown" });
        expect(bench.asked.length - before).toBe(1);
      },
    );

    test("a redirect is not followed: the key goes nowhere else", async () => {
      const before = bench.asked.length;
      expect(await bench.provider.place(bench.call("0018"))).toEqual({ kind: "unknown", reason: "redirected", status: 302 });
      expect(bench.asked.slice(before).every((url) => url.startsWith(bench.simulators.origin))).toBe(true);
    });

    test("a rate limit is a refusal before anything rang, and is not tried again", async () => {
      const before = bench.asked.length;
      expect(await bench.provider.place(bench.call("0008"))).toEqual({ kind: "refused", reason: "rate_limited", status: 429 });
      expect(bench.asked.length - before).toBe(1);
    });

    test("webhooks sent twice and in the wrong order keep one dedupe key per event", async () => {
      const seen = bench.webhooks.length;
      const call = await accepted(bench, "0010");
      await bench.advance(200);
      const all = await Promise.all(bench.webhooks.slice(seen).map((inbound) => verifiedOf(bench, inbound)));
      const events = all.filter((event) => event.providerCallId === call.providerCallId);
      const types = new Set(events.map((event) => event.type));
      expect(events.length).toBeGreaterThan(types.size);
      expect(new Set(events.map((event) => event.dedupeKey)).size).toBe(types.size);
    });

    test("a ring shorter than fifteen seconds is never asked for", async () => {
      const before = bench.asked.length;
      for (const ringSeconds of [14, 0, 15.5, Number.NaN, 301]) {
        expect(await bench.provider.place(bench.call("0001", { ringSeconds }))).toEqual({
          kind: "failed_no_call",
          reason: "ring_seconds_out_of_range",
        });
      }
      expect(bench.asked.length).toBe(before);
    });

    test("the ring that was asked for is the ring on the wire", async () => {
      const call = bench.call("0003", { ringSeconds: 25 });
      await bench.provider.place(call);
      const body = bench.simulators.requests().findLast((request) => request.body.includes(call.attemptId))?.body ?? "";
      expect(body).toMatch(/"ring_duration_ms":25000|"ringing_timeout_secs":25\b/);
      const rang = bench.simulators.account("0190a000-0000-7000-8000-000000000001");
      await bench.advance(300);
      const simulated = [...rang.calls.values()].find((each) => each.attemptId === call.attemptId);
      expect((simulated?.endedAt ?? 0) - (simulated?.rangAt ?? 0)).toBe(25);
    });

    test("nothing but the call's own fields goes onto the wire, whatever else the object carries", async () => {
      const canaries = {
        email: "canary@example.com",
        address: "17 Canary Street",
        notes: "canary note",
        ssn: "123-45-6789",
        card: "4111 1111 1111 1111",
        consent_text: "By clicking canary",
      };
      const lead = { ...bench.call("0001"), ...canaries, lead: canaries };
      await bench.provider.place(lead);
      const request = bench.simulators.requests().findLast((each) => each.body.includes(lead.attemptId));
      expect(request).toBeDefined();
      const wire = JSON.stringify(request);
      for (const canary of Object.values(canaries)) expect(wire).not.toContain(canary);
    });

    test.each([
      ["a mail address", { note: "reach me at canary@example.com" }],
      ["a social-security number", { note: "123-45-6789" }],
      ["a card number", { note: "4111 1111 1111 1111" }],
      ["a card number in one run", { note: "x4111111111111111" }],
      ["a consent certificate", { cert: "https://cert.trustedform.com/abc" }],
      ["a name that the vendor keeps for itself", { system__conversation_id: "x" }],
    ])("a variable that holds %s stops the call before it is asked for", async (_, variables) => {
      const before = bench.asked.length;
      expect(
        await bench.provider.place(bench.call("0001", { variables: variables as Readonly<Record<string, string>> })),
      ).toMatchObject({ kind: "failed_no_call" });
      expect(bench.asked.length).toBe(before);
    });

    test("a variable cannot take the place of our attempt id", async () => {
      const call = bench.call("0001", { variables: { attempt_id: "att_other" } });
      await bench.provider.place(call);
      const bodies = bench.simulators.requests().map((request) => request.body);
      expect(bodies.some((body) => body.includes("att_other"))).toBe(false);
    });

    test("an id that is no id reaches no path", async () => {
      const before = bench.asked.length;
      for (const id of ["..", "../../v2/create-phone-call", "a/b", "", "a?b", "x".repeat(200)]) {
        expect((await bench.provider.get(id)).kind).toBe("unavailable");
        expect((await bench.provider.stop(id)).ok).toBe(false);
      }
      expect(bench.asked.length).toBe(before);
    });

    test("a connection test places no call", async () => {
      const before = bench.simulators.requests().length;
      expect(await bench.provider.check()).toMatchObject({ ok: true, value: { storesTranscripts: true } });
      expect(
        bench.simulators
          .requests()
          .slice(before)
          .map((request) => request.method),
      ).toEqual(["GET"]);
    });

    test("the same webhook twice has the same key, whenever it was signed", async () => {
      const [inbound] = bench.webhooks;
      const one = await verifiedOf(bench, inbound as InboundWebhook);
      expect((await verifiedOf(bench, inbound as InboundWebhook)).dedupeKey).toBe(one.dedupeKey);
    });
  });

  describe(`${vendor}: the contract, against a vendor that does not answer`, () => {
    test("a create without an answer is unknown after its time-out, asked once", async () => {
      const bench = await voiceBench(vendor);
      // A hundredth of the real time-out, and a record of what was asked for.
      const real = AbortSignal.timeout.bind(AbortSignal);
      const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => real(ms / 100));
      expect(await bench.provider.place(bench.call("0014"))).toEqual({ kind: "unknown", reason: "timeout", status: null });
      expect(timeout.mock.calls).toEqual([[15_000]]);
      timeout.mockRestore();
      expect(bench.asked.length).toBe(1);
      await bench.close();
    });

    test("a dead vendor makes create unknown, and look-ups say that they do not know", async () => {
      const bench = await voiceBench(vendor);
      await bench.close();
      expect(await bench.provider.place(bench.call("0001"))).toMatchObject({ kind: "unknown", reason: "connection_lost" });
      expect(await bench.provider.lookup("att_1")).toEqual({ kind: "unavailable", reason: "connection_lost" });
      expect(await bench.provider.get("call_1")).toEqual({ kind: "unavailable", reason: "connection_lost" });
      expect(await bench.provider.check()).toEqual({ ok: false, refusal: "connection_lost" });
      expect(bench.asked.length).toBe(4);
    });

    test("a wrong key is a refusal, and is said to be one", async () => {
      const bench = await voiceBench(vendor, { api_key: "another_key_0123456789" });
      expect(await bench.provider.place(bench.call("0001"))).toEqual({ kind: "refused", reason: "unauthorized", status: 401 });
      expect(await bench.provider.check()).toEqual({ ok: false, refusal: "unauthorized" });
      await bench.close();
    });

    test("an account that keeps no transcripts says so when it is tested", async () => {
      const bench = await voiceBench(vendor, { stores_transcripts: false });
      expect(await bench.provider.check()).toMatchObject({ ok: true, value: { storesTranscripts: false } });
      await bench.close();
    });

    test("the vendor delivers a failed webhook again by its own rules, under the same key", async () => {
      const bench = await voiceBench(vendor, { retry_enabled: true });
      bench.answerWith = 503;
      await bench.provider.place(bench.call("0003"));
      await bench.advance(60);
      bench.answerWith = 200;
      await bench.advance(600);
      const events = await Promise.all(bench.webhooks.map((inbound) => bench.provider.verify(inbound)));
      const keysOf = events.map((event) => (event.ok ? event.value.dedupeKey : "refused"));
      expect(keysOf).not.toContain("refused");
      expect(keysOf.length).toBeGreaterThan(new Set(keysOf).size);
      await bench.close();
    });
  });
}

/** Read-only, for a real account: nothing is called, nothing is changed. */
export function voiceVendorContract(name: string, connect: () => Promise<VoiceProvider>): void {
  describe(`${name}: the contract, against the vendor`, () => {
    test("the connection test succeeds", async () => {
      expect(await (await connect()).check()).toMatchObject({ ok: true });
    });
    test("an attempt that was never placed is not found", async () => {
      expect(await (await connect()).lookup("att_contract_suite_never_placed")).toEqual({ kind: "absent" });
    });
    test("a call id that does not exist is not found", async () => {
      expect((await (await connect()).get("call_contract_suite_never_placed")).kind).not.toBe("found");
    });
  });
}
