import { type Instant, addSeconds, daySeconds, earliest, secondsOf } from "../lib/instant.ts";
import type { AnyGate, Decision, Fix, GateAnswer, GateFault, GateMemo, GateName, GateResult, Verdict } from "./gate.ts";
import type { Snapshot } from "./snapshot.ts";

export interface DecideOptions {
  /** The gates without whose `allow` nothing is allowed. */
  readonly mandatory: readonly GateName[];
  /** What leads of one batch have in common; made by the caller, and dropped with the batch. */
  readonly batch?: Map<string, unknown>;
}

/**
 * May this person be called at the snapshot's instant? Every gate runs, whatever the others say; each sees only what it
 * reads. `allow` only when every mandatory gate allowed; any block outranks any defer; what cannot be read blocks.
 */
export function decide(gates: readonly AnyGate[], snapshot: Snapshot, options: DecideOptions): Decision {
  freeze(snapshot);
  const batch = options.batch ?? new Map<string, unknown>();
  const results = runAll(gates, snapshot, options.mandatory, batch);
  const verdict = verdictOf(results);
  const validUntil = earliest(results.map((result) => result.valid_until));
  const mintable = verdict === "allow" && isMintable(snapshot, validUntil);
  const next = nextEligible(gates, snapshot, { mandatory: options.mandatory, batch }, { verdict, results, validUntil, mintable });
  return {
    verdict,
    at: snapshot.at,
    reason_codes: results.filter((result) => result.verdict !== "allow").map((result) => result.reason_code),
    results,
    next_eligible_at: next.at,
    fix: next.fix,
    valid_until: validUntil,
    mintable,
  };
}

/** The order in which results are reported, whatever the order in which the gates were given (design: Gates). */
export const gateNames: readonly GateName[] = [
  "halt",
  "consent",
  "suppression",
  "dnc",
  "number",
  "calling_hours",
  "frequency",
  "disclosure",
  "caller_id",
  "abandonment",
  "spend",
  "capacity",
];

function runAll(
  gates: readonly AnyGate[],
  snapshot: Snapshot,
  mandatory: readonly GateName[],
  batch: Map<string, unknown>,
): GateResult[] {
  const memo: GateMemo = { decision: new Map(), batch };
  const results: GateResult[] = [];
  const seen = new Set<string>();
  for (const gate of gates) {
    if (!gateNames.includes(gate.name)) results.push(incomplete(gate.name, gate.version, "an unregistered gate"));
    else if (seen.has(gate.name)) results.push(incomplete(gate.name, gate.version, "a gate that stands in the list twice"));
    else results.push(run(gate, snapshot, memo));
    seen.add(gate.name);
  }
  for (const name of mandatory) if (!seen.has(name)) results.push(incomplete(name, 0, "a gate that is missing"));
  if (results.length === 0) results.push(incomplete("halt", 0, "no gate at all"));
  return results.toSorted((left, right) => gateNames.indexOf(left.gate) - gateNames.indexOf(right.gate));
}

function run(gate: AnyGate, snapshot: Snapshot, memo: GateMemo): GateResult {
  const frame = { gate: gate.name, gate_version: gate.version, reads: gate.reads };
  try {
    const slice: Record<string, unknown> = {};
    for (const part of gate.reads) slice[part] = snapshot[part as keyof Snapshot];
    const answer: unknown = gate.check(Object.freeze(slice), memo);
    const fault = faultIn(answer, gate, snapshot.at);
    if (fault !== null) return { ...frame, ...refusal("gate_failed", fault) };
    return { ...frame, ...(answer as GateAnswer) };
  } catch {
    // The error may carry a person's data; the record says only that the gate could not answer.
    return { ...frame, ...refusal("gate_failed", "the gate threw") };
  }
}

const incomplete = (gate: GateName, version: number, what: string): GateResult => ({
  gate,
  gate_version: version,
  reads: [],
  ...refusal("gates_incomplete", what),
});

const refusal = (reason: GateFault, what: string): GateAnswer => ({
  verdict: "block",
  reason_code: reason,
  valid_until: null,
  next_eligible_at: null,
  fix: {
    code: "report_fault",
    who: "platform",
    text: "A gate could not be asked or read, so nothing is dialed; this is a fault of the system.",
  },
  rule: null,
  details: { fault: what },
});

