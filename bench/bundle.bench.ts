/** What a deployment uploads, and what a read costs: the sizes and counts that have no time in them. */
import { findImport } from "../src/domain/imports/find-imports.ts";
import type { BenchContext } from "./bench.ts";
import { bundleBytes, bundles, kilobyte } from "./bundle-size.ts";
import { newId, openBenchDatabase, openHouse } from "./house.ts";
import { pgTransport } from "./pg-transport.ts";

export const name = "bundle";

export async function run({ figure }: BenchContext): Promise<void> {
  for (const { entry, what, kilobytesMax } of bundles)
    figure({
      case: `${what} (${entry})`,
      n: 1,
      values: [(await bundleBytes(entry)) / kilobyte],
      unit: "kB gzip",
      atMost: kilobytesMax,
    });
  const { db, close } = await openBenchDatabase();
  const transport = pgTransport(db.connectionString, 1);
  try {
    const { org } = await openHouse(transport);
    transport.roundTrips = 0;
    await findImport(org, newId());
    figure({
      case: "a read of an org",
      n: 1,
      values: [transport.roundTrips],
      unit: "database requests",
      atMost: 1,
      roundTrips: transport.roundTrips,
    });
  } finally {
    await transport.close();
    await close();
  }
}
