import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRegistry } from "../../dev/simulators/dnc.ts";
import { bySuffix, scenarioFor } from "../../dev/simulators/scenarios.ts";
import { startSimulators } from "../../dev/simulators/simulators.ts";
import type { Simulators } from "../../dev/simulators/simulators.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { simulatorClock } from "../../src/providers/simulator-clock.ts";
import { connectedVoice, fromNumber, keys, orgId, startedAt, voiceBench } from "./voice-bench.ts";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

describe("a simulated account's clock", () => {
  let simulators: Simulators;
  beforeAll(async () => {
    simulators = await startSimulators();
    for (const vendor of ["retell", "elevenlabs"] as const) {
      simulators.register({ account: orgId, vendor, api_key: keys.api, webhook_secret: keys.webhook, now: startedAt });
    }
  });
  afterAll(() => simulators.close());
  const place = async (vendor: "retell" | "elevenlabs", attemptId: string, toNumber = "+12017770001") => {
    const provider = await connectedVoice(vendor, simulators.origin, fetch);
    return provider.place({
      attemptId,
      toNumber,
      fromNumber,
      ringSeconds: 20,
      variables: {},
      recordingEnabled: true,
    });
  };

  test("is asked and moved over HTTP, one for all vendors of the account, and stops at each event on the way", async () => {
    const clock = simulatorClock({ origin: simulators.origin, fetch });
    expect(await clock.next(orgId)).toEqual({ ok: true, value: { now: startedAt, nextEventAt: null } });
    await place("retell", "att_1");
    await place("elevenlabs", "att_2");
    const seen: string[] = [];
    for (let step = 0; step < 50; step += 1) {
      const next = await clock.next(orgId);
      if (!next.ok || next.value.nextEventAt === null) break;
      const { nextEventAt } = next.value;
      seen.push(nextEventAt);
      expect(await clock.advance(orgId, nextEventAt)).toMatchObject({ ok: true, value: { now: nextEventAt } });
    }
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen).toEqual(seen.toSorted());
    const calls = [...simulators.account(orgId).calls.values()];
    expect(calls.map((call) => call.status)).toEqual(["ended", "ended"]);
  });

  test("another key of a vendor is a set-up beside the first, and a key that is registered again has the new set-up alone", async () => {
    const limitOf = async (key: string) => {
      const answer = await fetch(`${simulators.origin}/get-concurrency`, { headers: { authorization: `Bearer ${key}` } });
      return ((await answer.json()) as { concurrency_limit: number }).concurrency_limit;
    };
    const limited = (api_key: string, concurrency_limit: number) =>
      simulators.register({ account: "org_keys", vendor: "retell", api_key, concurrency_limit });
    limited("first-key", 1);
    limited("second-key", 2);
    limited("second-key", 3);
    expect([await limitOf("first-key"), await limitOf("second-key")]).toEqual([1, 3]);
  });

  test("calls that begin together share their instants, each of which is a stop of the org's clock", async () => {
    const account = simulators.account(orgId);
    const begun = account.calls.size;
    for (let call = 0; call < 19; call += 1) await place("elevenlabs", `att_together_${call}`, `+1201777${2000 + call}`);
    const instants = new Set<number>();
    for (let at = account.nextEventAt(); at !== null; at = account.nextEventAt()) {
      instants.add(at);
      await account.advance(at);
    }
    expect(account.calls.size - begun).toBeGreaterThan(15);
    expect(account.live("elevenlabs")).toBe(0);
    expect(instants.size).toBeLessThan(22);
  });

  test("does not move while nobody moves it, and never moves back", async () => {
    const clock = simulatorClock({ origin: simulators.origin, fetch });
    const before = await clock.next(orgId);
    expect(await clock.next(orgId)).toEqual(before);
    expect(await clock.advance(orgId, "2026-01-01T00:00:00Z" as Instant)).toEqual({ ok: false, refusal: "status_409" });
    expect(await clock.next(orgId)).toEqual(before);
  });

  test("of an account that nobody registered is not there", async () => {
    const clock = simulatorClock({ origin: simulators.origin, fetch });
    expect(await clock.next("org_other")).toEqual({ ok: false, refusal: "account_not_registered" });
    const dead = simulatorClock({ origin: "http://127.0.0.1:9", fetch });
    expect(await dead.next(orgId)).toEqual({ ok: false, refusal: "connection_lost" });
  });
});

describe("what happens to a simulated call", () => {
  test("is chosen by the last four digits", () => {
    expect(Object.keys(bySuffix).map((suffix) => scenarioFor(`+1201777${suffix}`, 0).name)).toEqual(
      Object.values(bySuffix).map((scenario) => scenario.name),
    );
  });

  test("is otherwise a stable mix in which everything that a day of calls shows occurs", () => {
    const names = (calls: number) =>
      Array.from({ length: 3000 }, (_, index) => scenarioFor(`+1${2015550000 + 7919 * index}`, calls).name);
    expect(names(0)).toEqual(names(0));
    expect(names(0)).not.toEqual(names(1));
    const counts = new Map<string, number>();
    for (const name of names(0)) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const name of [
      "human",
      "no_answer",
      "voicemail",
      "busy",
      "stop_tool",
      "stop_in_words_only",
      "webhooks_lost",
      "accepted_then_dropped",
      "webhooks_shuffled",
      "rate_limited",
    ]) {
      expect(counts.get(name) ?? 0).toBeGreaterThan(10);
    }
  });
});

