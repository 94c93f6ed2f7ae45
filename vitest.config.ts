import { defineConfig } from "vitest/config";
import { HeaviestFirst } from "./test/support/heaviest-first.ts";

const common = { environment: "node", testTimeout: 30_000, hookTimeout: 60_000 } as const;

export default defineConfig({
  test: {
    fsModuleCache: false,
    sequence: { sequencer: HeaviestFirst },
    projects: [
      { test: { ...common, name: "architecture", include: ["test/architecture.test.ts", "test/readme/own-code.test.ts"] } },
      {
        test: {
          ...common,
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.postgres.test.ts", "node_modules/**"],
          maxWorkers: 2,
          // Two threads of one process that keep what they have loaded: modules once for each, Postgres' compiled code once for both.
          // A file finds no trace of the one before: no module of src holds a variable but the entry's (test/architecture.test.ts).
          pool: "threads",
          isolate: false,
          restoreMocks: true,
          unstubEnvs: true,
          globalSetup: ["test/support/hold-database.ts"],
        },
      },
      {
        test: {
          ...common,
          name: "postgres",
          include: ["test/**/*.postgres.test.ts"],
          testTimeout: 600_000,
          maxWorkers: 1,
          fileParallelism: false,
        },
      },
    ],
  },
});
