import type { OrgDb } from "../db/org-db.ts";
import { type ConsumedRow, consumePermit, recordAnswer } from "../db/queries/dispatch.ts";
import { rowsOf } from "../db/transport.ts";
import { reachVoice } from "../domain/connections/reach-voice.ts";
import { publicId } from "../lib/ids.ts";
import { addSeconds, secondsOf } from "../lib/instant.ts";
import type { Placed } from "../providers/voice/contract.ts";
import type { DispatchDeps } from "./deps.ts";
import type { Permit } from "./record.ts";

/** What became of a permit. `cancelled`, `expired`: nothing left the building. */
export type PlaceOutcome = "placed" | "unknown" | "refused" | "failed_no_call" | "cancelled" | "expired" | "not_permitted";

/** The provider said that it has no room, or that we were too fast: asked again, soon, as a new decision. */
const retryAfterSeconds = 60;
/** The connection is at fault and not the lead: asked again once someone can have mended it. */
const retryAfterFaultSeconds = 3_600;

/**
 * Waits for the permit's token, consumes the permit, and calls the provider once. Between the two commits that surround
 * the call no transaction is open; a crash there leaves `dialing`, which is looked up and never dialed again.
 */
export async function place(deps: DispatchDeps, org: OrgDb, permit: Permit): Promise<PlaceOutcome> {
  await waitForToken(deps, permit.slotAt);
  const { asked, bound, consumed } = await consume(deps, org, permit.attemptId);
  if (consumed === undefined) return "not_permitted";
  if (consumed.state !== "dialing")
    return consumed.state === "expired" || consumed.state === "cancelled" ? consumed.state : "not_permitted";
  // Whoever slept between the permit and the call must not dial on yesterday's word (a whole second counts as two).
  const stalled = secondsOf(deps.now()) - asked + 1 > consumed.expires_in;
  const answer: Placed = stalled
    ? { kind: "failed_no_call", reason: "stalled" }
    : await callOnce(deps, bound, permit.attemptId, consumed);
  const wait = retrySeconds(answer);
  const retryAt = wait === null ? null : addSeconds(bound.now, wait);
  await org.changeInOneRequest(
    [
      {
        action: "attempt.answered",
        subject: publicId("attempt", permit.attemptId),
        facts: { answer: answer.kind, reason: reasonOf(answer) },
      },
    ],
    recordAnswer(
      permit.attemptId,
      answer.kind,
      reasonOf(answer),
      answer.kind === "accepted" ? answer.providerCallId : null,
      retryAt,
    ),
  );
  return answer.kind === "accepted" ? "placed" : answer.kind;
}

/** Its instant is kept, so that the second time is the last unless the clocks differ. */
const consumesMax = 10;

/** Uses the permit up once the connection lets a call leave: whoever was held up does not leave beside the next. */
async function consume(deps: DispatchDeps, org: OrgDb, attemptId: string) {
  for (let time = 1; ; time++) {
    const asked = secondsOf(deps.now());
    const { bound, answers } = await org.query(consumePermit(attemptId));
    const [consumed] = rowsOf<ConsumedRow>(answers[0] ?? { columns: [], rows: [] });
    if (consumed?.state !== "early" || time === consumesMax) return { asked, bound, consumed };
    await deps.sleep(Math.ceil(consumed.wait_ms ?? 0));
  }
}

async function waitForToken(deps: DispatchDeps, slotAt: string): Promise<void> {
  const waitMs = Date.parse(slotAt) - deps.milliseconds();
  if (waitMs > 0) await deps.sleep(Math.min(waitMs, 60_000));
}

async function callOnce(
  deps: DispatchDeps,
  org: { orgId: string; livemode: boolean },
  attemptId: string,
  consumed: ConsumedRow,
): Promise<Placed> {
  const provider = reachVoice(deps, org, consumed);
  if (provider === null) return { kind: "failed_no_call", reason: "connection_unreachable" };
  return provider.place({
    attemptId: publicId("attempt", attemptId),
    toNumber: consumed.e164,
    fromNumber: consumed.from_number,
    ringSeconds: consumed.ring_seconds,
    variables: allowedVariables(consumed),
    recordingEnabled: consumed.keep_recordings,
  });
}

/** The campaign's allow-list, applied where the call is made: what is not named does not leave. */
function allowedVariables({ variables, fields }: ConsumedRow): Record<string, string> {
  const allowed: Record<string, string> = {};
  for (const name of variables) {
    const value = Object.hasOwn(fields, name) ? fields[name] : null;
    if (value != null && value !== "") allowed[name] = value;
  }
  return allowed;
}

const reasonOf = (answer: Placed): string | null => (answer.kind === "accepted" ? null : answer.reason);
/** Null where the number is what was refused: every other refusal is the connection's or the moment's, and a person can end it. */
function retrySeconds(answer: Placed): number | null {
  if (answer.kind === "failed_no_call") return answer.reason === "stalled" ? retryAfterSeconds : retryAfterFaultSeconds;
  if (answer.kind !== "refused") return null;
  if (answer.reason === "no_capacity" || answer.reason === "rate_limited") return retryAfterSeconds;
  return answer.reason === "invalid_number" ? null : retryAfterFaultSeconds;
}
