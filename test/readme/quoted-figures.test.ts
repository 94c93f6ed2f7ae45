import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { disagreement, quotedIn } from "../../dev/check-figures.ts";

test("the figures that docs/security.md quotes are read, and each that the run did not find is told", () => {
  const quoted = quotedIn(readFileSync("docs/security.md", "utf8"));
  expect(quoted.length).toBeGreaterThanOrEqual(14);
  expect(new Set(quoted.map(({ figure }) => figure)).size).toBe(quoted.length);
  const report = { matrix: { cells: 12, wrong: 1, "a, b": 0 } };
  const told = (figure: string, value: string) => disagreement({ figure, value }, report);
  expect([told("matrix.cells", "12"), told("matrix.cells", "≥ 10"), told("matrix.cells", "≤ 12"), told("matrix.a, b", "0")]).toEqual([null, null, null, null]);
  for (const [figure, value] of [["matrix.cells", "13"], ["matrix.cells", "≥ 13"], ["matrix.cells", "≤ 11"], ["matrix.wrong", "0"], ["matrix.none", "0"], ["tokens.refused", "≥ 60"], ["matrix.cells", "many"]] as const) {
    expect(told(figure, value), `${figure} ${value}`).toContain(figure);
  }
}); // prettier-ignore

test("CI compares them with its own run: what an earlier one wrote is gone before the first lane, and every suite that is quoted runs before", () => {
  const ci = readFileSync(".ci/run", "utf8");
  const at = (text: string): number => {
    expect(ci, text).toContain(text);
    return ci.lastIndexOf(text);
  };
  const cleared = at('rm -rf "$reports" "$root/reports/access" "$root/reports/access.json"');
  const steps = [cleared, at("lane verify"), at("\nlane test "), at("\nlane test-postgres"), at("\nbench\n"), at("\nfigures\n")];
  expect(steps).toEqual(steps.toSorted((one, other) => one - other));
});
