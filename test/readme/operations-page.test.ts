import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { operationsPage, renderOperations, renderPage } from "../../dev/render-operations.ts";
import { operations } from "../../src/domain/access/operations.ts";

test("docs/operations.md holds the one table as the code has it", () => {
  const page = readFileSync(operationsPage, "utf8");
  expect(page).toBe(renderPage(page));
  expect(renderOperations().split("\n")).toHaveLength(Object.keys(operations).length + 2);
  expect(renderPage(page.replace("`leads.get`", "`leads.gone`"))).toBe(page);
});
