import type { Stack } from "../../dev/stack.ts";

/** The worker in workerd that several suites share: starting one takes as long as any of them. */
export interface InWorkerd {
  readonly stack: Stack;
  /** What it has written since the suite began. */
  log(): readonly string[];
}
