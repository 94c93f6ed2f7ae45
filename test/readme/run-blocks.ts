import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import type { Block } from "./blocks.ts";

export const root = join(import.meta.dirname, "../..");
const minutesMax = 3;

/** Runs blocks one after the other in one shell, as a reader would paste them, and answers what each of them printed. */
export async function runBlocks(blocks: readonly Block[], env: Readonly<Record<string, string>>): Promise<string[]> {
  const mark = (line: number) => `<<< the block of line ${line} has ended >>>`;
  const script = ["set -eu -o pipefail", ...blocks.map((block) => `${block.text}\nprintf '\\n%s\\n' '${mark(block.line)}'`)];
  const child = spawn("bash", ["-c", script.join("\n")], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: minutesMax * 60_000,
    env: { ...process.env, NO_COLOR: "1", PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter), ...env },
  });
  let [out, complaints] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  let from = 0;
  return blocks.map((block) => {
    const end = out.indexOf(mark(block.line), from);
    if (end < 0)
      throw new Error(`the block of line ${block.line} ended with ${code}:\n${out.slice(from).trim()}\n${complaints.trim()}`);
    const printed = out.slice(from, end);
    from = end + mark(block.line).length;
    return printed.trim();
  });
}
