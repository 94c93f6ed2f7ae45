/** Compares the figures that docs/security.md quotes with what this run's tests wrote. `node dev/check-figures.ts`; CI runs it after the lanes. */
import { readFileSync } from "node:fs";

export interface Quoted {
  readonly figure: string;
  /** `12`, `≤ 12` or `≥ 12`. */
  readonly value: string;
}
export const quotedIn = (page: string): Quoted[] =>
  [...page.matchAll(/^\|[^|\n]*\| `([a-z_]+\.[^`\n]+)` \| ([^|\n]+) \|$/gm)].map(([, figure = "", value = ""]) => ({
    figure,
    value: value.trim(),
  }));

/** What a quoted figure says that the report does not; null when they agree. */
export function disagreement({ figure, value }: Quoted, report: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  const [suite, name] = [figure.slice(0, figure.indexOf(".")), figure.slice(figure.indexOf(".") + 1)];
  const found = report[suite]?.[name];
  if (typeof found !== "number") return `${figure}: no test of this run wrote it`;
  const [, sign = "", number = ""] = /^([≤≥]?) ?([\d.]+)$/.exec(value) ?? [];
  const agrees = sign === "≤" ? found <= Number(number) : sign === "≥" ? found >= Number(number) : found === Number(number);
  return number !== "" && agrees ? null : `${figure}: the page says ${value}, the run ${found}`;
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const quoted = quotedIn(readFileSync(new URL("docs/security.md", root), "utf8"));
  const report = JSON.parse(readFileSync(new URL("reports/access.json", root), "utf8")) as Parameters<typeof disagreement>[1];
  const wrong = quoted.map((one) => disagreement(one, report)).filter((text) => text !== null);
  for (const text of wrong) console.error(text);
  if (quoted.length < 10) throw new Error("docs/security.md quotes hardly a figure");
  console.log(`${quoted.length - wrong.length} of ${quoted.length} quoted figures agree with this run`);
  if (wrong.length > 0) process.exitCode = 1;
}
