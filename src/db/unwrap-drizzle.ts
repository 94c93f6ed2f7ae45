import { DrizzleQueryError } from "drizzle-orm";

/**
 * drizzle wraps whatever its transport throws into an error whose message, query and params carry bound values.
 * What the transport threw holds none, and is what leaves.
 */
export async function unwrapDrizzle<R>(work: PromiseLike<R>): Promise<R> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof DrizzleQueryError) throw thrown.cause ?? new Error("a database statement failed");
    throw thrown;
  }
}
