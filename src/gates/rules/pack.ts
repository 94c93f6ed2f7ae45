import type { Instant } from "../../lib/instant.ts";
import type { GateName, RuleRef } from "../gate.ts";
import type { PackId, Position, Weekday } from "../snapshot.ts";

/**
 * A rule as data. Every row carries its source, so that counsel can change it without touching code.
 * A field that nobody has filled is null; no `effective_from` = always. A `contested` row binds in full.
 */
export interface RuleSource {
  readonly id: string;
  readonly version: string;
  readonly citation: string;
  readonly quote: string | null;
  readonly address: string | null;
  readonly effective_from: Instant | null;
  readonly effective_to: Instant | null;
  readonly retrieved_at: string | null;
  readonly reviewer: string | null;
  readonly status: "in_force" | "contested" | "pending";
}

/** Local times of one day, half-open, "HH:MM"; null = no calls that day. */
export type DayWindow = { readonly from: string; readonly to: string } | null;

export interface HoursRow extends RuleSource {
  readonly kind: "hours";
  /** Null = everywhere. */
  readonly states: readonly string[] | null;
  readonly technology: "any" | "artificial";
  readonly days: Readonly<Record<Weekday, DayWindow>>;
}

/** What a state asks beside hours, and which gate asks it. */
export interface ConditionRow extends RuleSource {
  readonly kind: "condition";
  readonly gate: GateName;
  readonly states: readonly string[] | null;
  readonly technology: "any" | "artificial";
  readonly asks: Condition;
}
/** What rows share that were read with the state data and have no reviewer yet: in force for as long as is known. */
export const asRead = {
  kind: "condition",
  version: "1",
  quote: null,
  address: null,
  effective_from: null,
  effective_to: null,
  retrieved_at: "2026-11-21",
  reviewer: null,
} as const;
type Condition =
  | { readonly type: "dnc_list"; readonly list: string }
  | { readonly type: "established_business_relationship"; readonly purchase_days: number; readonly inquiry_days: number }
  | { readonly type: "consent_max_age"; readonly days: number }
  | { readonly type: "no_call_to_mobile_without_pewc" }
  | { readonly type: "reassigned_check" }
  | { readonly type: "no_call_after_person_ended" }
  | { readonly type: "cap"; readonly max: number; readonly window_hours: number };

export interface RulePack {
  readonly id: PackId;
  readonly version: string;
  readonly hours: readonly HoursRow[];
  readonly conditions: readonly ConditionRow[];
}

/** One state, district or territory, with every IANA zone in use there. */
export interface StateRow {
  readonly state: string;
  readonly name: string;
  readonly timezones: readonly string[];
}

export function ruleRef(row: RuleSource): RuleRef {
  return { id: row.id, version: row.version, citation: row.citation };
}

/** A row binds at an instant when its dates say so; what is only pending binds nobody yet. */
export function inForce(row: RuleSource, at: Instant): boolean {
  if (row.status === "pending") return false;
  return (row.effective_from === null || at >= row.effective_from) && (row.effective_to === null || at < row.effective_to);
}

/** The instants at which a row begins or ceases to bind. */
export function effectiveEdges(rows: readonly RuleSource[]): Instant[] {
  const edges: Instant[] = [];
  for (const row of rows) {
    if (row.effective_from !== null) edges.push(row.effective_from);
    if (row.effective_to !== null) edges.push(row.effective_to);
  }
  return edges;
}

/** Whether the row reaches this call: its states meet the candidates, and its technology the voice. */
export function reaches(
  row: Pick<ConditionRow, "states" | "technology">,
  candidates: readonly string[],
  technology: "artificial" | "live",
): boolean {
  if (row.technology === "artificial" && technology === "live") return false;
  return row.states === null || row.states.some((state) => candidates.includes(state));
}

/** Counsel's written position on a row, while it lasts (its end is exclusive). */
export function hasPosition(positions: readonly Position[], ruleId: string, at: Instant): boolean {
  return positions.some((position) => position.rule_id === ruleId && at >= position.from && at < position.until);
}

export function positionEdges(positions: readonly Position[]): Instant[] {
  return positions.flatMap((position) => [position.from, position.until]);
}
