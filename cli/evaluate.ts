import { parseArgs } from "node:util";
import { z } from "zod";
import { callingHours } from "../src/gates/calling-hours.ts";
import { locate, zonesOf } from "../src/gates/location.ts";
import { packRefs, packsOfThisBuild } from "../src/gates/rules/packs.ts";
import type { PackRef } from "../src/gates/snapshot.ts";
import { givenDate } from "../src/lib/given-date.ts";
import { inWords } from "../src/lib/issue-words.ts";
import { type Instant, instantOf } from "../src/lib/instant.ts";
import { type ZoneBook, zoneBook } from "../src/lib/time-zones.ts";
import type { Command } from "./command.ts";

/** A line longer than this is no case; it is reported and not parsed. */
const lineLengthMax = 100_000;

const caseSchema = z.object({
  id: z.unknown().transform((id, check): string | number => {
    if (typeof id === "string" || typeof id === "number") return id;
    check.addIssue({ code: "custom", message: "Required: a text or a number." });
    return "";
  }),
  technology: z.enum(["artificial", "live"]).optional(),
  lead: z.object({
    state: z.string().nullish(),
    zip: z.string().nullish(),
    phone: z
      .string()
      .regex(/^(\+\d{5,15})?$/, "A number in E.164 form is needed: a plus sign and digits, such as +13035550142.")
      .nullish(),
  }),
  at: z.string().transform((text, check): Instant => {
    const date = givenDate(text);
    if (date.utc !== null && date.earliest === date.latest && text.includes("T")) return date.utc;
    check.addIssue({ code: "custom", message: "An RFC 3339 instant with its zone is needed, such as 2026-11-18T15:00:00Z." });
    return instantOf(0);
  }),
});
type Case = z.infer<typeof caseSchema>;

/** Answers each case by the gate alone; a line that cannot be read is named on stderr, and the others are still answered. */
export const run: Command = async (args, io) => {
  const options = readOptions(args);
  if (typeof options === "string") {
    io.err(`dialgate evaluate: ${options}`);
    io.err(`usage: dialgate evaluate --pack ${packsOfThisBuild.join("|")} --gate calling_hours`);
    return 2;
  }
  const packs = await packRefs(packsOfThisBuild.slice(0, packsOfThisBuild.indexOf(options.pack) + 1));
  const book = zoneBook();
  let number = 0;
  let unreadable = 0;
  const strange = new Set<string>();
  for await (const line of io.lines) {
    number++;
    if (line.trim() === "") continue;
    const read = readCase(line, strange);
    const answered = typeof read === "string" ? read : await answer(read, packs, book);
    if (typeof answered === "string") {
      unreadable++;
      io.err(`line ${number}: ${answered}`);
    } else io.out(JSON.stringify(answered));
  }
  if (strange.size > 0) io.err(`dialgate evaluate: not read, because a case has no such member: ${[...strange].join(", ")}`);
  if (unreadable > 0) io.err(`dialgate evaluate: ${unreadable} of ${number} lines have no answer`);
  return unreadable > 0 ? 1 : 0;
};

function readOptions(args: readonly string[]): { pack: (typeof packsOfThisBuild)[number] } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { pack: { type: "string" }, gate: { type: "string" } },
      strict: true,
    });
    const pack = packsOfThisBuild.find((id) => id === values.pack);
    if (pack === undefined) return `--pack must be one of: ${packsOfThisBuild.join(", ")}`;
    if (values.gate !== "calling_hours") return "--gate must be calling_hours";
    return { pack };
  } catch (error) {
    return error instanceof Error ? error.message : "the options could not be read";
  }
}

/** What is wrong is named by its place, never by its value: cases may hold people. */
function readCase(line: string, strange: Set<string>): Case | string {
  if (line.length > lineLengthMax) return `longer than ${lineLengthMax} characters, which no case is`;
  let value: unknown;
  try {
    value = JSON.parse(line.replace(/^\uFEFF/, ""));
  } catch {
    return 'not JSON: each line is one object, such as {"id": 1, "lead": {"state": "NY"}, "at": "2026-11-18T15:00:00Z"}';
  }
  const parsed = caseSchema.safeParse(value);
  noteStrange(value, strange);
  if (parsed.success) return parsed.data;
  return inWords(parsed.error, value, "the line");
}

const strangeMax = 20;
/** A case may carry its own notes; a member that was meant to be judged, and is not, must not pass for judged. */
function noteStrange(value: unknown, strange: Set<string>): void {
  const lead = (value as { lead?: unknown } | null)?.lead;
  for (const [shape, of, place] of [
    [caseSchema.shape, value, ""],
    [caseSchema.shape.lead.shape, lead, "lead."],
  ] as const)
    if (typeof of === "object" && of !== null)
      for (const key of Object.keys(of))
        if (!Object.hasOwn(shape, key) && strange.size < strangeMax) strange.add(`${place}${key.slice(0, 64)}`);
}

interface Answered {
  readonly id: string | number;
  readonly verdict: string;
  readonly reason_code: string;
  readonly next_eligible_at: Instant | null;
}

/** The gate's answer, or why there is none: what it cannot judge is refused as in a decision, and ends no other line's answer. */
async function answer(read: Case, packs: PackRef[], book: ZoneBook): Promise<Answered | string> {
  const location = locate({ state: read.lead.state ?? null, zip: read.lead.zip ?? null, e164: read.lead.phone ?? null });
  try {
    const result = callingHours.check({
      at: read.at,
      packs,
      call: { technology: read.technology ?? "artificial", purpose: "marketing", debt_collection: false },
      location,
      zones: await book.factsFor(zonesOf(location.candidate_states), read.at),
      hours: { campaign_window: null },
    });
    return { id: read.id, verdict: result.verdict, reason_code: result.reason_code, next_eligible_at: result.next_eligible_at };
  } catch {
    return "gate_failed: the gate cannot judge this case";
  }
}
