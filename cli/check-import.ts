import { constants, createReadStream } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { checkFile, type ImportCounts } from "../src/domain/imports/check-file.ts";
import { type MapFile, mapFile } from "../src/domain/imports/import-map.ts";
import { packRefs } from "../src/gates/rules/packs.ts";
import { inWords } from "../src/lib/issue-words.ts";
import { type Instant, instantOf, secondsOf } from "../src/lib/instant.ts";
import type { Command, CommandIo } from "./command.ts";

const usage = "usage: dialgate check-import FILE --map MAP.json [--now INSTANT] [--json]";
const mapBytesMax = 1_000_000;

/** Counts a lead file as an import would, before anything is uploaded: nothing leaves this machine. */
export const run: Command = async (args, io) => {
  const asked = readOptions(args);
  if (typeof asked === "string") {
    io.err(`dialgate check-import: ${asked}`);
    io.err(usage);
    return 2;
  }
  const map = await readMap(asked.map);
  if (typeof map === "string") return refused(io, map);
  const isInput = inputNames.has(asked.file);
  const wrong = isInput ? null : await whyUnreadable(asked.file);
  if (wrong !== null) return refused(io, wrong);
  const bytes = isInput ? io.bytes : createReadStream(asked.file);
  const checked = await checkFile(bytes, map, { at: asked.now, packs: await packRefs() });
  if (!checked.ok) return refused(io, checked.fault.detail);
  if (asked.json) io.out(JSON.stringify(checked.counts, null, 1));
  else for (const line of linesOf(checked.counts)) io.out(line);
  return 0;
};

interface Options {
  readonly file: string;
  readonly map: string;
  readonly now: Instant;
  readonly json: boolean;
}

/** What to do, or what is wrong with how it was asked. */
function readOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { map: { type: "string" }, now: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) return "one file is needed";
    if (values.map === undefined) return "--map is needed: which column holds what";
    const now = values.now === undefined ? instantOf(Date.now() / 1000) : instantFrom(values.now);
    return now === null
      ? "--now takes an instant such as 2026-11-18T15:00:00Z"
      : { file, map: values.map, now, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : "these options are not understood";
  }
}

function instantFrom(text: string): Instant | null {
  try {
    return instantOf(secondsOf(text as Instant));
  } catch {
    return null;
  }
}

async function readMap(path: string): Promise<MapFile | string> {
  let text: string;
  try {
    if ((await stat(path)).size > mapBytesMax) return `the map ${path} is too large to be one`;
    text = await readFile(path, "utf8");
  } catch {
    return `there is no map ${path}`;
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return `the map ${path} is not JSON`;
  }
  const parsed = mapFile.safeParse(value);
  if (parsed.success) return parsed.data;
  return `the map ${path} does not fit: ${inWords(parsed.error, value, "the whole")}`;
}

/** A pipe is read once, as a file is; of standard input the process has it open already, and a socket can be opened no second time. */
const inputNames: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

async function whyUnreadable(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() && !found.isFIFO()) return `${path} is neither a regular file nor a pipe`;
    if (found.isFile()) await access(path, constants.R_OK);
    return null;
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    return isAbsent ? `there is no file ${path}` : `the file ${path} cannot be read`;
  }
}

function refused(io: CommandIo, what: string): number {
  io.err(`dialgate check-import: ${what}`);
  return 1;
}

function linesOf(counts: ImportCounts): string[] {
  const byCode = (codes: Readonly<Record<string, number>>) =>
    Object.entries(codes).map(([code, count]) => `  ${code.padEnd(24)} ${count}`);
  return [
    `rows                       ${counts.rows}`,
    `accepted                   ${counts.accepted}`,
    `rejected                   ${counts.rows - counts.accepted}`,
    ...byCode(counts.rejected),
    `eligible                   ${counts.eligible}`,
    `ineligible                 ${counts.accepted - counts.eligible}`,
    ...byCode(counts.ineligible),
    `states_differ              ${counts.states_differ}`,
    `timezone_unknown           ${counts.timezone_unknown}`,
  ];
}
