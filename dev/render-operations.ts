/** `node dev/render-operations.ts`: writes the one table of who may do what into docs/operations.md. A test says when it is due. */
import { readFileSync, writeFileSync } from "node:fs";
import { operations, type Rule } from "../src/domain/access/operations.ts";

export const operationsPage = new URL("../docs/operations.md", import.meta.url);

export function renderOperations(): string {
  const rows = Object.entries<Rule>(operations).map(([id, { scope, role, factor, subjects, orOneself, lasting }]) => {
    const machine = scope === "people" ? "no" : scope === "any" ? "any key or token" : `\`${scope}\``;
    const who = `${role ?? "oneself"}${orOneself === undefined ? "" : ", or oneself"}${lasting === true ? "; no operator" : ""}`;
    return `| \`${id}\` | ${who} | ${machine} | ${factor === true ? "yes" : ""} | ${subjects === true ? "yes" : ""} |`;
  });
  const head = ["| operation | least role | machine's scope | second factor | noted |", "|---|---|---|---|---|"];
  return [...head, ...rows.toSorted()].join("\n");
}

/** The page with its table as it ought to be. */
export function renderPage(page: string): string {
  return page.replace(/\| operation \|[\s\S]*?\n(?!\|)/, `${renderOperations()}\n`);
}

if (import.meta.main) writeFileSync(operationsPage, renderPage(readFileSync(operationsPage, "utf8")));
