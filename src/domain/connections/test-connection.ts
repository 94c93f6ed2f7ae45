import type { OrgDb } from "../../db/org-db.ts";
import { reachableConnection, type ReachableRow } from "../../db/queries/connections.ts";
import { rowsOf } from "../../db/transport.ts";
import type { DncProvider } from "../../providers/dnc/contract.ts";
import type { StoredConnection } from "../../providers/registry.ts";
import { reachVoice, storedConnection } from "./reach-voice.ts";
import type { VoiceProvider } from "../../providers/voice/contract.ts";

/** Builds the adapter of a connection; null when it cannot be reached as it is configured. */
export interface Adapters {
  voice(connection: StoredConnection): VoiceProvider | null;
  dnc(connection: StoredConnection): DncProvider | null;
}
export type ConnectionTest = { readonly passed: boolean; readonly detail: string; readonly storesTranscripts: boolean | null };

/** Set aside for fiction in every area code (555-0100 to 555-0199): nobody's line. */
const fictitiousNumber = "+12025550100";

/** Asks the provider, through read-only endpoints: a test places no call and changes nothing here. */
export async function testConnection(org: OrgDb, adapters: Adapters, id: string): Promise<ConnectionTest | null> {
  const { bound, answers } = await org.query(reachableConnection(id));
  const [row] = answers[0] === undefined ? [] : rowsOf<ReachableRow>(answers[0]);
  if (row === undefined) return null;
  if (row.kind === "voice") return testVoice(reachVoice(adapters, bound, row));
  const provider = adapters.dnc(storedConnection(bound, row));
  if (provider === null) return unreachable;
  const answer = await provider.check({
    requestId: org.newId(),
    at: bound.now,
    sellerSan: null,
    numbers: [{ id: "test", e164: fictitiousNumber, state: null, consentAt: null }],
    lists: (row.config["lists"] as string[]).slice(0, 1),
  });
  return answer.kind === "answered"
    ? { passed: true, detail: "The provider answered, and its signature holds.", storesTranscripts: null }
    : { passed: false, detail: answer.reason, storesTranscripts: null };
}

const unreachable: ConnectionTest = { passed: false, detail: "not_reachable_as_configured", storesTranscripts: null };

async function testVoice(provider: VoiceProvider | null): Promise<ConnectionTest> {
  if (provider === null) return unreachable;
  const checked = await provider.check();
  return checked.ok ? { passed: true, ...checked.value } : { passed: false, detail: checked.refusal, storesTranscripts: null };
}
