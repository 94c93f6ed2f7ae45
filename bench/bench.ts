/** What a benchmark is to the runner: a name, and work that reports figures. */
export interface Figure {
  readonly case: string;
  /** Rows, leads or calls that the case is about. */
  readonly n: number;
  /** One a round, or one where nothing varies. */
  readonly values: readonly number[];
  /** "ratio" where each value is the share of the peer's, measured beside it in the same round. */
  readonly unit: string;
  readonly peer?: string;
  /** Hoped for: at least this, of the median. */
  readonly aim?: number;
  /** Asserted of the median, so wide that a neighbour's load does not move it past. */
  readonly atLeast?: number;
  /** Asserted of every value: counts and bytes. */
  readonly atMost?: number;
  readonly roundTrips?: number;
  readonly blocksPerOp?: number;
  /** How it was measured, where the name does not say. */
  readonly note?: string;
}

export interface BenchContext {
  /** Small sizes, for CI. */
  readonly smoke: boolean;
  /** The release's sizes: up to a million. */
  readonly full: boolean;
  figure(figure: Figure): void;
}
export interface Bench {
  readonly name: string;
  run(context: BenchContext): Promise<void>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** False when an asserted figure is not met. */
export function holds({ values, atLeast, atMost }: Figure): boolean {
  if (values.length === 0) return false;
  if (atLeast !== undefined && !(median(values) >= atLeast)) return false;
  return atMost === undefined || values.every((value) => value <= atMost);
}
