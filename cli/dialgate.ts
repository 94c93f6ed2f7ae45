import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { CommandEntry, CommandIo } from "./command.ts";

/** Each subcommand lives in a file of its own, which is loaded only when it is asked for. */
const commands: readonly CommandEntry[] = [
  {
    name: "evaluate",
    usage: "evaluate --pack us-federal --gate calling_hours",
    summary: "JSON lines of {id, technology?, lead: {state, zip?, phone?}, at} in, verdicts out",
    load: () => import("./evaluate.ts"),
  },
  {
    name: "check-import",
    usage: "check-import FILE --map MAP.json [--now INSTANT] [--json]",
    summary: "counts a lead file as an import would, offline",
    load: () => import("./check-import.ts"),
  },
  {
    name: "verify",
    usage: "verify FILE... --org ORG [--head SEQ:HASH] [--after SEQ:HASH]",
    summary: "checks an exported audit chain, offline",
    load: () => import("./verify.ts"),
  },
];

export async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  const entry = commands.find((command) => command.name === name);
  if (entry !== undefined) return (await entry.load()).run(rest, io);
  const isHelp = name === "--help" || name === "-h" || name === "help";
  const say = isHelp ? io.out : io.err;
  if (name !== undefined && !isHelp) say(`dialgate: no command ${JSON.stringify(name)}`);
  say("usage: dialgate COMMAND [options]");
  for (const command of commands) say(`  ${command.usage}\n      ${command.summary}`);
  return isHelp ? 0 : 2;
}

/** Begun only when the first line is asked for: an interface made earlier loses the lines that arrive before somebody listens. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // A reader such as head may close the pipe early; that ends the command and is no error of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  process.exitCode = await main(process.argv.slice(2), {
    lines: linesOf(process.stdin),
    bytes: process.stdin,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
}
