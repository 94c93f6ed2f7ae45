import { startPglite } from "../../dev/database/pglite.ts";

/**
 * Once for a whole run: the migrated database is made before two files make it at once, and one stays open. Workers are threads
 * of this process, which keeps Postgres' code, compiled and optimised for any of them, as long as someone holds it.
 */
export default async function holdDatabase(): Promise<() => Promise<void>> {
  const database = await startPglite();
  return database.close;
}
