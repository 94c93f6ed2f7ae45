import type { Instant } from "../lib/instant.ts";
import type { Fix, GateAnswer, RuleRef } from "./gate.ts";

/** A gate's answer at one instant, before it is known until when it holds. */
export type Judgement<Reason extends string> = Omit<GateAnswer<Reason>, "valid_until">;

type Details = Readonly<Record<string, unknown>>;

export function allow<Reason extends string>(
  reason: Reason,
  details: Details = {},
  rule: RuleRef | null = null,
): Judgement<Reason> {
  return { verdict: "allow", reason_code: reason, next_eligible_at: null, fix: null, rule, details };
}

export function block<Reason extends string>(
  reason: Reason,
  fix: Fix,
  details: Details = {},
  rule: RuleRef | null = null,
): Judgement<Reason> {
  return { verdict: "block", reason_code: reason, next_eligible_at: null, fix, rule, details };
}

/** A deferral names its instant, or the fix where the clock promises none. */
export function defer<Reason extends string>(
  reason: Reason,
  opens: Instant | Fix,
  details: Details = {},
  rule: RuleRef | null = null,
): Judgement<Reason> {
  const next = typeof opens === "string" ? opens : null;
  return {
    verdict: "defer",
    reason_code: reason,
    next_eligible_at: next,
    fix: typeof opens === "string" ? null : opens,
    rule,
    details,
  };
}

/** More instants than any person's facts hold; beyond it the answer is said to hold only until the last one looked at. */
const edgesMax = 10_000;

/**
 * The answer at `at`, and the first of the `edges` at which the same facts answer otherwise. `edges` are all instants
 * at which something in the facts begins or ends; the judge is asked again at each, so what is found is exact.
 */
export function answerUntil<Reason extends string>(
  at: Instant,
  edges: readonly (Instant | null)[],
  judge: (at: Instant) => Judgement<Reason>,
): GateAnswer<Reason> {
  const now = judge(at);
  const ahead = [...new Set(edges)].filter((edge): edge is Instant => edge !== null && edge > at).toSorted();
  for (const edge of ahead.slice(0, edgesMax)) {
    const then = judge(edge);
    if (then.verdict !== now.verdict || then.reason_code !== now.reason_code) return { ...now, valid_until: edge };
  }
  return { ...now, valid_until: ahead.length > edgesMax ? (ahead[edgesMax - 1] ?? null) : null };
}
