import { elevenlabs, elevenlabsOrigins } from "../../src/providers/voice/elevenlabs.ts";
import { retell, retellOrigin } from "../../src/providers/voice/retell.ts";
import type { OpenCredential } from "../../src/providers/voice/contract.ts";
import { fromNumber } from "./voice-bench.ts";
import { voiceContract, voiceVendorContract } from "./voice-contract.ts";

voiceContract("retell");
voiceContract("elevenlabs");

const lend =
  (secret: Readonly<Record<string, string>>): OpenCredential =>
  (_, work) =>
    work(secret);
const { RETELL_API_KEY, RETELL_AGENT_ID, ELEVENLABS_API_KEY, ELEVENLABS_AGENT_ID } = process.env;

// Drift between simulator and vendor shows here, wherever a key is set. Read-only.
if (RETELL_API_KEY !== undefined && RETELL_AGENT_ID !== undefined) {
  const settings = { origin: retellOrigin, config: { agent_id: RETELL_AGENT_ID, from_number: fromNumber } };
  voiceVendorContract("retell", async () => retell({ settings, open: lend({ api_key: RETELL_API_KEY }), fetch }));
}
if (ELEVENLABS_API_KEY !== undefined && ELEVENLABS_AGENT_ID !== undefined) {
  const config = { agent_id: ELEVENLABS_AGENT_ID, agent_phone_number_id: "phnum_unused", from_number: fromNumber };
  const settings = { origin: elevenlabsOrigins.global, config };
  voiceVendorContract("elevenlabs", async () => elevenlabs({ settings, open: lend({ api_key: ELEVENLABS_API_KEY }), fetch }));
}
