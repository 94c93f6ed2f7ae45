import type { Instant } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block } from "./answer.ts";
import { type Fix, defineGate } from "./gate.ts";
import { zipDigits } from "./location.ts";
import type { HaltFact, LocationFacts } from "./snapshot.ts";

const reasons = [
  "platform_halted",
  "org_halted",
  "seller_halted",
  "state_halted",
  "campaign_halted",
  "caller_number_halted",
  "connection_halted",
  "incident_open",
  "emergency_moratorium",
  "not_halted",
] as const;
type Reason = (typeof reasons)[number];

export const halt = defineGate({
  name: "halt",
  version: 1,
  kind: "momentary",
  reads: ["at", "halts", "location"],
  reasons,
  check(facts) {
    const covering = facts.halts.filter((fact) => covers(fact, facts.location));
    const edges = covering.flatMap((fact) => [fact.since, fact.until]);
    return answerUntil<Reason>(facts.at, edges, (at) => judge(covering, at));
  },
});

function judge(covering: readonly HaltFact[], at: Instant): Judgement<Reason> {
  const open = covering.filter((fact) => at >= fact.since && (fact.until === null || at < fact.until));
  const reason = reasons.find((candidate) => open.some((fact) => fact.reason === candidate));
  if (reason === undefined) {
    if (open.length > 0) throw new Error("a halt of no known kind");
    return allow("not_halted");
  }
  return block(reason, fixOf(reason), {
    reasons: reasons.filter((each) => open.some((fact) => fact.reason === each)),
    halts: open,
  });
}

/**
 * A halt without states and ZIPs covers all. One of a place covers who may be there: a candidate state, a ZIP that
 * begins with one of its prefixes, and whoever's state or ZIP is not known.
 */
function covers(fact: HaltFact, location: LocationFacts): boolean {
  const inState =
    fact.states === null ||
    location.candidate_states.length === 0 ||
    fact.states.some((state) => location.candidate_states.includes(state));
  if (fact.zips === null) return inState;
  const zip = zipDigits(location.zip);
  if (zip === null) return inState;
  return fact.zips.some((prefix) => zip.startsWith(prefix));
}

function fixOf(reason: Reason): Fix {
  switch (reason) {
    case "platform_halted":
      return { code: "wait_for_platform", who: "platform", text: "The platform is halted; its operator reopens it." };
    case "incident_open":
      return {
        code: "close_incident",
        who: "platform",
        text: "An incident that covers this dial is open; what its halt's note asks is done first, then who handles it closes it.",
      };
    case "emergency_moratorium":
      return { code: "none", who: "nobody", text: "A declared emergency bars solicitation in this place until it ends." };
    case "campaign_halted":
      return { code: "resume_campaign", who: "operator", text: "The campaign is not running; launch or resume it." };
    default:
      return { code: "lift_halt", who: "owner", text: "A person halted this, or a safeguard did; a person reopens it." };
  }
}
