import { allow, defer } from "./answer.ts";
import { type Fix, type GateAnswer, defineGate } from "./gate.ts";
import type { CapacityFacts } from "./snapshot.ts";

const reasons = [
  "org_concurrency",
  "campaign_concurrency",
  "provider_concurrency",
  "calls_per_second",
  "person_busy",
  "capacity_free",
] as const;
type Reason = (typeof reasons)[number];

/** Capacity promises no time: what frees a slot is not the clock, so there is no next instant and no `valid_until`. */
export const capacity = defineGate({
  name: "capacity",
  version: 1,
  kind: "momentary",
  reads: ["capacity"],
  reasons,
  check({ capacity: facts }): GateAnswer<Reason> {
    const found = reasonsOf(facts);
    const reason = found[0];
    if (reason === undefined) return { ...allow<Reason>("capacity_free"), valid_until: null };
    return { ...defer<Reason>(reason, fixOf(reason), { reasons: found }), valid_until: null };
  },
});

/** Written so that a count that is no number is never room. */
function reasonsOf(facts: CapacityFacts): Reason[] {
  const found: Reason[] = [];
  if (!(facts.org_free >= 1)) found.push("org_concurrency");
  if (!(facts.campaign_free >= 1)) found.push("campaign_concurrency");
  if (!(facts.provider_free >= 1)) found.push("provider_concurrency");
  if (facts.token_free !== true) found.push("calls_per_second");
  if (facts.person_busy !== false) found.push("person_busy");
  return found;
}

function fixOf(reason: Reason): Fix {
  const text =
    reason === "person_busy"
      ? "A call or a hold for this person is live; it is tried again once that has ended."
      : "All slots of this limit are in use; it is tried again when one is free, or raise the limit.";
  return { code: "raise_limit", who: "owner", text };
}
