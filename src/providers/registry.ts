import type * as z from "zod";
import type { Instant } from "../lib/instant.ts";
import type { Result } from "../lib/result.ts";
import { ok, refuse } from "../lib/result.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";
import type { DncProvider } from "./dnc/contract.ts";
import { httpDnc, httpDncConfig, httpDncCredential } from "./dnc/http-dnc.ts";
import { openCredential } from "./open-credential.ts";
import { rewrapCredential, sealCredential } from "./seal-credential.ts";
import type { CredentialIdentity, CredentialPurpose } from "./seal-credential.ts";
import type { Fetch } from "./send-once.ts";
import type { VoiceProvider } from "./voice/contract.ts";
import { elevenlabs, elevenlabsConfig, elevenlabsCredential, elevenlabsOrigins } from "./voice/elevenlabs.ts";
import { retell, retellConfig, retellCredential, retellOrigin } from "./voice/retell.ts";

export type ConnectionKind = "voice" | "dnc";
export type Vendor = "retell" | "elevenlabs" | "http_dnc";

/** A stored connection, as much of it as reaching the vendor takes. */
export interface StoredConnection {
  readonly orgId: string;
  readonly connectionId: string;
  readonly kind: ConnectionKind;
  readonly vendor: Vendor;
  readonly config: Readonly<Record<string, unknown>>;
  readonly credential: Sealed;
  /** The org's, never the connection's own. */
  readonly livemode: boolean;
}
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}
export type Unreachable = "vendor_of_another_kind" | "config_invalid" | "simulator_not_configured" | "base_url_missing";

/** The one place that turns stored connections into providers, and typed configuration into stored connections. */
export interface ProviderRegistry {
  /** What a connection's configuration and credential must look like; problems name fields, never values. */
  parse(
    kind: ConnectionKind,
    vendor: string,
    config: unknown,
    credential: unknown,
    livemode: boolean,
  ): Result<{ readonly config: Record<string, unknown>; readonly credential: Record<string, string> }, readonly FieldProblem[]>;
  seal(identity: CredentialIdentity, credential: Readonly<Record<string, string>>): Promise<Sealed>;
  rewrap(identity: CredentialIdentity, sealed: Sealed): Promise<Sealed | null>;
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

const purposes: Readonly<Record<ConnectionKind, readonly CredentialPurpose[]>> = {
  voice: ["place", "lookup", "stop", "list", "delete", "check", "verify"],
  dnc: ["check"],
};
const schemas: Readonly<
  Record<Vendor, { readonly kind: ConnectionKind; readonly config: z.ZodType; readonly credential: z.ZodType }>
> = {
  retell: { kind: "voice", config: retellConfig, credential: retellCredential },
  elevenlabs: { kind: "voice", config: elevenlabsConfig, credential: elevenlabsCredential },
  http_dnc: { kind: "dnc", config: httpDncConfig, credential: httpDncCredential },
};

export function providerRegistry(wiring: RegistryWiring): ProviderRegistry {
  const { keyring } = wiring;
  return {
    parse: parseConnection,
    seal: (identity, credential) => {
      if (!isKind(identity.kind)) throw new RangeError("no such kind of connection");
      return sealCredential(keyring, identity, purposes[identity.kind], credential);
    },
    rewrap: (identity, sealed) => rewrapCredential(keyring, identity, sealed),
    voice: (connection) => voiceOf(wiring, connection),
    dnc: (connection) => dncOf(wiring, connection),
  };
}

const isKind = (kind: string): kind is ConnectionKind => kind === "voice" || kind === "dnc";
const isVendor = (vendor: string): vendor is Vendor => Object.hasOwn(schemas, vendor);

function parseConnection(
  kind: ConnectionKind,
  vendor: string,
  config: unknown,
  credential: unknown,
  livemode: boolean,
): ReturnType<ProviderRegistry["parse"]> {
  if (!isVendor(vendor) || schemas[vendor].kind !== kind) {
    const known = Object.entries(schemas).flatMap(([name, schema]) => (schema.kind === kind ? [name] : []));
    return refuse([{ pointer: "/vendor", detail: `not a vendor of this kind; known: ${known.join(", ")}` }]);
  }
  const parsedConfig = schemas[vendor].config.safeParse(config);
  const parsedCredential = schemas[vendor].credential.safeParse(credential);
  const problems = [...problemsOf("/config", parsedConfig), ...problemsOf("/credential", parsedCredential)];
  if (vendor === "http_dnc" && parsedConfig.success) {
    const hasBase = (parsedConfig.data as z.infer<typeof httpDncConfig>).base_url !== undefined;
    if (livemode && !hasBase) problems.push({ pointer: "/config/base_url", detail: "a live org's source needs its address" });
    if (!livemode && hasBase)
      problems.push({ pointer: "/config/base_url", detail: "a test org reaches the simulator and takes no address" });
  }
  if (problems.length > 0 || !parsedConfig.success || !parsedCredential.success) return refuse(problems);
  // Both schemas are strict objects, the credential's of texts only.
  return ok({
    config: parsedConfig.data as Record<string, unknown>,
    credential: parsedCredential.data as Record<string, string>,
  });
}

function problemsOf(base: string, parsed: z.ZodSafeParseResult<unknown>): FieldProblem[] {
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => ({
    pointer: [base, ...issue.path.map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/"),
    detail: issue.code === "unrecognized_keys" ? "has a field that is not known" : issue.message,
  }));
}

const identityOf = (connection: StoredConnection): CredentialIdentity => ({
  orgId: connection.orgId,
  kind: connection.kind,
  connectionId: connection.connectionId,
  version: connection.credential.version,
});

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
  const { vendor, config } = connection;
  if (connection.kind !== "voice" || vendor === "http_dnc") return refuse("vendor_of_another_kind");
  if (!schemas[vendor].config.safeParse(config).success) return refuse("config_invalid");
  const origin = originOf(connection, wiring.simulatorOrigin);
  if (!origin.ok) return origin;
  const open = openCredential(wiring.keyring, identityOf(connection), connection.credential);
  const make = vendor === "retell" ? retell : elevenlabs;
  return ok(make({ settings: { origin: origin.value, config }, open, fetch: wiring.fetch }));
}

function dncOf(wiring: RegistryWiring, connection: StoredConnection): Result<DncProvider, Unreachable> {
  if (connection.kind !== "dnc" || connection.vendor !== "http_dnc") return refuse("vendor_of_another_kind");
  if (!httpDncConfig.safeParse(connection.config).success) return refuse("config_invalid");
  const origin = originOf(connection, wiring.simulatorOrigin);
  if (!origin.ok) return origin;
  const open = openCredential(wiring.keyring, identityOf(connection), connection.credential);
  return ok(httpDnc({ origin: origin.value, config: connection.config, open, fetch: wiring.fetch, now: wiring.now }));
}
