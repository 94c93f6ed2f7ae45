/** The provider's side of the dial: what it was asked, what it has, and what it tells. It outlives any worker's crash. */
import type { CallReport, LookedUp, PlaceCall, Placed } from "../../src/providers/voice/contract.ts";
import type { Instant } from "../../src/lib/instant.ts";
import type { World } from "../support/world.ts";
import { uuidOf } from "../../src/lib/ids.ts";

export interface Post {
  readonly attemptId: string;
  /** What the database held at the moment of the call, as the owner sees it: committed, or not there. */
  readonly behind: { consumed: boolean; verdict: string | null; outcome: string | null; state: string | null };
}

export interface ProviderLedger {
  readonly posts: Post[];
  /** Calls that exist, by attempt; the value is what a look-up says of each. */
  readonly calls: Map<string, CallReport>;
  /** While true, look-ups do not list what exists. */
  lags: boolean;
}

/** The final word on an answered call in which nobody asked for anything. */
export const endedReport = (attemptId: string, more: Partial<CallReport> = {}): CallReport => ({
  providerCallId: `call_${attemptId}`,
  attemptId,
  status: "ended",
  disposition: "answered",
  providerReason: "agent_hangup",
  startedAt: "2026-11-18T18:00:05Z" as Instant,
  endedAt: "2026-11-18T18:00:45Z" as Instant,
  durationSeconds: 40,
  endedBy: "agent",
  neverRang: false,
  transcript: [{ role: "person", text: "Thanks, bye.", startSeconds: 1 }],
  recordingRef: "rec",
  stopRequested: false,
  final: true,
  ...more,
});

/** Makes the world's voice keep a ledger. `answer` says what comes back once the provider has (or has not) placed the call. */
export function keepLedger(
  world: World,
  answer: (call: PlaceCall, accept: () => Placed) => Promise<Placed> | Placed = (_call, accept) => accept(),
): ProviderLedger {
  const ledger: ProviderLedger = { posts: [], calls: new Map(), lags: false };
  world.voice.script.place = async (call) => {
    const [behind] = await world.sql<Post["behind"]>(
      `select p.consumed_at is not null as consumed, d.verdict, d.outcome, a.state from dial_attempts a
         left join permits p on p.org_id = a.org_id and p.attempt_id = a.id
         left join decisions d on d.org_id = a.org_id and d.id = a.decision_id
         where a.org_id = $1 and a.id = $2`,
      [world.orgId, uuidOf("attempt", call.attemptId)],
    );
    ledger.posts.push({
      attemptId: call.attemptId,
      behind: behind ?? { consumed: false, verdict: null, outcome: null, state: null },
    });
    return answer(call, () => {
      ledger.calls.set(call.attemptId, endedReport(call.attemptId));
      return { kind: "accepted", providerCallId: `call_${call.attemptId}` };
    });
  };
  world.voice.script.lookup = (id): LookedUp => {
    const report = ledger.calls.get(id.replace(/^call_/, ""));
    return report === undefined || ledger.lags ? { kind: "absent" } : { kind: "found", report };
  };
  return ledger;
}
