import type { GateName, GateResult } from "../../gates/gate.ts";
import { gates } from "../../gates/registry.ts";

/**
 * A decision's results as they are stored: what a gate said, without the fields that are empty and without the names of
 * the parts it read, which its version fixes. Stored once for every decision, so bytes count.
 */
export function storeResults(results: readonly GateResult[]): string {
  return JSON.stringify(results.map(storedResult));
}

/** JSON leaves out what is undefined. */
const storedResult = (result: GateResult) => ({
  gate: result.gate,
  gate_version: result.gate_version,
  verdict: result.verdict,
  reason_code: result.reason_code,
  valid_until: result.valid_until ?? undefined,
  next_eligible_at: result.next_eligible_at ?? undefined,
  fix: result.fix ?? undefined,
  rule: result.rule ?? undefined,
  details: isEmpty(result.details) ? undefined : result.details,
});

/** The results whole again. */
export function restoreResults(text: string): GateResult[] {
  const stored = JSON.parse(text) as (Partial<GateResult> &
    Pick<GateResult, "gate" | "gate_version" | "verdict" | "reason_code">)[];
  return stored.map((result) => ({
    valid_until: null,
    next_eligible_at: null,
    fix: null,
    rule: null,
    details: {},
    ...result,
    reads: readsOf.get(result.gate) ?? [],
  }));
}

const readsOf: ReadonlyMap<GateName, GateResult["reads"]> = new Map(gates.map((gate) => [gate.name, gate.reads]));

function isEmpty(details: Readonly<Record<string, unknown>>): boolean {
  for (const _ in details) return false;
  return true;
}
