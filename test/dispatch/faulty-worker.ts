/** A worker process that can be made to fail at one of its writes, in the three ways in which a write can fail. */
import type { Answer, Statement, Transport } from "../../src/db/transport.ts";

/**
 * `not applied`: the request never arrived. `applied but errored`: it committed and its answer was lost; the worker goes
 * on. `crash after`: it committed, and the worker did nothing ever again.
 */
export const outcomes = ["not applied", "applied but errored", "crash after"] as const;
export type FaultOutcome = (typeof outcomes)[number];

export interface FaultyWorker {
  readonly transport: (inner: Transport) => Transport;
  /** The undecorated transport: another process. */
  readonly other: () => Transport;
  readonly crashed: () => boolean;
  /** How often the fault struck. */
  readonly struck: () => number;
  /** Fails the next request (or transaction) that holds a statement of this name. */
  arm(statement: string, outcome: FaultOutcome): void;
  /** Nothing that this process asks is carried out any more. */
  crash(): void;
}

export class Crashed extends Error {
  override readonly name = "Crashed";
}
class Lost extends Error {
  override readonly name = "Lost";
}

export function faultyWorker(): FaultyWorker {
  let inner: Transport | undefined;
  let dead = false;
  let struck = 0;
  let armed: { statement: string; outcome: FaultOutcome } | null = null;
  const take = (statements: readonly Statement[]): FaultOutcome | null => {
    if (armed === null || !statements.some(({ name }) => name === armed?.statement)) return null;
    const { outcome } = armed;
    armed = null;
    struck += 1;
    return outcome;
  };
  const guarded = async <R>(statements: readonly Statement[], send: () => Promise<R>): Promise<R> => {
    if (dead) throw new Crashed("this process is dead");
    const outcome = take(statements);
    if (outcome === "not applied") throw new Lost("the request never arrived");
    const answer = await send();
    if (outcome === "applied but errored") throw new Lost("the answer was lost");
    if (outcome === "crash after") dead = true;
    if (dead) throw new Crashed("this process is dead");
    return answer;
  };
  return {
    transport: (real) => {
      inner = real;
      return {
        batch: (statements) => guarded(statements, (): Promise<Answer[]> => real.batch(statements)),
        transaction: (work) => guarded([], () => real.transaction(work)),
      };
    },
    other: () => {
      if (inner === undefined) throw new Error("no transport was decorated");
      return inner;
    },
    crashed: () => dead,
    struck: () => struck,
    arm: (statement, outcome) => {
      armed = { statement, outcome };
    },
    crash: () => {
      dead = true;
    },
  };
}