describe("the simulated vendors are as strict as the real ones, or stricter", () => {
  const ask = async (origin: string, path: string, headers: Record<string, string>, body: unknown) =>
    fetch(origin + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  test("Retell: no key 401, a field that is not documented 400, a number that is not owned 422", async () => {
    const bench = await voiceBench("retell", { from_numbers: [fromNumber] });
    const { origin } = bench.simulators;
    const good = { from_number: fromNumber, to_number: "+12017770001" };
    const key = { authorization: `Bearer ${keys.api}` };
    const status = async (headers: Record<string, string>, body: unknown) =>
      (await ask(origin, "/v2/create-phone-call", headers, body)).status;
    expect(await status({}, good)).toBe(401);
    expect(await status(key, { ...good, email: "canary@example.com" })).toBe(400);
    expect(await status(key, { to_number: good.to_number })).toBe(400);
    expect(await status(key, { ...good, retell_llm_dynamic_variables: { n: 1 } })).toBe(400);
    expect(await status(key, { ...good, from_number: "+12015550111" })).toBe(422);
    expect(await status(key, good)).toBe(201);
    await bench.close();
  });

  test("ElevenLabs: no key 401, a missing or undocumented field 422 that names it", async () => {
    const bench = await voiceBench("elevenlabs");
    const { origin } = bench.simulators;
    const good = { agent_id: "a", agent_phone_number_id: "p", to_number: "+12017770001" };
    const path = "/v1/convai/twilio/outbound-call";
    expect((await ask(origin, path, {}, good)).status).toBe(401);
    const refused = await ask(origin, path, { "xi-api-key": keys.api }, { ...good, agent_id: "", email: "x" });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ detail: [{ loc: ["body", "agent_id"] }, { loc: ["body", "email"] }] });
    expect((await ask(origin, path, { "xi-api-key": keys.api }, good)).status).toBe(200);
    await bench.close();
  });

  test("what exceeds the account's concurrency does not ring", async () => {
    const retell = await voiceBench("retell", { concurrency_limit: 1 });
    await retell.provider.place(retell.call("0001"));
    const second = await retell.provider.place(retell.call("0001"));
    await retell.advance(5);
    const report = second.kind === "accepted" ? await retell.provider.get(second.providerCallId) : second;
    expect(report).toMatchObject({
      report: { providerReason: "concurrency_limit_reached", disposition: "failed", status: "not_connected" },
    });
    await retell.close();
    const eleven = await voiceBench("elevenlabs", { concurrency_limit: 1 });
    await eleven.provider.place(eleven.call("0001"));
    expect(await eleven.provider.place(eleven.call("0001"))).toEqual({ kind: "refused", reason: "no_capacity", status: 429 });
    await eleven.close();
  });

  test("Retell stops an ongoing call, and no other; a stop is one request", async () => {
    const bench = await voiceBench("retell");
    const placed = await bench.provider.place(bench.call("0001"));
    const id = placed.kind === "accepted" ? placed.providerCallId : "";
    expect(await bench.provider.stop(id)).toEqual({ ok: false, refusal: "not_ongoing" });
    await bench.advance(20);
    const before = bench.asked.length;
    expect(await bench.provider.stop(id)).toEqual({ ok: true, value: "stopped" });
    expect(bench.asked.length - before).toBe(1);
    expect(await bench.provider.get(id)).toMatchObject({
      report: { status: "ended", disposition: "answered", providerReason: "manual_stopped" },
    });
    expect(await bench.provider.stop("call_unknown")).toEqual({ ok: false, refusal: "not_found" });
    await bench.close();
  });

  test("ElevenLabs has no way to end a call, and none is pretended", async () => {
    const bench = await voiceBench("elevenlabs");
    expect(bench.provider.cancel).toBe("none");
    expect(await bench.provider.stop("conv_1")).toEqual({ ok: false, refusal: "unsupported" });
    expect(bench.asked).toEqual([]);
    await bench.close();
  });

  test("a dropped call is found at once, before the clock has moved", async () => {
    for (const vendor of ["retell", "elevenlabs"] as const) {
      const bench = await voiceBench(vendor);
      const call = bench.call("0009");
      await bench.provider.place(call);
      expect(await bench.provider.lookup(call.attemptId)).toMatchObject({
        kind: "found",
        report: { status: "registered", attemptId: call.attemptId },
      });
      await bench.close();
    }
  });

  test("where Retell does not list a registered call, an empty look-up proves nothing", async () => {
    const bench = await voiceBench("retell", { lists_registered: false });
    const call = bench.call("0009");
    await bench.provider.place(call);
    expect(await bench.provider.lookup(call.attemptId)).toEqual({ kind: "absent" });
    await bench.advance(30);
    expect((await bench.provider.lookup(call.attemptId)).kind).toBe("found");
    await bench.close();
  });

  test("a call that rings late rings when it is too late, and says when", async () => {
    const bench = await voiceBench("retell");
    const placed = await bench.provider.place(bench.call("0020"));
    await bench.advance(899);
    expect(placed.kind === "accepted" && (await bench.provider.get(placed.providerCallId))).toMatchObject({
      report: { status: "registered" },
    });
    await bench.advance(100);
    expect(placed.kind === "accepted" && (await bench.provider.get(placed.providerCallId))).toMatchObject({
      report: { disposition: "answered" },
    });
    await bench.close();
  });
});

test("the registry file answers for the area codes in it", () => {
  const path = join(mkdtempSync(join(tmpdir(), "registry-")), "flat.txt");
  writeFileSync(path, "201,2059693\r\n907,5550001\n");
  const registry = readRegistry(path);
  expect([...registry.listed]).toEqual(["+12012059693", "+19075550001"]);
  expect([...registry.areaCodes]).toEqual(["201", "907"]);
});
