import { numberHasher } from "../../src/lib/number-hash.ts";

/** What the workers of the tests hash numbers with, and say that they hold. */
export const testNumbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
export const testPeppers: string = testNumbers.held;
