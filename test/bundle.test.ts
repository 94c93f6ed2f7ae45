import { expect, test } from "vitest";
import { bundleBytes, bundles, kilobyte } from "../bench/bundle-size.ts";

test.each(bundles)("$entry: at most $kilobytesMax kB gzip", async ({ entry, what, kilobytesMax }) => {
  const bytes = await bundleBytes(entry);
  console.log(`${what}: ${Math.ceil(bytes / kilobyte)} kB gzip of ${kilobytesMax}`);
  // An empty bundle would be within any limit.
  expect(bytes).toBeGreaterThan(5 * kilobyte);
  expect(bytes).toBeLessThanOrEqual(kilobytesMax * kilobyte);
});
