import { open } from "node:fs/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { type AuditEntry, type ChainFaultKind, type ChainHead, verifyChain } from "../src/lib/audit-chain.ts";
import { uuidOf } from "../src/lib/ids.ts";
import { inWords } from "../src/lib/issue-words.ts";
import type { Command, CommandIo } from "./command.ts";
import { jsonValues } from "./json-values.ts";

/** 0: whole. 1: the file could not be read. 2: the command was used wrongly. Else the first fault's own code. */
export const exitCodes: Readonly<Record<ChainFaultKind, number>> = {
  link: 3,
  hash: 4,
  gap: 5,
  commitment: 6,
  truncated: 7,
  rewritten: 8,
};

const usage = "usage: dialgate verify FILE... --org ORG [--head SEQ:HASH] [--after SEQ:HASH]";

const hash = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits are needed.");
/** As a number, or as a text where a tool keeps large numbers so. */
const count = z.unknown().transform((value, check): number => {
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  check.addIssue({ code: "custom", message: "A whole number is needed." });
  return 0;
});
const entrySchema = z.object({
  object: z.literal("audit_entry"),
  seq: count,
  type: z.string(),
  at: z.string(),
  at_us: count,
  payload_commit: hash,
  previous_hash: hash,
  entry_hash: hash,
  subject: z.string().nullable(),
  salt_subject: hash.nullable(),
  subject_digest: hash.nullish(),
  facts: z.string().nullable(),
  salt_facts: hash.nullable(),
  facts_digest: hash.nullish(),
});

/**
 * Checks an exported chain, as `GET /v1/audit` serves it, without our servers: JSON lines, lists, pages behind each other,
 * in one file or several in the chain's order; `-` is stdin.
 */
export const run: Command = async (args, io) => {
  const asked = readOptions(args);
  if (typeof asked === "string") {
    io.err(`dialgate verify: ${asked}`);
    io.err(usage);
    return 2;
  }
  const unreadable: string[] = [];
  try {
    const report = await verifyChain(readFiles(asked.files, io, unreadable), asked);
    // Nothing is not a whole chain: an export that lost its entries must not pass for one.
    if (unreadable.length === 0 && report.entries === 0 && report.faults.length === 0 && asked.after === undefined)
      unreadable.push("there is no entry to check");
    if (unreadable.length === 0) return tell(io, report, asked.head !== undefined);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    unreadable.push(`the file cannot be read (${String(error.code)})`);
  }
  for (const line of unreadable) io.err(`dialgate verify: ${line}`);
  return 1;
};

async function* readFiles(files: readonly string[], io: CommandIo, unreadable: string[]): AsyncGenerator<AuditEntry> {
  for (const file of files) {
    const place = files.length === 1 ? "" : `${file}, `;
    yield* readEntries(file === "-" ? io.lines : linesOf(file), place, unreadable);
    if (unreadable.length > 0) return;
  }
}

/** Begun only when the first line is asked for: an interface made earlier loses the lines that arrive before somebody listens. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const handle = await open(file);
  try {
    yield* handle.readLines();
  } finally {
    await handle.close();
  }
}

function tell(io: CommandIo, report: Awaited<ReturnType<typeof verifyChain>>, headGiven: boolean): number {
  for (const fault of report.faults) io.err(`${fault.kind} at seq ${fault.seq}: ${fault.detail}`);
  const [first] = report.faults;
  if (first !== undefined) {
    io.out(`NOT WHOLE: first fault is ${first.kind} at seq ${first.seq}`);
    return exitCodes[first.kind];
  }
  io.out(`whole: ${report.entries} entries, ${report.purged} purged parts, head ${report.head.seq}:${report.head.hash}`);
  if (!headGiven) io.out("without --head, a cut tail or a chain rewritten as a whole cannot be seen");
  return 0;
}

interface Asked {
  readonly files: readonly string[];
  readonly org: string;
  readonly head?: ChainHead | undefined;
  readonly after?: ChainHead | undefined;
}

function readOptions(args: readonly string[]): Asked | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { org: { type: "string" }, head: { type: "string" }, after: { type: "string" } },
      strict: true,
      allowPositionals: true,
    });
    if (positionals.length === 0) return "a FILE is needed";
    const org = orgOf(values.org ?? "");
    if (org === null) return "--org must be the org's id (org_… or its uuid): it is part of every hash";
    const head = values.head === undefined ? undefined : headOf(values.head);
    const after = values.after === undefined ? undefined : headOf(values.after);
    if (head === null || after === null) return "--head and --after have the form SEQ:HASH";
    return { files: positionals, org, head, after };
  } catch (error) {
    return error instanceof Error ? error.message : "the options could not be read";
  }
}

function orgOf(text: string): string | null {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  return uuidOf("org", text);
}

function headOf(text: string): ChainHead | null {
  const parts = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  return parts?.[1] === undefined || parts[2] === undefined ? null : { seq: Number(parts[1]), hash: parts[2] };
}

/** What is wrong is named by its place, never by its value. */
async function* readEntries(lines: AsyncIterable<string>, place: string, unreadable: string[]): AsyncGenerator<AuditEntry> {
  for await (const { line, value } of jsonValues(lines)) {
    const list = listOf(value);
    for (const [index, item] of list.entries()) {
      const entry = entrySchema.safeParse(item);
      const at = list.length === 1 ? `line ${line}` : `line ${line}, item ${index + 1}`;
      if (!entry.success) {
        const why = item === undefined ? "it is not JSON." : inWords(entry.error, item, "the value");
        return void unreadable.push(`${place}${at} is no audit entry as GET /v1/audit answers it: ${why}`);
      }
      yield entry.data;
    }
  }
}

/** An array, the API's own page, or what must be an entry itself. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const isPage = typeof value === "object" && value !== null && "data" in value && Array.isArray(value.data);
  return isPage ? (value.data as unknown[]) : [value];
}
