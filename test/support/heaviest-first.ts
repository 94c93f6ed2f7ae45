import { existsSync } from "node:fs";
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files of many seconds, each of which would hold up a whole run that came to it last. Vitest knows how long a file took once
 * it has run on this machine; on a new one it goes by the size of the file.
 */
const heaviest = [
  "test/hostile/bad-input.test.ts",
  "test/isolation/matrix.test.ts",
  "test/isolation/walls.test.ts",
  "test/readme/readme.test.ts",
  "test/hostile/webhooks.test.ts",
  "test/dispatch/crash.test.ts",
  "test/http/rate-limits.workerd.test.ts",
  "test/http/workerd.test.ts",
  "test/http/addresses.test.ts",
  "test/dispatch/report-orders.test.ts",
  "test/dispatch/requests.test.ts",
];

export class HeaviestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const missing = heaviest.filter((file) => !existsSync(`${root}/${file}`));
    if (missing.length > 0) throw new Error(`test/support/heaviest-first.ts names files that are gone: ${missing.join(", ")}`);
    const place = ({ moduleId }: TestSpecification): number => {
      const at = heaviest.indexOf(relative(root, moduleId));
      return at === -1 ? heaviest.length : at;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's, which answers a list of its own
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => place(one) - place(other));
  }
}
