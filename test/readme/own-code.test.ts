import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tableUnder } from "./blocks.ts";
import { root } from "./run-blocks.ts";

const linesMax = 80;
/** What the product is about is its own: gates, the dial, evidence and tenancy. */
const ownByNature = /^src\/(gates|dispatch)\//;
const evidenceAndTenancy = new Set([
  "src/lib/audit-chain.ts",
  "src/db/queries/audit.ts",
  "src/http/routes/audit.ts",
  "cli/verify.ts",
  "src/db/org-db.ts",
  "src/db/org-writer.ts",
  "src/db/system-db.ts",
]);

const rows = tableUnder(readFileSync(join(root, "docs/decisions/0002-own-code.md"), "utf8"), "0002: Code of our own");
const listed = rows.map(([name = ""]) => name.replaceAll("`", ""));
const covers = (row: string, file: string) =>
  row.endsWith("/*.ts") ? file.startsWith(row.slice(0, -4)) && !file.slice(row.length - 4).includes("/") : row === file;
const modules = ["src", "cli", "dev"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => `${folder}/${name}`),
);

test("each module of more than 80 lines of our own is listed with the library that was looked at", () => {
  const long = modules.filter((file) => readFileSync(join(root, file), "utf8").trimEnd().split("\n").length > linesMax);
  expect(long.length).toBeGreaterThan(40);
  const due = long.filter((file) => !ownByNature.test(file) && !evidenceAndTenancy.has(file));
  expect(due.filter((file) => !listed.some((row) => covers(row, file)))).toEqual([]);
});

test("the list names only what is there, and says for each which library and why", () => {
  for (const [name = "", library = "", why = ""] of rows) {
    const row = name.replaceAll("`", "");
    expect(row.endsWith("/*.ts") ? modules.some((file) => covers(row, file)) : existsSync(join(root, row)), row).toBe(true);
    expect(library, row).not.toBe("");
    expect(why.length, row).toBeGreaterThan(8);
  }
});
