import type * as z from "zod";
import { httpDncConfig, httpDncCredential } from "./dnc/http-dnc.ts";
import type { CredentialPurpose } from "./seal-credential.ts";
import { elevenlabsConfig, elevenlabsCredential } from "./voice/elevenlabs.ts";
import { retellConfig, retellCredential } from "./voice/retell.ts";

/** What a connection to a vendor needs. A new vendor is a file of its own and a line here. */
export interface Vendor {
  readonly kind: "voice" | "dnc";
  readonly config: z.ZodType<Record<string, unknown>>;
  readonly credential: z.ZodType<Record<string, string | undefined>>;
  /** What its credential may be opened for; any other purpose has no key. */
  readonly purposes: readonly CredentialPurpose[];
}

const voicePurposes: readonly CredentialPurpose[] = ["place", "lookup", "stop", "list", "delete", "check", "verify"];

export const vendors: Readonly<Record<string, Vendor>> = {
  retell: { kind: "voice", config: retellConfig, credential: retellCredential, purposes: voicePurposes },
  elevenlabs: { kind: "voice", config: elevenlabsConfig, credential: elevenlabsCredential, purposes: voicePurposes },
  http_dnc: { kind: "dnc", config: httpDncConfig, credential: httpDncCredential, purposes: ["check"] },
};
