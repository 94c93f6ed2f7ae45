/** Looks for secrets in what git tracks (or, with --staged, in what is about to be committed). Prints places, never values. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";

const patterns: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["API key of this product", /\bdg_(?:live|test)_[0-9A-Za-z]{16,}_[0-9A-Za-z]{30,}\b/],
  ["private key", /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/],
  ["Stripe key", /\b[sr]k_live_[0-9A-Za-z]{16,}\b/],
  ["Resend key", /\bre_[0-9A-Za-z]{8}_[0-9A-Za-z]{20,}\b/],
  ["ElevenLabs key", /\bsk_[0-9a-f]{48}\b/],
  ["Retell key", /\bkey_[0-9a-f]{28,}\b/],
  ["AWS key", /\bAKIA[0-9A-Z]{16}\b/],
  ["GitHub token", /\bgh[pousr]_[0-9A-Za-z]{36,}\b/],
  ["Neon connection string", /postgres(?:ql)?:\/\/[^:\s"'`]+:[^@\s"'`]+@[^/\s"'`]*neon\.tech/],
  ["webhook secret", /\bwhsec_[0-9A-Za-z+/=]{24,}/],
];
const bytesMax = 4 * 1024 * 1024;

const staged = process.argv.includes("--staged");
const list = staged ? ["diff", "--cached", "--name-only", "--diff-filter=ACM", "-z"] : ["ls-files", "-z"];
const files = execFileSync("git", list, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
  .split("\0")
  .filter((file) => file !== "");

const found: string[] = [];
for (const file of files) {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile() || statSync(file).size > bytesMax) continue;
  const lines = readFileSync(file, "utf8").split("\n");
  for (const [index, line] of lines.entries())
    for (const [name, pattern] of patterns) if (pattern.test(line)) found.push(`${file}:${index + 1}: looks like a ${name}`);
}
for (const line of found) console.error(line);
if (found.length > 0) process.exitCode = 1;
else console.log(`no secret in ${files.length} files`);
