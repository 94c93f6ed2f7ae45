import type { SystemDb } from "../db/system-db.ts";
import type { SnapshotDesk } from "../domain/decisions/snapshot.ts";
import type { Instant } from "../lib/instant.ts";
import type { StoredConnection } from "../providers/registry.ts";
import type { VoiceProvider } from "../providers/voice/contract.ts";

/** What the dial takes from outside. Plain values, built once an invocation. */
export interface DispatchDeps {
  readonly system: SystemDb;
  /** The real clock; the org's comes from its binding. */
  readonly now: () => Instant;
  /** The same clock, finer: tokens come up several a second. */
  readonly milliseconds: () => number;
  readonly newId: () => string;
  readonly desk: SnapshotDesk;
  /** Null when the connection cannot be reached as it is configured: then no call is made. */
  readonly voice: (connection: StoredConnection) => VoiceProvider | null;
  /** Asks for the org's calls to be looked after again, this many seconds from now. The tick is the net under it. */
  readonly lookLater: (orgId: string, seconds: number) => Promise<void>;
  /** Waits on the real clock; the only waiting that dispatch does is for its reserved token. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}
