/** How fast this machine is at this moment, in two plain loops: before and after, so that a burst of a neighbour's is seen. */
import { createHash } from "node:crypto";
import type pg from "pg";

export interface Calibration {
  readonly sha256_per_second: number;
  readonly select_one_per_second: number;
}

export async function calibrate(client: pg.Client): Promise<Calibration> {
  return { sha256_per_second: hashes(), select_one_per_second: await selects(client) };
}

/** The larger of the two loops' changes, as a factor of at least one. */
export function drift(before: Calibration, after: Calibration): number {
  const factor = (one: number, other: number): number => Math.max(one / other, other / one);
  return Math.max(
    factor(before.sha256_per_second, after.sha256_per_second),
    factor(before.select_one_per_second, after.select_one_per_second),
  );
}

const hashCount = 100_000;
function hashes(): number {
  const block = Buffer.alloc(256, 7);
  const began = performance.now();
  for (let index = 0; index < hashCount; index += 1) createHash("sha256").update(block).digest();
  return Math.round((hashCount * 1000) / (performance.now() - began));
}

const selectCount = 2_000;
async function selects(client: pg.Client): Promise<number> {
  const began = performance.now();
  for (let index = 0; index < selectCount; index += 1) await client.query("select 1");
  return Math.round((selectCount * 1000) / (performance.now() - began));
}
