import { type Instant, type Seconds, addSeconds, daySeconds, instantOf, secondsOf } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block, defer } from "./answer.ts";
import { type Fix, type GateAnswer, type RuleRef, defineGate } from "./gate.ts";
import { localMoment, startOfLocalDay, zoneSteps } from "./local-clock.ts";
import { zonesOf } from "./location.ts";
import { type ConditionRow, effectiveEdges, inForce, reaches, ruleRef } from "./rules/pack.ts";
import { conditionsOf } from "./rules/packs.ts";
import type { CountedAttempt, Snapshot } from "./snapshot.ts";

const reasons = [
  "retry_budget_spent",
  "ended_by_person",
  "cap_reached",
  "conversation_cooldown",
  "recall_gap",
  "within_caps",
] as const;
type Reason = (typeof reasons)[number];
type Facts = Pick<Snapshot, "at" | "packs" | "call" | "location" | "zones" | "frequency">;

export const frequency = defineGate({
  name: "frequency",
  version: 1,
  kind: "momentary",
  reads: ["at", "packs", "call", "location", "zones", "frequency"],
  reasons,
  check(facts: Facts): GateAnswer<Reason> {
    const rows = conditionsOf("frequency", facts.packs).filter((row) =>
      reaches(row, facts.location.candidate_states, facts.call.technology),
    );
    const limits = limitsOf(facts, rows);
    const edges = [...limits.map((limit) => limit.opens), ...effectiveEdges(rows)];
    return answerUntil<Reason>(facts.at, edges, (at) => judge(facts, rows, limits, at));
  },
});

/** Regulation F, 12 CFR 1006.14(b)(2): not more than seven calls within seven days, none within seven days after a conversation. */
const collectionCap = { max: 7, window_hours: 168 };
const collectionRule: RuleRef = { id: "reg-f/frequency", version: "1", citation: "12 CFR 1006.14(b)" };
const cooldownDays = 7;

/** Something that is closed until an instant; null = the clock alone never opens it. */
interface Limit {
  readonly reason: Extract<Reason, "cap_reached" | "conversation_cooldown" | "recall_gap">;
  readonly opens: Instant | null;
  readonly rule: RuleRef | null;
  /** The state's row, which may begin or cease to bind. */
  readonly row: ConditionRow | null;
  readonly what: Readonly<Record<string, unknown>>;
}

function judge(facts: Facts, rows: readonly ConditionRow[], limits: readonly Limit[], at: Instant): Judgement<Reason> {
  const { frequency: counted } = facts;
  const binding = limits.filter((limit) => limit.row === null || inForce(limit.row, at));
  const closed = binding.filter((limit) => limit.opens === null || at < limit.opens);
  const found = new Set<Reason>(closed.map((limit) => limit.reason));
  // Written so that a count that is no number is never room.
  if (!(counted.attempts_spent < counted.attempts_max)) found.add("retry_budget_spent");
  const ended = endedRow(counted.attempts, rows, at);
  if (ended !== null) found.add("ended_by_person");
  const details = {
    reasons: reasons.filter((reason) => found.has(reason)),
    counted: counted.attempts.length,
    limits: closed.map(shown),
  };
  const first = reasons.find((reason) => found.has(reason));
  if (first === undefined) return allow("within_caps", details);
  if (first === "retry_budget_spent") return block(first, budgetSpent, details);
  if (first === "ended_by_person") return block(first, personEnded, details, ended === null ? null : ruleRef(ended));
  const rule = closed.find((limit) => limit.reason === first)?.rule ?? null;
  const opens = latest(closed);
  return defer(first, opens ?? capOfNone, details, rule);
}

const shown = (limit: Limit) => ({ reason: limit.reason, opens: limit.opens, ...limit.what });

/** What is open stays open: time only takes attempts out of a window, so the last to open is the answer. */
function latest(closed: readonly Limit[]): Instant | null {
  let found: Instant | null = null;
  for (const limit of closed) {
    if (limit.opens === null) return null;
    if (found === null || limit.opens > found) found = limit.opens;
  }
  return found;
}

