/** Intake with all its checks against COPY of the same file, its round trips, and the memory that a file of any length takes. */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench.ts";
import { copyLeads, copyTable } from "./copy-leads.ts";
import { openBenchDatabase, openHouse } from "./house.ts";
import { acceptedOf, leadFile } from "./lead-file.ts";
import { pgTransport } from "./pg-transport.ts";

export const name = "intake";
const megabyte = 1_048_576;

export async function run(context: BenchContext): Promise<void> {
  await againstCopy(context);
  await memory(context);
}

async function againstCopy({ smoke, full, figure }: BenchContext): Promise<void> {
  const rows = full ? 100_000 : smoke ? 12_000 : 30_000;
  const rounds = smoke ? 3 : 5;
  const measured = await interleaved(rows, rounds);
  const peer = "COPY into the same indexed table";
  const note = "both from the file's bytes on disk; intake with all its checks, its evidence and its audit entries";
  figure({ case: "intake", n: rows, values: measured.map(({ rate }) => rate), unit: "rows/s" });
  const ratios = measured.map(({ ratio }) => ratio);
  figure({ case: "intake by COPY", n: rows, values: ratios, unit: "ratio", peer, aim: 0.35, note });
  const trips = measured.map(({ requests, chunks }) => requests / chunks);
  figure({
    case: "requests a chunk",
    n: rows,
    values: trips,
    unit: "round trips",
    atMost: 1,
    roundTrips: measured[0]?.requests ?? 0,
  });
  figure({ case: "rows a chunk", n: rows, values: measured.map(({ chunks }) => rows / chunks), unit: "rows", atLeast: 2_000 });
}

interface Round {
  readonly ratio: number;
  readonly rate: number;
  /** Requests that brought rows, and the chunks that the import counted. */
  readonly requests: number;
  readonly chunks: number;
}

/** A file's COPY and its import, one after the other, round by round. */
async function interleaved(rows: number, rounds: number): Promise<Round[]> {
  const { db, owner, close } = await openBenchDatabase();
  const transport = pgTransport(db.connectionString, 2);
  const folder = await mkdtemp(join(tmpdir(), "dialgate-bench-"));
  const done: Round[] = [];
  try {
    const house = await openHouse(transport);
    await owner.query(copyTable);
    // The first round warms both sides up and counts for nothing.
    for (let round = 0; round <= rounds; round += 1) {
      const path = join(folder, `${round}.csv`);
      await pipeline(Readable.from(leadFile(rows, 11 + round)), createWriteStream(path));
      const copied = await copyLeads(owner, house.orgId, path);
      transport.statements.length = 0;
      const { accepted, chunks, seconds } = await house.importFile(path);
      await rm(path);
      if (accepted !== acceptedOf(rows)) throw new Error(`${accepted} leads of a file that has ${acceptedOf(rows)}`);
      const requests = transport.statements.filter((names) => names.includes("app.intake_chunk")).length;
      if (round > 0) done.push({ ratio: copied.seconds / seconds, rate: rows / seconds, requests, chunks });
    }
    return done;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await transport.close();
    await close();
  }
}

/** In a process of its own each, whose heap holds nothing but the import's. */
async function memory({ smoke, full, figure }: BenchContext): Promise<void> {
  const [short, long] = full ? [100_000, 1_000_000] : smoke ? [10_000, 40_000] : [20_000, 100_000];
  const peaks = [await peakOf(short), await peakOf(long)] as const;
  const note = "heapUsed after a full collection, above idle, while one chunk's request is held and the next is ready";
  figure({ case: "peak JS heap above idle", n: short, values: [peaks[0] / megabyte], unit: "MB", atMost: 64, note });
  figure({ case: "peak JS heap above idle", n: long, values: [peaks[1] / megabyte], unit: "MB", atMost: 64, note });
  figure({ case: `the same, by that at ${short}`, n: long, values: [peaks[1] / peaks[0]], unit: "times", atMost: 1.1 });
}

async function peakOf(rows: number): Promise<number> {
  const script = fileURLToPath(new URL("intake-heap.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, String(rows)], { timeout: 900_000 });
  return Number(stdout);
}
