import { setFlagsFromString } from "node:v8";
import { startPglite } from "../../dev/database/pglite.ts";

/**
 * Once for a whole run: the migrated database is made before two files make it at once, and one stays open. Workers are threads
 * of this process, which keeps Postgres' code, compiled and optimised for any of them, as long as someone holds it.
 */
export default async function holdDatabase(): Promise<() => Promise<void>> {
  // V8 13.6 once ended the process with a failed check (`jit_page_->allocations_.erase`) where it gave up code that threads share.
  setFlagsFromString("--no-wasm-code-gc");
  const database = await startPglite();
  return database.close;
}
