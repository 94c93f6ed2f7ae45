import { defineConfig } from "vitest/config";

const common = { environment: "node", testTimeout: 30_000, hookTimeout: 60_000 } as const;

export default defineConfig({
  test: {
    fsModuleCache: false,
    projects: [
      { test: { ...common, name: "architecture", include: ["test/architecture.test.ts", "test/readme/own-code.test.ts"] } },
      {
        test: {
          ...common,
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.postgres.test.ts", "node_modules/**"],
          maxWorkers: 2,
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
