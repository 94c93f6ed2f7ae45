import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { instantOf } from "../../src/lib/instant.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import type { Keyring } from "../../src/lib/sealing.ts";
import { providerRegistry } from "../../src/providers/registry.ts";
import { sealCredential } from "../../src/providers/seal-credential.ts";
import { vendors } from "../../src/providers/vendors.ts";
import type { StoredConnection } from "../../src/providers/registry.ts";
import type { Fetch } from "../../src/providers/send-once.ts";
import type { InboundWebhook, PlaceCall, VoiceProvider } from "../../src/providers/voice/contract.ts";
import { startSimulators } from "../../dev/simulators/simulators.ts";
import type { Registration, Simulators } from "../../dev/simulators/simulators.ts";

export const kek = (byte: number) => Buffer.alloc(32, byte).toString("base64");
export const startedAt = "2026-11-18T15:00:00Z";
export const orgId = "0190a000-0000-7000-8000-000000000001";
export const keys = { api: "key_calling_0123456789", webhook: "key_webhook_0123456789", tool: "tool_secret_0123456789" } as const;
export const fromNumber = "+12015550100";

export const configs = {
  retell: { agent_id: "agent_1", from_number: fromNumber },
  elevenlabs: { agent_id: "agent_1", agent_phone_number_id: "phnum_1", from_number: fromNumber },
} as const;
export const credentials = {
  retell: { api_key: keys.api, webhook_key: keys.webhook },
  elevenlabs: { api_key: keys.api, webhook_secret: keys.webhook, tool_secret: keys.tool },
} as const;

export interface VoiceBench {
  readonly provider: VoiceProvider;
  readonly simulators: Simulators;
  /** Every URL that the provider asked for. */
  readonly asked: string[];
  /** What the vendor delivered, as the worker would be handed it. */
  readonly webhooks: InboundWebhook[];
  readonly tools: InboundWebhook[];
  /** The status that webhooks are answered with. */
  answerWith: number;
  advance(seconds: number): Promise<void>;
  call(suffix: string, differs?: Partial<PlaceCall>): PlaceCall;
  close(): Promise<void>;
}

/** A connection as it lies in the database, sealed for what its vendor needs. */
export async function storedConnection(
  keyring: Keyring,
  given: Pick<StoredConnection, "vendor" | "config" | "livemode"> & { readonly credential: Readonly<Record<string, string>> },
): Promise<StoredConnection> {
  const vendor = vendors[given.vendor];
  if (vendor === undefined) throw new Error("no such vendor");
  const { credential, ...rest } = given;
  const sealed = await sealCredential(
    keyring,
    { orgId, kind: vendor.kind, connectionId: "conn_1", version: 1 },
    vendor.purposes,
    credential,
  );
  return { ...rest, orgId, connectionId: "conn_1", sealed: JSON.parse(JSON.stringify(sealed)) as unknown };
}

/** A test org's connection to a simulated vendor, put together by the registry as the worker does it. */
export async function voiceBench(vendor: "retell" | "elevenlabs", registration: Partial<Registration> = {}): Promise<VoiceBench> {
  const simulators = await startSimulators();
  const receiver = await startReceiver();
  const account = simulators.register({
    account: orgId,
    vendor,
    api_key: keys.api,
    now: startedAt,
    webhook_url: `${receiver.origin}/webhook`,
    webhook_secret: keys.webhook,
    tool_url: `${receiver.origin}/tool`,
    tool_secret: keys.tool,
    ...registration,
  });
  const asked: string[] = [];
  const counting: Fetch = (url, init) => {
    asked.push(url);
    return fetch(url, init);
  };
  const provider = await connectedVoice(vendor, simulators.origin, counting);
  let calls = 0;
  return {
    provider,
    simulators,
    asked,
    webhooks: receiver.webhooks,
    tools: receiver.tools,
    get answerWith() {
      return receiver.status.code;
    },
    set answerWith(code: number) {
      receiver.status.code = code;
    },
    async advance(seconds) {
      await account.advance(account.now + seconds);
    },
    call: (suffix, differs = {}) => ({
      attemptId: `att_${vendor}_${(calls += 1)}`,
      toNumber: `+1201777${suffix}`,
      fromNumber,
      ringSeconds: 20,
      variables: { first_name: "Ann" },
      recordingEnabled: true,
      ...differs,
    }),
    async close() {
      await simulators.close();
      await receiver.close();
    },
  };
}

export async function connectedVoice(
  vendor: "retell" | "elevenlabs",
  simulatorOrigin: string,
  through: Fetch,
): Promise<VoiceProvider> {
  const keyring = await importKeyring({ V1: kek(1) }, "V1");
  const registry = providerRegistry({ keyring, fetch: through, now: () => instantOf(Date.now() / 1000), simulatorOrigin });
  const connection = await storedConnection(keyring, {
    vendor,
    config: configs[vendor],
    credential: credentials[vendor],
    livemode: false,
  });
  const provider = registry.voice(connection);
  if (!provider.ok) throw new Error(provider.refusal);
  return provider.value;
}

async function startReceiver() {
  const webhooks: InboundWebhook[] = [];
  const tools: InboundWebhook[] = [];
  const status = { code: 200 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const inbound = {
        raw: new Uint8Array(Buffer.concat(chunks)),
        headers: new Headers(Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)])),
        receivedAt: instantOf(Date.now() / 1000),
      };
      (request.url === "/tool" ? tools : webhooks).push(inbound);
      response.writeHead(status.code).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webhooks,
    tools,
    status,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
