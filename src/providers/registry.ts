import type { Instant } from "../lib/instant.ts";
import type { Result } from "../lib/result.ts";
import { ok, refuse } from "../lib/result.ts";
import type { Keyring } from "../lib/sealing.ts";
import type { DncProvider } from "./dnc/contract.ts";
import { httpDnc, httpDncConfig } from "./dnc/http-dnc.ts";
import { openCredential } from "./open-credential.ts";
import { sealedForm } from "./sealed-form.ts";
import type { Fetch } from "./send-once.ts";
import { vendors } from "./vendors.ts";
import type { VoiceProvider } from "./voice/contract.ts";
import { elevenlabs, elevenlabsConfig, elevenlabsOrigins } from "./voice/elevenlabs.ts";
import { retell, retellOrigin } from "./voice/retell.ts";

/** A stored connection, as much of it as reaching the vendor takes. */
export interface StoredConnection {
  readonly orgId: string;
  /** The org's, never the connection's own. */
  readonly livemode: boolean;
  readonly connectionId: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The credential as `sealCredential` made it, read back from storage. */
  readonly sealed: unknown;
}
type Unreachable =
  | "vendor_of_another_kind"
  | "config_invalid"
  | "credential_unreadable"
  | "simulator_not_configured"
  | "base_url_missing";

/** The one place that turns stored connections into providers. */
export interface ProviderRegistry {
  voice(connection: StoredConnection): Result<VoiceProvider, Unreachable>;
  dnc(connection: StoredConnection): Result<DncProvider, Unreachable>;
}
export interface RegistryWiring {
  readonly keyring: Keyring;
  readonly fetch: Fetch;
  /** The real clock. */
  readonly now: () => Instant;
  /** Where test orgs' calls go; null in a deployment that serves no test orgs. */
  readonly simulatorOrigin: string | null;
}

export function providerRegistry(wiring: RegistryWiring): ProviderRegistry {
  return { voice: (connection) => voiceOf(wiring, connection), dnc: (connection) => dncOf(wiring, connection) };
}

/** The same for who asks no reason: null when the connection cannot be reached as it is configured, and nothing is sent. */
export function adaptersOf(wiring: RegistryWiring) {
  const registry = providerRegistry(wiring);
  const orNull = <Provider>(reached: Result<Provider, Unreachable>): Provider | null => (reached.ok ? reached.value : null);
  return {
    voice: (connection: StoredConnection): VoiceProvider | null => orNull(registry.voice(connection)),
    dnc: (connection: StoredConnection): DncProvider | null => orNull(registry.dnc(connection)),
  };
}

/** What every kind of provider needs first: a known vendor of that kind, a valid configuration, an origin, a credential to open. */
function reach(wiring: RegistryWiring, connection: StoredConnection, kind: "voice" | "dnc") {
  const vendor = Object.hasOwn(vendors, connection.vendor) ? vendors[connection.vendor] : undefined;
  if (vendor === undefined || vendor.kind !== kind) return refuse("vendor_of_another_kind" as const);
  if (!vendor.config.safeParse(connection.config).success) return refuse("config_invalid" as const);
  const origin = originOf(connection, wiring.simulatorOrigin);
  if (!origin.ok) return origin;
  const sealed = sealedForm.safeParse(connection.sealed);
  if (!sealed.success) return refuse("credential_unreadable" as const);
  const identity = { orgId: connection.orgId, kind, connectionId: connection.connectionId, version: sealed.data.version };
  return ok({ origin: origin.value, open: openCredential(wiring.keyring, identity, sealed.data) });
}

/** The org decides where a request goes; nothing in a test org's configuration can name a vendor, nor a live one's the simulator. */
function originOf(connection: StoredConnection, simulatorOrigin: string | null): Result<string, Unreachable> {
  if (!connection.livemode) return simulatorOrigin === null ? refuse("simulator_not_configured") : ok(simulatorOrigin);
  if (connection.vendor === "retell") return ok(retellOrigin);
  if (connection.vendor === "elevenlabs") {
    const config = elevenlabsConfig.safeParse(connection.config);
    return config.success ? ok(elevenlabsOrigins[config.data.residency]) : refuse("config_invalid");
  }
  const config = httpDncConfig.safeParse(connection.config);
  if (!config.success) return refuse("config_invalid");
  return config.data.base_url === undefined ? refuse("base_url_missing") : ok(config.data.base_url);
}

function voiceOf(wiring: RegistryWiring, connection: StoredConnection): Result<VoiceProvider, Unreachable> {
  const reached = reach(wiring, connection, "voice");
  if (!reached.ok) return reached;
  const { origin, open } = reached.value;
  const make = connection.vendor === "retell" ? retell : elevenlabs;
  return ok(make({ settings: { origin, config: connection.config }, open, fetch: wiring.fetch }));
}

function dncOf(wiring: RegistryWiring, connection: StoredConnection): Result<DncProvider, Unreachable> {
  const reached = reach(wiring, connection, "dnc");
  if (!reached.ok) return reached;
  return ok(httpDnc({ ...reached.value, config: connection.config, fetch: wiring.fetch, now: wiring.now }));
}
