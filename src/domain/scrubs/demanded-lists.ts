import { stateConditions } from "../../gates/rules/state-conditions.ts";

/** Beside what the law demands: a litigator list is never demanded, and binds whenever a source covers it. */
const alwaysAsked = ["litigator", "wireless"];

/** The lists to ask for a lead of these candidate states: national, its states', litigators, and those that the org added. */
export function demandedLists(states: readonly string[], added: readonly string[]): string[] {
  const demanded = new Set(["national", ...alwaysAsked, ...added]);
  for (const row of stateConditions) {
    if (
      row.gate === "dnc" &&
      row.asks.type === "dnc_list" &&
      (row.states === null || row.states.some((state) => states.includes(state)))
    ) {
      demanded.add(row.asks.list);
    }
  }
  return [...demanded].toSorted();
}

export function listKind(list: string): "do_not_call" | "litigator" | "line_type" {
  if (list === "litigator") return "litigator";
  return list === "wireless" ? "line_type" : "do_not_call";
}
