import { describe, expect, test } from "vitest";
import { instantOf } from "../../src/lib/instant.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { providerRegistry } from "../../src/providers/registry.ts";
import type { StoredConnection } from "../../src/providers/registry.ts";
import { dncKeys, queryOf } from "./dnc-contract.ts";
import { configs, credentials, fromNumber, kek } from "./voice-bench.ts";

const simulatorOrigin = "http://127.0.0.1:18787";
const vendorHosts = [
  "api.retellai.com",
  "api.elevenlabs.io",
  "api.us.elevenlabs.io",
  "api.eu.residency.elevenlabs.io",
  "dnc.acme.com",
];
const keyring = await importKeyring({ V1: kek(1) }, "V1");

function recording(origin: string | null = simulatorOrigin) {
  const hosts: string[] = [];
  const registry = providerRegistry({
    keyring,
    now: () => instantOf(1_795_000_000),
    simulatorOrigin: origin,
    fetch: async (url) => {
      hosts.push(new URL(url).host);
      return new Response("{}", { status: 500 });
    },
  });
  return { registry, hosts };
}
type Registry = ReturnType<typeof recording>["registry"];

async function stored(
  registry: Registry,
  connection: Pick<StoredConnection, "vendor" | "kind" | "config" | "livemode">,
): Promise<StoredConnection> {
  const identity = { orgId: "org_1", connectionId: "conn_1", kind: connection.kind, version: 1 };
  const secret = connection.vendor === "http_dnc" ? dncKeys : credentials[connection.vendor];
  return { ...connection, orgId: "org_1", connectionId: "conn_1", credential: await registry.seal(identity, { ...secret }) };
}

const call = { attemptId: "att_1", toNumber: "+12017770001", fromNumber, ringSeconds: 20, variables: {}, recordingEnabled: true };

async function useEverything(registry: Registry, connection: StoredConnection): Promise<void> {
  const voice = registry.voice(connection);
  if (voice.ok) {
    await voice.value.place(call);
    await voice.value.lookup("att_1");
    await voice.value.get("call_1");
    await voice.value.stop("call_1");
    await voice.value.check();
  }
  const dnc = registry.dnc(connection);
  if (dnc.ok) await dnc.value.check(queryOf(["+12015550001"]));
}

