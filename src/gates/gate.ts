import type { Instant } from "../lib/instant.ts";
import type { Snapshot } from "./snapshot.ts";

export type Verdict = "allow" | "defer" | "block";

/** Who can do what about a refusal. `none` only where the law or the person leaves nothing to do; the text says so. */
export interface Fix {
  readonly code: string;
  readonly who: "operator" | "compliance" | "owner" | "platform" | "person" | "nobody";
  readonly text: string;
}

export interface RuleRef {
  readonly id: string;
  readonly version: string;
  readonly citation: string;
}

/**
 * What a gate says of its slice of the snapshot.
 * `valid_until`: the first instant at which the same facts, with nothing but the clock moved, would answer otherwise.
 * `next_eligible_at`: only with `defer`, the first second at which this gate alone allows.
 */
export interface GateAnswer<Reason extends string = string> {
  readonly verdict: Verdict;
  readonly reason_code: Reason | GateFault;
  readonly valid_until: Instant | null;
  readonly next_eligible_at: Instant | null;
  readonly fix: Fix | null;
  readonly rule: RuleRef | null;
  /** What the gate worked out, beside its inputs: every reason that applies, each zone's answer, the counted attempts. */
  readonly details: Readonly<Record<string, unknown>>;
}
/** Both belong to every gate's union. */
export type GateFault = "gates_incomplete" | "gate_failed";

export type GateName =
  | "halt"
  | "consent"
  | "suppression"
  | "dnc"
  | "number"
  | "calling_hours"
  | "frequency"
  | "disclosure"
  | "caller_id"
  | "abandonment"
  | "spend"
  | "capacity";

export interface Gate<Reads extends keyof Snapshot = keyof Snapshot, Reason extends string = string> {
  readonly name: GateName;
  /** A gate whose behaviour changes gets a new version; a recorded decision names the one it ran. */
  readonly version: number;
  /** Standing answers change with their facts; momentary ones with the clock and the load. */
  readonly kind: "standing" | "momentary";
  readonly reads: readonly Reads[];
  /** The closed union of its reasons, in the order in which the first that applies is reported. */
  readonly reasons: readonly Reason[];
  check(facts: Pick<Snapshot, Reads>, memo?: GateMemo): GateAnswer<Reason>;
}

/** Work that gates share. An answer is the same with and without; nothing is kept beyond the batch that made the memo. */
export interface GateMemo {
  /** For one decision: what several gates derive from the same facts. */
  readonly decision: Map<string, unknown>;
  /** For a batch: what many leads have in common, keyed by all of its inputs. */
  readonly batch: Map<string, unknown>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a list of gates with different reads has no narrower type
export type AnyGate = Gate<any, any>;

export function defineGate<const Reads extends keyof Snapshot, const Reason extends string>(
  gate: Gate<Reads, Reason>,
): Gate<Reads, Reason> {
  return gate;
}

export interface GateResult extends GateAnswer {
  readonly gate: GateName;
  readonly gate_version: number;
  /** The names of the snapshot's parts that the gate saw: the evidence is the snapshot itself, stored once. */
  readonly reads: readonly (keyof Snapshot)[];
}

/** Why no permit was minted although every gate may have allowed. */
export type Outcome = "permitted" | "refused" | "window_closing" | "person_busy" | "facts_changed";

export interface Decision {
  readonly verdict: Verdict;
  readonly at: Instant;
  /** In the order of the gates; `reason_codes` are those of the gates that did not allow. */
  readonly reason_codes: readonly string[];
  readonly results: readonly GateResult[];
  /** The first instant at which the same snapshot, with nothing but the clock moved, allows and a permit can be minted. */
  readonly next_eligible_at: Instant | null;
  readonly fix: Fix | null;
  /** The earliest `valid_until` of all gates: the permitted window ends there. */
  readonly valid_until: Instant | null;
  /** True when a permit with enough life could be minted at `at`. */
  readonly mintable: boolean;
}
