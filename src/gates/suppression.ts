import { type Instant, addSeconds, daySeconds } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block } from "./answer.ts";
import { type Fix, type GateAnswer, type GateMemo, defineGate } from "./gate.ts";
import { consentEdges, consentInputs, consentStanding, hasLaterLift, isLiftedByGrant } from "./grants.ts";
import type { Snapshot, SuppressionFact } from "./snapshot.ts";

const reasons = ["suppressed", "stop_check_missing", "stop_check_pending", "not_suppressed"] as const;
type Reason = (typeof reasons)[number];
type Facts = Pick<Snapshot, "at" | "suppression" | (typeof consentInputs)[number]>;

export const suppression = defineGate({
  name: "suppression",
  version: 1,
  kind: "standing",
  reads: ["at", "suppression", ...consentInputs],
  reasons,
  check(facts: Facts, memo?: GateMemo): GateAnswer<Reason> {
    const overdue = stopCheckOverdueAt(facts);
    // A lift waits for a grant, whose date may yet come true; without a lift no clock ends a suppression.
    const edges = facts.suppression.suppressions.length > 0 ? [overdue, ...consentEdges(facts, memo)] : [overdue];
    return answerUntil<Reason>(facts.at, edges, (at) => judge(facts, at, memo));
  },
});

function judge(facts: Facts, at: Instant, memo?: GateMemo): Judgement<Reason> {
  const standing = facts.suppression.suppressions.filter((fact) => !isLifted(fact, facts, at, memo));
  const stopCheck = stopCheckAt(facts, at);
  const found: Reason[] = standing.length > 0 ? ["suppressed"] : [];
  if (stopCheck !== "clear") found.push(stopCheck === "missing" ? "stop_check_missing" : "stop_check_pending");
  const reason = found[0];
  if (reason === undefined) return allow("not_suppressed");
  const sources = standing.map((fact) => ({ id: fact.id, source: fact.source, recorded_at: fact.recorded_at }));
  return block(reason, fixOf(reason, standing), { reasons: found, suppressions: sources });
}

/** What the org entered itself, without the person's word, ends with the lift; a person's stop waits for a new grant of grade A. */
function isLifted(fact: SuppressionFact, facts: Facts, at: Instant, memo?: GateMemo): boolean {
  const lifts = facts.suppression.lifts;
  if (!hasLaterLift(fact.recorded_at, lifts)) return false;
  if (fact.by_org === true) return true;
  return isLiftedByGrant(fact.recorded_at, lifts, consentStanding(facts, at, memo));
}

/** A day after the call's end without result the search for a stop is missing, and a person judges. */
function stopCheckOverdueAt(facts: Facts): Instant | null {
  const { state, call_ended_at: ended } = facts.suppression.stop_check;
  return state === "pending" && ended !== null ? addSeconds(ended, daySeconds) : null;
}

function stopCheckAt(facts: Facts, at: Instant): "clear" | "pending" | "missing" {
  const { state } = facts.suppression.stop_check;
  if (state !== "clear" && state !== "pending" && state !== "missing") throw new Error("a stop check in no known state");
  const overdue = stopCheckOverdueAt(facts);
  return overdue !== null && at >= overdue ? "missing" : state;
}

function fixOf(reason: Reason, standing: readonly SuppressionFact[]): Fix {
  if (reason === "stop_check_pending") {
    return {
      code: "wait_for_stop_check",
      who: "platform",
      text: "The last call is being searched for a stop; until then the person is not called.",
    };
  }
  if (reason === "stop_check_missing") {
    return {
      code: "judge_stop_check",
      who: "compliance",
      text: "Nobody knows whether the person asked to stop in the last call: a person must judge it, clear or stop.",
    };
  }
  return standing.every((fact) => fact.by_org)
    ? {
        code: "lift_suppression",
        who: "compliance",
        text: "The org entered this suppression itself; an admin's lift with a reason ends it.",
      }
    : {
        code: "lift_and_new_consent",
        who: "compliance",
        text: "The person asked not to be called. Only an admin's lift with a reason ends that, and only once the person has given a new consent of grade A after it.",
      };
}