describe("where a request goes is decided by the org", () => {
  const crossings: readonly (readonly [string, Pick<StoredConnection, "vendor" | "kind" | "config">])[] = [
    ["retell", { vendor: "retell", kind: "voice", config: configs.retell }],
    ["elevenlabs", { vendor: "elevenlabs", kind: "voice", config: configs.elevenlabs }],
    ["elevenlabs with a residency", { vendor: "elevenlabs", kind: "voice", config: { ...configs.elevenlabs, residency: "eu" } }],
    [
      "a do-not-call source with an address",
      { vendor: "http_dnc", kind: "dnc", config: { lists: ["national"], base_url: "https://dnc.acme.com" } },
    ],
  ];

  test.each(crossings)("a test org's %s reaches the simulator and nothing else", async (_, connection) => {
    const { registry, hosts } = recording();
    await useEverything(registry, await stored(registry, { ...connection, livemode: false }));
    expect(hosts.length).toBeGreaterThan(0);
    expect(new Set(hosts)).toEqual(new Set(["127.0.0.1:18787"]));
  });

  test.each(crossings)("a live org's %s reaches the vendor, never the simulator", async (_, connection) => {
    const { registry, hosts } = recording();
    await useEverything(registry, await stored(registry, { ...connection, livemode: true }));
    expect(hosts.length).toBeGreaterThan(0);
    expect(hosts.every((host) => vendorHosts.includes(host))).toBe(true);
  });

  test("a configuration that names an origin of its own is refused, at the door and when it is used", async () => {
    const { registry, hosts } = recording();
    for (const smuggled of ["origin", "base_url", "baseUrl", "url", "livemode"]) {
      const config = { ...configs.retell, [smuggled]: "https://api.retellai.com" };
      expect(registry.parse("voice", "retell", config, credentials.retell, false)).toMatchObject({ ok: false });
      expect(registry.voice(await stored(registry, { vendor: "retell", kind: "voice", config, livemode: false }))).toEqual({
        ok: false,
        refusal: "config_invalid",
      });
    }
    expect(hosts).toEqual([]);
  });

  test("a test org without a simulator reaches nothing, and a live one needs none", async () => {
    const { registry } = recording(null);
    const test = await stored(registry, { vendor: "retell", kind: "voice", config: configs.retell, livemode: false });
    expect(registry.voice(test)).toEqual({ ok: false, refusal: "simulator_not_configured" });
    expect(registry.voice({ ...test, livemode: true }).ok).toBe(true);
  });

  test("a credential of a test org does not open for another org's connection, and nothing is asked for", async () => {
    const { registry, hosts } = recording();
    const connection = await stored(registry, { vendor: "retell", kind: "voice", config: configs.retell, livemode: false });
    const provider = registry.voice({ ...connection, orgId: "org_2" });
    expect(provider.ok && (await provider.value.place(call))).toEqual({
      kind: "failed_no_call",
      reason: "credential_unavailable",
    });
    expect(hosts).toEqual([]);
  });

  test("a vendor of one kind is not used as the other", async () => {
    const { registry } = recording();
    const voice = await stored(registry, { vendor: "retell", kind: "voice", config: configs.retell, livemode: false });
    expect(registry.dnc(voice)).toEqual({ ok: false, refusal: "vendor_of_another_kind" });
    expect(registry.voice({ ...voice, kind: "dnc" })).toEqual({ ok: false, refusal: "vendor_of_another_kind" });
  });
});

describe("what a connection must look like", () => {
  const { registry } = recording();

  test("problems name the field, and echo nothing of what was sent", () => {
    const canary = "canary\nvalue";
    const config = { agent_id: canary, from_number: canary, extra: canary };
    const parsed = registry.parse("voice", "retell", config, { api_key: canary }, true);
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.refusal.map((problem) => problem.pointer).toSorted()).toEqual([
      "/config",
      "/config/agent_id",
      "/config/from_number",
      "/credential/api_key",
    ]);
    expect(JSON.stringify(parsed.refusal)).not.toContain("canary");
  });

  test("an unknown vendor is told the known ones", () => {
    expect(registry.parse("voice", "http_dnc", {}, {}, true)).toMatchObject({
      ok: false,
      refusal: [{ pointer: "/vendor", detail: expect.stringContaining("retell, elevenlabs") }],
    });
    expect(registry.parse("voice", "constructor", {}, {}, true)).toMatchObject({ ok: false, refusal: [{ pointer: "/vendor" }] });
  });

  test("a live do-not-call source needs a public https address, a test one takes none", () => {
    const lists = ["national", "state:FL"];
    expect(registry.parse("dnc", "http_dnc", { lists }, dncKeys, false).ok).toBe(true);
    expect(registry.parse("dnc", "http_dnc", { lists, base_url: "https://dnc.acme.com" }, dncKeys, true).ok).toBe(true);
    for (const base_url of ["http://dnc.acme.com", "https://127.0.0.1", "https://localhost", undefined]) {
      expect(registry.parse("dnc", "http_dnc", { lists, base_url }, dncKeys, true).ok).toBe(false);
    }
    expect(registry.parse("dnc", "http_dnc", { lists, base_url: "https://dnc.acme.com" }, dncKeys, false).ok).toBe(false);
  });

  test("defaults are written into what is stored", () => {
    const parsed = registry.parse("voice", "elevenlabs", configs.elevenlabs, credentials.elevenlabs, true);
    expect(parsed).toMatchObject({
      ok: true,
      value: { config: { residency: "global", stop_tool_name: "do_not_call", max_call_seconds: 1800 } },
    });
  });
});