function limitsOf(facts: Facts, rows: readonly ConditionRow[]): Limit[] {
  const newestFirst = facts.frequency.attempts
    .map((attempt) => attempt.at)
    .toSorted()
    .toReversed();
  const limits: Limit[] = facts.frequency.org_caps.map((cap) => capLimit(cap, newestFirst, null, null));
  for (const row of rows) {
    if (row.asks.type === "cap") limits.push(capLimit(row.asks, newestFirst, ruleRef(row), row));
  }
  if (facts.call.debt_collection) {
    limits.push(capLimit(collectionCap, newestFirst, collectionRule, null));
    const cooldown = cooldownLimit(facts);
    if (cooldown !== null) limits.push(cooldown);
  }
  const gap = recallLimit(facts, newestFirst[0] ?? null);
  if (gap !== null) limits.push(gap);
  return limits;
}

/** A rolling window: an attempt exactly as old as the window still counts, and leaves one second later. */
function capLimit(
  cap: { readonly max: number; readonly window_hours: number },
  newestFirst: readonly Instant[],
  rule: RuleRef | null,
  row: ConditionRow | null,
): Limit {
  const { max, window_hours: hours } = cap;
  const what = { max, window_hours: hours };
  if (!Number.isInteger(max) || max < 0 || !(hours > 0)) throw new RangeError("a cap that is no cap");
  if (max === 0) return { reason: "cap_reached", opens: null, rule, row, what };
  const filling = newestFirst[max - 1];
  // Long open: nothing fills the window.
  const opens = filling === undefined ? neverClosed : addSeconds(filling, hours * 3600 + 1);
  return { reason: "cap_reached", opens, rule, row, what };
}
const neverClosed = instantOf(0);

/**
 * None before the eighth calendar day, in every candidate zone, after a conversation whose day is the first. The zone
 * tables reach ten days back; an older conversation is over in every zone on earth.
 */
function cooldownLimit(facts: Facts): Limit | null {
  let opens: Seconds | null = null;
  const zones = zonesOf(facts.location.candidate_states).map((name) => zoneSteps(facts.zones, name));
  for (const attempt of facts.frequency.attempts) {
    if (attempt.conversation_at === null) continue;
    const spoken = secondsOf(attempt.conversation_at);
    if (secondsOf(facts.at) - spoken > (cooldownDays + 2) * daySeconds) continue;
    // Where nobody knows the zone, the eighth day has begun everywhere once seven whole days have passed.
    if (zones.length === 0) opens = Math.max(opens ?? 0, spoken + cooldownDays * daySeconds);
    for (const zone of zones) {
      const eighth = startOfLocalDay(zone, localMoment(zone, spoken).day + cooldownDays, spoken);
      if (opens === null || eighth > opens) opens = eighth;
    }
  }
  if (opens === null) return null;
  return { reason: "conversation_cooldown", opens: instantOf(opens), rule: collectionRule, row: null, what: {} };
}

/** The org's own pause between two attempts. A call-back time that the person asked for, after the last attempt, lifts this and nothing else. */
function recallLimit(facts: Facts, last: Instant | null): Limit | null {
  const { recall_gap_seconds: gap, callback_at: callback } = facts.frequency;
  if (!(gap >= 0)) throw new RangeError("a re-call gap that is no gap");
  if (last === null || gap === 0) return null;
  const over = addSeconds(last, gap);
  const opens = callback !== null && callback > last && callback < over ? callback : over;
  return { reason: "recall_gap", opens, rule: null, row: null, what: { recall_gap_seconds: gap } };
}

/** NV, artificial voice: none after a call that the person ended; unknown who ended it counts as the person. */
function endedRow(attempts: readonly CountedAttempt[], rows: readonly ConditionRow[], at: Instant): ConditionRow | null {
  const row = rows.find((each) => each.asks.type === "no_call_after_person_ended" && inForce(each, at));
  if (row === undefined) return null;
  return attempts.some((attempt) => !othersEnded.includes(attempt.ended_by)) ? row : null;
}

const othersEnded: readonly CountedAttempt["ended_by"][] = ["agent", "not_connected", "not_ended"];

const budgetSpent: Fix = {
  code: "raise_retry_budget",
  who: "operator",
  text: "The lead's attempts are spent, across all campaigns: raise the retry budget of its policy, or leave the person alone.",
};
const personEnded: Fix = {
  code: "none",
  who: "person",
  text: "The person ended an earlier call, and a state of theirs bars another one by an artificial voice; only the person can ask for it.",
};
const capOfNone: Fix = { code: "raise_limit", who: "owner", text: "The org's own cap allows no call at all: raise it." };
