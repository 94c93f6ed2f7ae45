/**
 * `npm run bench [-- NAME…] [-- --full | --smoke]`: every `bench/*.bench.ts`, or the named ones, on the Postgres in
 * DATABASE_URL or one of its own. Figures go to reports/bench.jsonl and to the console. Ends badly only when an asserted
 * figure is not met: those are counts and bytes, which no neighbour's load can move.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync } from "node:fs";
import pg from "pg";
import { startPostgres } from "../dev/database/postgres.ts";
import { type Bench, type Figure, holds, median } from "./bench.ts";
import { type Calibration, calibrate, drift } from "./calibrate.ts";

export type { BenchContext } from "./bench.ts";

type Size = "smoke" | "usual" | "full";
const driftMax = 2;

async function main(args: readonly string[]): Promise<number> {
  const size: Size = args.includes("--full") ? "full" : args.includes("--smoke") ? "smoke" : "usual";
  const wanted = args.filter((arg) => !arg.startsWith("--"));
  const benches = await readBenches(wanted);
  const { DATABASE_URL: databaseUrl, APP_DATABASE_PASSWORD: appPassword } = process.env;
  // Roles belong to the whole server: a password made up here would lock out whoever uses that server already.
  if (databaseUrl && !appPassword)
    throw new Error("DATABASE_URL is set: set APP_DATABASE_PASSWORD too, the password of dialgate_app");
  const server = await startPostgres({ databaseUrl });
  process.env["DATABASE_URL"] = server.connectionString;
  process.env["APP_DATABASE_PASSWORD"] = appPassword ?? randomBytes(18).toString("base64url");
  const client = new pg.Client({ connectionString: server.connectionString });
  try {
    await client.connect();
    const version = String((await client.query<{ v: string }>("select current_setting('server_version') as v")).rows[0]?.v);
    const before = await calibrate(client);
    const lines = await measured(benches, size, version);
    const after = await calibrate(client);
    sayCalibration(before, after);
    return lines.some((line) => !line.holds) ? 1 : 0;
  } finally {
    await client.end();
    await server.stop();
  }
}

async function readBenches(wanted: readonly string[]): Promise<Bench[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".bench.ts"));
  const benches = await Promise.all(files.toSorted().map(async (file) => (await import(`./${file}`)) as Bench));
  const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0)
    throw new Error(`no benchmark ${unknown.join(", ")}: there are ${benches.map((bench) => bench.name).join(", ")}`);
  return wanted.length === 0 ? benches : benches.filter((bench) => wanted.includes(bench.name));
}

async function measured(benches: readonly Bench[], size: Size, version: string): Promise<Line[]> {
  const lines: Line[] = [];
  mkdirSync("reports", { recursive: true });
  for (const bench of benches) {
    console.log(`\n${bench.name}`);
    const figure = (measuredFigure: Figure): void => {
      const line = lineOf(bench.name, measuredFigure, version);
      lines.push(line);
      appendFileSync("reports/bench.jsonl", `${JSON.stringify(line)}\n`);
      console.log(shown(line));
    };
    await bench.run({ smoke: size === "smoke", full: size === "full", figure });
  }
  return lines;
}

type Line = ReturnType<typeof lineOf>;

function lineOf(job: string, figure: Figure, version: string) {
  const middle = rounded(median(figure.values));
  return {
    job,
    case: figure.case,
    n: figure.n,
    median: middle,
    min: rounded(Math.min(...figure.values)),
    max: rounded(Math.max(...figure.values)),
    unit: figure.unit,
    peer: figure.peer ?? null,
    ratio: figure.unit === "ratio" ? middle : null,
    aim: figure.aim ?? null,
    at_least: figure.atLeast ?? null,
    at_most: figure.atMost ?? null,
    asserted: figure.atLeast !== undefined || figure.atMost !== undefined,
    holds: holds(figure),
    round_trips: figure.roundTrips ?? null,
    blocks_per_op: figure.blocksPerOp ?? null,
    note: figure.note ?? null,
    node: process.versions.node,
    pg: version,
  };
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function shown(line: Line): string {
  const spread = line.min === line.max ? "" : ` [${line.min} … ${line.max}]`;
  const peer = line.ratio === null || line.peer === null ? "" : ` of ${line.peer}`;
  const hoped = line.aim === null ? "" : `  aim ${line.aim}: ${line.median >= line.aim ? "met" : "not met"}`;
  const limit = line.at_least === null ? `at most ${line.at_most}` : `at least ${line.at_least}`;
  const demanded = line.asserted ? `  ${limit}: ${line.holds ? "holds" : "FAILS"}` : "";
  return `  ${line.case.padEnd(50)} n=${String(line.n).padEnd(8)} ${line.median} ${line.unit}${peer}${spread}${hoped}${demanded}`;
}

function sayCalibration(before: Calibration, after: Calibration): void {
  const factor = drift(before, after);
  console.log(
    `\ncalibration, before and after: SHA-256 of 256 bytes ${before.sha256_per_second}/s and ${after.sha256_per_second}/s;` +
      ` select 1 ${before.select_one_per_second}/s and ${after.select_one_per_second}/s`,
  );
  if (factor > driftMax)
    console.log(`The machine's own speed changed ${factor.toFixed(1)} times during the run: read no time of it, and run again.`);
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
