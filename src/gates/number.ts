import type { Instant } from "../lib/instant.ts";
import { type Judgement, allow, answerUntil, block } from "./answer.ts";
import { type Fix, type GateAnswer, type GateMemo, defineGate } from "./gate.ts";
import { type ConsentStanding, after, consentEdges, consentInputs, consentStanding, isSales } from "./grants.ts";
import { type ConditionRow, effectiveEdges, hasPosition, inForce, reaches, ruleRef } from "./rules/pack.ts";
import { conditionsOf } from "./rules/packs.ts";
import { protectedCodes } from "./rules/protected-codes.ts";
import type { NumberFacts, Snapshot } from "./snapshot.ts";

const refusals = [
  "number_invalid",
  "number_not_us",
  "number_not_geographic",
  "number_protected",
  "number_reassigned",
  "reassigned_unknown",
  "reassigned_check_required",
  "mobile_prohibited",
] as const;
type Refusal = (typeof refusals)[number];
const reasons = [...refusals, "number_valid", "reassigned_unchecked"] as const;
type Reason = (typeof reasons)[number];
type Facts = Pick<Snapshot, "at" | "number" | (typeof consentInputs)[number]>;

export const number = defineGate({
  name: "number",
  version: 1,
  kind: "standing",
  reads: ["at", "number", ...consentInputs],
  reasons,
  check(facts: Facts, memo?: GateMemo): GateAnswer<Reason> {
    return answerUntil<Reason>(facts.at, edgesOf(facts, memo), (at) => judge(facts, at, memo));
  },
});

/** The United States and its territories, as the numbering library names them. */
const usCountries = ["US", "PR", "VI", "GU", "AS", "MP"];
/** A "no" of the reassigned numbers database is worth 30 days: numbers age 45 before they are given anew. */
const checkDaysMax = 30;

function judge(facts: Facts, at: Instant, memo?: GateMemo): Judgement<Reason> {
  const { number: line } = facts;
  const standing = consentStanding(facts, at, memo);
  const rows = conditionsOf("number", facts.packs).filter(
    (row) => inForce(row, at) && reaches(row, facts.location.candidate_states, facts.call.technology),
  );
  const found = new Set<Refusal>(placeRefusals(line));
  const reassigned = judgeReassigned(line, standing, rows, at);
  if (reassigned !== null && reassigned !== "unchecked") found.add(reassigned);
  const ban = banOf(facts, standing, rows, at);
  if (ban !== null) found.add("mobile_prohibited");
  const details = { reasons: refusals.filter((refusal) => found.has(refusal)), library: line.library, line_type: line.line_type };
  const first = refusals.find((refusal) => found.has(refusal));
  if (first === undefined) return allow(reassigned === "unchecked" ? "reassigned_unchecked" : "number_valid", details);
  const check = rows.find((row) => row.asks.type === "reassigned_check");
  const row = first === "mobile_prohibited" ? ban : first === "reassigned_check_required" ? (check ?? null) : null;
  return block(first, fixes[first], details, row === null ? null : ruleRef(row));
}

function placeRefusals(line: NumberFacts): Refusal[] {
  const found: Refusal[] = [];
  if (line.valid !== true) found.push("number_invalid");
  if (line.country === null || !usCountries.includes(line.country)) found.push("number_not_us");
  if (line.geographic !== true) found.push("number_not_geographic");
  if (line.protected !== null || protectedCodes.includes(line.e164.replace(/^\+1?/, ""))) found.push("number_protected");
  return found;
}

/**
 * 47 CFR 64.1200(m): only a "no" about the consent's date or an earlier one protects. A "yes" says that the number
 * changed hands; then only a grant newer than that answer, with a "no" of its own, is about today's holder.
 */
function judgeReassigned(
  line: NumberFacts,
  standing: ConsentStanding,
  rows: readonly ConditionRow[],
  at: Instant,
): Refusal | "unchecked" | null {
  const { connected, checks } = line.reassigned;
  const consentedAt = standing.serving?.grant.obtained_at.earliest ?? null;
  let lastYes: Instant | null = null;
  for (const check of checks)
    if (check.answer === "yes" && (lastYes === null || check.checked_at > lastYes)) lastYes = check.checked_at;
  if (lastYes !== null) {
    const yes = lastYes;
    if (consentedAt === null || consentedAt <= yes) return "number_reassigned";
    const own = checks.filter((check) => check.answer === "no" && check.checked_at > yes && check.checked_at >= consentedAt);
    if (own.length === 0) return "number_reassigned";
    return own.some((check) => check.about <= consentedAt && isFresh(check.checked_at, at)) ? null : "reassigned_unknown";
  }
  const covering = checks.filter((check) => check.answer !== "no" || (consentedAt !== null && check.about <= consentedAt));
  if (covering.some((check) => check.answer === "no" && isFresh(check.checked_at, at))) return null;
  if (connected && covering.length > 0) return "reassigned_unknown";
  if (connected || rows.some((row) => row.asks.type === "reassigned_check")) return "reassigned_check_required";
  return "unchecked";
}

const isFresh = (checkedAt: Instant, at: Instant): boolean => checkedAt <= at && at < after(checkedAt, checkDaysMax);

/** States that close mobiles to sales calls; an unknown line is treated as one. Written consent is no unsolicited call. */
function banOf(facts: Facts, standing: ConsentStanding, rows: readonly ConditionRow[], at: Instant): ConditionRow | null {
  if (!isSales(facts.call.purpose) || facts.number.line_type === "landline" || facts.number.line_type === "voip") return null;
  if (standing.serving?.grant.basis === "pewc") return null;
  const bans = rows.filter((row) => row.asks.type === "no_call_to_mobile_without_pewc");
  return bans.find((row) => !(row.status === "contested" && hasPosition(facts.consent.positions, row.id, at))) ?? null;
}

function edgesOf(facts: Facts, memo?: GateMemo): (Instant | null)[] {
  const edges: (Instant | null)[] = [...consentEdges(facts, memo), ...effectiveEdges(conditionsOf("number", facts.packs))];
  for (const check of facts.number.reassigned.checks) edges.push(check.checked_at, after(check.checked_at, checkDaysMax));
  return edges;
}

const fixes: Readonly<Record<Refusal, Fix>> = {
  number_invalid: { code: "correct_number", who: "operator", text: "This is no valid phone number: correct it." },
  number_not_us: { code: "none", who: "nobody", text: "Only numbers of the United States and its territories are called." },
  number_not_geographic: {
    code: "correct_number",
    who: "operator",
    text: "Toll-free, premium and personal numbers are not called: give the person's own line.",
  },
  number_protected: {
    code: "none",
    who: "nobody",
    text: "Emergency, hospital, care-home and service lines are never called; no org can lift that.",
  },
  number_reassigned: {
    code: "obtain_consent",
    who: "operator",
    text: "The number has been given to somebody else since the consent: only a newer consent with a check of its own opens it.",
  },
  reassigned_unknown: {
    code: "check_reassigned_again",
    who: "operator",
    text: "The last check for reassignment is too old or gave no answer: check again.",
  },
  reassigned_check_required: {
    code: "check_reassigned",
    who: "operator",
    text: "This number must be checked against the reassigned numbers database for the date of its consent first.",
  },
  mobile_prohibited: {
    code: "obtain_written_consent",
    who: "operator",
    text: "A state of this person bars sales calls to mobiles, and an unknown line counts as one: only prior express written consent opens it.",
  },
};
