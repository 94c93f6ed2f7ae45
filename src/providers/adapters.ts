import type { Instant } from "../lib/instant.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";
import type { DncProvider } from "./dnc/contract.ts";
import { httpDnc } from "./dnc/http-dnc.ts";
import { openCredential } from "./open-credential.ts";
import type { Fetch } from "./send-once.ts";
import type { VoiceProvider } from "./voice/contract.ts";
import { elevenlabs, elevenlabsOrigins } from "./voice/elevenlabs.ts";
import { retell, retellOrigin } from "./voice/retell.ts";

/** A stored connection with its sealed credential. */
export interface StoredConnection {
  readonly orgId: string;
  readonly livemode: boolean;
  readonly connectionId: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealed: unknown;
}
export interface AdapterWiring {
  readonly keyring: Keyring;
  readonly simulatorOrigin: string;
  readonly fetch: Fetch;
  readonly now: () => Instant;
}

/** Null when the connection has no credential, or cannot be reached as it is configured: then nothing is sent. */
export function voiceAdapter(wiring: AdapterWiring, connection: StoredConnection): VoiceProvider | null {
  const { config, livemode } = connection;
  const open = opener(wiring.keyring, "voice", connection);
  if (open === null) return null;
  try {
    // The org decides whom it reaches: a test org the simulator alone, a live org the vendor alone.
    if (connection.vendor === "retell") {
      return retell({
        settings: { origin: livemode ? retellOrigin : wiring.simulatorOrigin, config },
        open,
        fetch: wiring.fetch,
      });
    }
    if (connection.vendor !== "elevenlabs") return null;
    const residency = (config["residency"] ?? "global") as keyof typeof elevenlabsOrigins;
    const origin = livemode ? elevenlabsOrigins[residency] : wiring.simulatorOrigin;
    return elevenlabs({ settings: { origin, config }, open, fetch: wiring.fetch });
  } catch {
    return null;
  }
}

export function dncAdapter(wiring: AdapterWiring, connection: StoredConnection): DncProvider | null {
  const { config, livemode } = connection;
  const open = opener(wiring.keyring, "dnc", connection);
  const origin = livemode ? config["base_url"] : wiring.simulatorOrigin;
  if (open === null || connection.vendor !== "http_dnc" || typeof origin !== "string") return null;
  try {
    return httpDnc({ origin, config, open, fetch: wiring.fetch, now: wiring.now });
  } catch {
    return null;
  }
}

function opener(keyring: Keyring, kind: "voice" | "dnc", { orgId, connectionId, sealed }: StoredConnection) {
  if (typeof sealed !== "object" || sealed === null || !("version" in sealed)) return null;
  // Sealed by `sealCredential`; what does not authenticate does not open.
  const stored = sealed as Sealed;
  return openCredential(keyring, { orgId, kind, connectionId, version: stored.version }, stored);
}
