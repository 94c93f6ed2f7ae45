import type { Bound } from "../../db/org-db.ts";
import type { StoredConnection } from "../../providers/registry.ts";
import type { VoiceProvider } from "../../providers/voice/contract.ts";

/** A connection as rows carry it: those of a permit, a look-up, a webhook, or its own. */
export interface StoredRow {
  readonly connection_id: string;
  readonly vendor: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly sealed: unknown;
}
type Org = Pick<Bound, "orgId" | "livemode">;

/** Whom it reaches is the bound org's matter and never the row's. */
export const storedConnection = ({ orgId, livemode }: Org, row: StoredRow): StoredConnection => ({
  orgId,
  livemode,
  connectionId: row.connection_id,
  vendor: row.vendor,
  config: row.config,
  sealed: row.sealed,
});

/** Null when it has no credential, or cannot be reached as it is configured: then nothing is sent. */
export const reachVoice = (
  { voice }: { voice(connection: StoredConnection): VoiceProvider | null },
  org: Org,
  row: StoredRow,
): VoiceProvider | null => (row.sealed === null ? null : voice(storedConnection(org, row)));
