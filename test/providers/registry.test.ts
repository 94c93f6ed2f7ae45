import { describe, expect, test } from "vitest";
import { instantOf } from "../../src/lib/instant.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { providerRegistry } from "../../src/providers/registry.ts";
import type { StoredConnection } from "../../src/providers/registry.ts";
import { dncKeys, queryOf } from "./dnc-contract.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { configs, credentials, fromNumber, kek, storedConnection } from "./voice-bench.ts";

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

type Given = Pick<StoredConnection, "vendor" | "config" | "livemode">;
const secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = { ...credentials, http_dnc: dncKeys };
const stored = (given: Given) => storedConnection(keyring, { ...given, credential: secrets[given.vendor] ?? {} });

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
  const crossings: readonly (readonly [string, Pick<StoredConnection, "vendor" | "config">])[] = [
    ["retell", { vendor: "retell", config: configs.retell }],
    ["elevenlabs", { vendor: "elevenlabs", config: configs.elevenlabs }],
    ["elevenlabs with a residency", { vendor: "elevenlabs", config: { ...configs.elevenlabs, residency: "eu" } }],
    [
      "a do-not-call source with an address",
      { vendor: "http_dnc", config: { lists: ["national"], base_url: "https://dnc.acme.com" } },
    ],
  ];

  test.each(crossings)("a test org's %s reaches the simulator and nothing else", async (_, connection) => {
    const { registry, hosts } = recording();
    await useEverything(registry, await stored({ ...connection, livemode: false }));
    expect(hosts.length).toBeGreaterThan(0);
    expect(new Set(hosts)).toEqual(new Set(["127.0.0.1:18787"]));
  });

  test.each(crossings)("a live org's %s reaches the vendor, never the simulator", async (_, connection) => {
    const { registry, hosts } = recording();
    await useEverything(registry, await stored({ ...connection, livemode: true }));
    expect(hosts.length).toBeGreaterThan(0);
    expect(hosts.every((host) => vendorHosts.includes(host))).toBe(true);
  });

  test("a configuration that names an origin of its own is refused", async () => {
    const { registry, hosts } = recording();
    for (const smuggled of ["origin", "base_url", "baseUrl", "url", "livemode"]) {
      const config = { ...configs.retell, [smuggled]: "https://api.retellai.com" };
      expect(registry.voice(await stored({ vendor: "retell", config, livemode: false }))).toEqual({
        ok: false,
        refusal: "config_invalid",
      });
    }
    expect(hosts).toEqual([]);
  });

  test("a test org without a simulator reaches nothing, and a live one needs none", async () => {
    const { registry } = recording(null);
    const test = await stored({ vendor: "retell", config: configs.retell, livemode: false });
    expect(registry.voice(test)).toEqual({ ok: false, refusal: "simulator_not_configured" });
    expect(registry.voice({ ...test, livemode: true }).ok).toBe(true);
  });

  test("a credential of a test org does not open for another org's connection, and nothing is asked for", async () => {
    const { registry, hosts } = recording();
    const connection = await stored({ vendor: "retell", config: configs.retell, livemode: false });
    const provider = registry.voice({ ...connection, orgId: "org_2" });
    expect(provider.ok && (await provider.value.place(call))).toEqual({
      kind: "failed_no_call",
      reason: "credential_unavailable",
    });
    expect(hosts).toEqual([]);
  });

  test("a vendor of one kind is not used as the other", async () => {
    const { registry } = recording();
    const voice = await stored({ vendor: "retell", config: configs.retell, livemode: false });
    const dnc = await stored({ vendor: "http_dnc", config: { lists: ["national"] }, livemode: false });
    expect(registry.voice(dnc)).toEqual({ ok: false, refusal: "vendor_of_another_kind" });
    expect(registry.dnc(voice)).toEqual({ ok: false, refusal: "vendor_of_another_kind" });
    expect(registry.voice({ ...voice, vendor: "constructor" })).toEqual({ ok: false, refusal: "vendor_of_another_kind" });
  });
});

describe("what a connection must look like", () => {
  test("every schema names the field that is wrong, and echoes nothing of what was sent", () => {
    const canary = "canary\nvalue";
    const given = {
      agent_id: canary,
      agent_phone_number_id: canary,
      from_number: canary,
      base_url: canary,
      lists: [canary],
      api_key: canary,
    };
    for (const vendor of Object.values(vendors)) {
      for (const schema of [vendor.config, vendor.credential]) {
        const parsed = schema.safeParse(given);
        expect(parsed.success).toBe(false);
        expect(parsed.error?.issues.length).toBeGreaterThan(0);
        expect(JSON.stringify(parsed.error?.issues)).not.toContain("canary");
      }
    }
  });

  test("a live do-not-call source needs a public https address", async () => {
    const { registry } = recording();
    const config = { lists: ["national"] };
    expect(registry.dnc(await stored({ vendor: "http_dnc", config, livemode: true }))).toEqual({
      ok: false,
      refusal: "base_url_missing",
    });
    for (const base_url of ["http://dnc.acme.com", "https://127.0.0.1", simulatorOrigin]) {
      const connection = await stored({ vendor: "http_dnc", config: { ...config, base_url }, livemode: true });
      expect(registry.dnc(connection)).toEqual({ ok: false, refusal: "config_invalid" });
    }
  });

  test("a credential that is not in the stored form is refused before anything is asked for", async () => {
    const { registry } = recording();
    const connection = await stored({ vendor: "retell", config: configs.retell, livemode: false });
    for (const sealed of [null, {}, "x", { ...(connection.sealed as object), wrapped: { place: 1 } }]) {
      expect(registry.voice({ ...connection, sealed })).toEqual({ ok: false, refusal: "credential_unreadable" });
    }
  });
});
