import { defineConfig } from "drizzle-kit";

/**
 * For looking only (`drizzle-kit studio`, `drizzle-kit export`). Migrations are written by hand in `migrations/`: drizzle
 * knows neither FORCE nor grants, owners or functions. test/db/schema.test.ts holds the two together.
 */
export default defineConfig({
  dialect: "postgresql",
  schema: "./src/db/schema/index.ts",
  out: "./reports/drizzle",
  dbCredentials: { url: process.env["DATABASE_URL"] ?? "" },
});
