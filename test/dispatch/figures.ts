/** One line of figures for whoever reads the run, and the same as JSON for whoever compares runs. */
import { appendFileSync, mkdirSync } from "node:fs";

export function report(text: string, figures: Readonly<Record<string, unknown>>): void {
  console.log(text);
  mkdirSync("reports", { recursive: true });
  appendFileSync("reports/dispatch.jsonl", `${JSON.stringify({ text, ...figures })}\n`);
}

/** The release's sizes instead of CI's. */
export const full = process.env["TEST_FULL"] === "1";