/** What makes an answer unreadable, or null. An unreadable answer blocks. */
function faultIn(value: unknown, gate: AnyGate, at: Instant): string | null {
  if (typeof value !== "object" || value === null) return "the answer is no object";
  const answer = value as Partial<Record<keyof GateAnswer, unknown>>;
  const { verdict, reason_code: reason, fix, rule, details } = answer;
  if (verdict !== "allow" && verdict !== "defer" && verdict !== "block") return "a verdict of no known kind";
  if (typeof reason !== "string" || !gate.reasons.includes(reason)) return "a reason that the gate does not have";
  if (!isLater(answer.valid_until, at)) return "valid_until is no later instant";
  if (!isLater(answer.next_eligible_at, at)) return "next_eligible_at is no later instant";
  if (answer.next_eligible_at !== null && verdict !== "defer") return "next_eligible_at beside a verdict that is not defer";
  if (fix !== null && !isFix(fix)) return "a fix that cannot be read";
  if (verdict === "allow" ? fix !== null : fix === null && answer.next_eligible_at === null)
    return "a refusal without fix or instant";
  if (typeof rule !== "object" || rule === undefined) return "a rule that cannot be read";
  if (typeof details !== "object" || details === null) return "details that cannot be read";
  return null;
}

/** Null, or an instant after `at`. Undefined is neither. */
function isLater(value: unknown, at: Instant): boolean {
  if (value === null) return true;
  if (typeof value !== "string" || !(value > at)) return false;
  try {
    secondsOf(value as Instant);
    return true;
  } catch {
    return false;
  }
}

function isFix(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fix = value as Partial<Record<keyof Fix, unknown>>;
  return typeof fix.code === "string" && typeof fix.who === "string" && typeof fix.text === "string";
}

function verdictOf(results: readonly GateResult[]): Verdict {
  if (results.some((result) => result.verdict === "block")) return "block";
  return results.some((result) => result.verdict === "defer") ? "defer" : "allow";
}

/** A permit ends before the earliest `valid_until`, with a margin; with too little life left none is minted. */
function isMintable(snapshot: Snapshot, validUntil: Instant | null): boolean {
  const { margin_seconds: margin, life_seconds_max: most, life_seconds_min: least } = snapshot.permit;
  if (!(margin >= 0) || !(least >= 1) || !(most >= least)) return false;
  if (validUntil === null) return true;
  return Math.min(most, secondsOf(validUntil) - margin - secondsOf(snapshot.at)) >= least;
}

interface Round {
  readonly verdict: Verdict;
  readonly results: readonly GateResult[];
  readonly validUntil: Instant | null;
  readonly mintable: boolean;
}
interface Next {
  readonly at: Instant | null;
  readonly fix: Fix | null;
}

const searchDays = 400;
/** Windows of a few seconds a day open and close once a day each; nothing sensible takes more rounds than that. */
const roundsMax = 2 * searchDays + 10;

/**
 * The first instant at which the same snapshot, with nothing but the clock moved, allows and a permit can be minted:
 * go to the latest of the deferring gates' instants, ask all gates again, until all allow. A window that is about to
 * close is left for the instant at which something changes.
 */
function nextEligible(gates: readonly AnyGate[], snapshot: Snapshot, options: Required<DecideOptions>, first: Round): Next {
  if (first.mintable) return { at: null, fix: null };
  const end = addSeconds(snapshot.at, searchDays * daySeconds);
  let round = first;
  let at = snapshot.at;
  for (let count = 0; count < roundsMax; count++) {
    if (round.verdict === "allow" && round.mintable) return { at, fix: null };
    const stuck = fixOf(round.results);
    if (stuck !== null) return { at: null, fix: stuck };
    const onward = round.verdict === "defer" ? latestOpening(round.results) : round.validUntil;
    if (onward === null || onward <= at || onward > end) return { at: null, fix: noneWithin400Days };
    at = onward;
    const moved = { ...snapshot, at };
    const results = runAll(gates, moved, options.mandatory, options.batch);
    const verdict = verdictOf(results);
    const validUntil = earliest(results.map((result) => result.valid_until));
    round = { verdict, results, validUntil, mintable: verdict === "allow" && isMintable(moved, validUntil) };
  }
  return { at: null, fix: noneWithin400Days };
}

/** A block ends the search, and so does a deferral that names no instant; its fix says what would help. */
function fixOf(results: readonly GateResult[]): Fix | null {
  const blocking =
    results.find((result) => result.verdict === "block") ??
    results.find((result) => result.verdict === "defer" && result.next_eligible_at === null);
  return blocking?.fix ?? null;
}

function latestOpening(results: readonly GateResult[]): Instant | null {
  let latest: Instant | null = null;
  for (const result of results) {
    if (result.verdict !== "defer" || result.next_eligible_at === null) continue;
    if (latest === null || result.next_eligible_at > latest) latest = result.next_eligible_at;
  }
  return latest;
}

const noneWithin400Days: Fix = {
  code: "none",
  who: "nobody",
  text: "Within 400 days there is no moment at which all gates allow for long enough to place a call; only a wider calling window of the campaign can change that.",
};

/** Deep, and cheap on what is already frozen, so that what leads share is walked once. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const key in value) freeze((value as Readonly<Record<string, unknown>>)[key]);
}
