import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/**
 * Figures for `reports/access.json`: each suite says its own, in whichever order they run. Written to a file of its own and
 * moved, so that two at once leave a whole one; what the other wrote meanwhile is read again.
 */
export function reportAccess(name: string, figures: Readonly<Record<string, number | string>>): void {
  mkdirSync("reports/access", { recursive: true });
  writeFileSync(`reports/access/${name}.json`, `${JSON.stringify(figures, null, 2)}\n`);
  const names = [
    "matrix",
    "walls",
    "scanners",
    "redemptions",
    "factor_redemptions",
    "factor_due",
    "passkeys",
    "tokens",
    "addresses",
    "request",
  ];
  const all = Object.fromEntries(names.flatMap((one) => figuresOf(one)));
  const scratch = `reports/access/.${process.pid}-${name}`;
  writeFileSync(scratch, `${JSON.stringify(all, null, 2)}\n`);
  renameSync(scratch, "reports/access.json");
}

function figuresOf(name: string): [string, unknown][] {
  try {
    return [[name, JSON.parse(readFileSync(`reports/access/${name}.json`, "utf8"))]];
  } catch {
    return [];
  }
}
