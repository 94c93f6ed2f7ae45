/**
 * The whole step for one org's batch (claim, every gate, decision, audit, permit) beside what any queue must do at least:
 * raw SKIP LOCKED claim-and-complete by 100, and a tuned graphile-worker. Same server, same durability, rounds interleaved.
 */
import { Logger, run as runWorker, runMigrations } from "graphile-worker";
import pg from "pg";
import { claim } from "../src/dispatch/claim.ts";
import { decideAndRecord } from "../src/dispatch/decide-and-record.ts";
import { judgeWindows } from "../src/dispatch/judge-windows.ts";
import { openTestDatabase, type TestDatabase } from "../test/support/database.ts";
import { buildWorld, type World } from "../test/support/world.ts";
import { type CountedTransport, pgTransport } from "./pg-transport.ts";
import type { BenchContext } from "./run.ts";

export const name = "dispatch";

const batch = 500;
const historyLeads = 2_000;
const leadsOfSmallOrgs = 10;
const roundTripsMax = 6;
const shareOfRawMin = 0.2;

export async function run(context: BenchContext): Promise<void> {
  const leads = context.smoke ? 2_000 : 10_000;
  const ours: number[] = [];
  const raw: number[] = [];
  const graphile: number[] = [];
  let evidence = 0;
  let trips = 0;
  for (let round = 0; round < (context.smoke ? 1 : 3); round++) {
    const step = await wholeStep(leads);
    ours.push(step.leadsPerSecond);
    evidence = step.evidenceBytes;
    trips = Math.max(trips, step.roundTripsMax);
    raw.push(await rawSkipLocked(leads));
    graphile.push(await tunedGraphile(leads));
  }
  const share = ours.map((value, round) => value / (raw[round] as number));
  const shareOfGraphile = ours.map((value, round) => value / (graphile[round] as number));
  context.figure({
    case: "whole step, one org",
    n: leads,
    values: ours,
    unit: "leads/s",
    note: `${evidence} bytes of evidence a lead`,
  });
  context.figure({ case: "raw SKIP LOCKED by 100", n: leads, values: raw, unit: "jobs/s" });
  context.figure({ case: "graphile-worker, tuned", n: leads, values: graphile, unit: "jobs/s" });
  context.figure({
    case: "share of raw",
    n: leads,
    values: share,
    unit: "ratio",
    peer: "raw SKIP LOCKED by 100",
    aim: 0.5,
    atLeast: shareOfRawMin,
  });
  context.figure({
    case: "share of graphile-worker",
    n: leads,
    values: shareOfGraphile,
    unit: "ratio",
    peer: "graphile-worker, tuned",
    aim: 1,
  });
  context.figure({ case: "round trips, one org's batch", n: batch, values: [trips], unit: "requests", atMost: roundTripsMax });
  const orgs = context.smoke ? 10 : 50;
  const many = await manyOrgs(orgs);
  context.figure({
    case: `round trips, ${orgs} orgs of ${leadsOfSmallOrgs}`,
    n: orgs * leadsOfSmallOrgs,
    values: [many.roundTrips],
    unit: "requests",
    note: `${many.perOrg} an org`,
  });
}

/** One batch after another until nothing is due; placing is the provider's time and stands outside. */
async function step(world: World, transport: CountedTransport): Promise<{ leads: number; roundTrips: number }> {
  transport.roundTrips = 0;
  const taken = await claim(world.org, world.deps.newId(), batch);
  if (taken.leads.length === 0) return { leads: 0, roundTrips: transport.roundTrips };
  const { recorded, failure } = await decideAndRecord(world.deps.desk, world.org, taken);
  if (failure !== undefined) throw failure;
  const permitted = recorded.filter(({ outcome }) => outcome === "permitted").length;
  if (permitted !== taken.leads.length) throw new Error(`only ${permitted} of ${taken.leads.length} leads were permitted`);
  return { leads: taken.leads.length, roundTrips: transport.roundTrips };
}

async function openWindows(world: World): Promise<void> {
  const { bound, edges } = await claim(world.org, world.deps.newId(), 1);
  await judgeWindows(world.org, world.deps.desk, bound.now, edges);
}

/**
 * A database that has been in use: an org that has dialed, and statistics of it. On one where every table is empty the
 * planner cannot tell one index that begins with the org from another, and autovacuum has had no minute to mend that.
 */
async function history(db: TestDatabase, transport: CountedTransport): Promise<void> {
  const world = await buildWorld(db, { leads: historyLeads, transport: () => transport });
  await openWindows(world);
  while ((await step(world, transport)).leads > 0);
  await world.sql("vacuum analyze");
}

/** As calls end while others are decided: an org with thousands of live calls is no org that there is. */
const endCalls = (world: World) =>
  world.sql("update dial_attempts set state = 'completed', ended_at = minted_at where org_id = $1 and state = 'permitted'", [
    world.orgId,
  ]);

async function wholeStep(leads: number): Promise<{ leadsPerSecond: number; evidenceBytes: number; roundTripsMax: number }> {
  const db = await openTestDatabase({ postgres: true });
  const transport = pgTransport(db.connectionString);
  try {
    await history(db, transport);
    const world = await buildWorld(db, { leads, transport: () => transport });
    await openWindows(world);
    await world.sql("vacuum analyze");
    let [done, tripsMax, milliseconds] = [0, 0, 0];
    for (;;) {
      const began = performance.now();
      const { leads: more, roundTrips } = await step(world, transport);
      milliseconds += performance.now() - began;
      if (more === 0) break;
      done += more;
      tripsMax = Math.max(tripsMax, roundTrips);
      await endCalls(world);
    }
    if (done !== leads) throw new Error(`${done} of ${leads} leads were decided`);
    const [bytes] = await world.sql<{ bytes: number }>(
      `select ((select sum(pg_column_size(d.*)) from decisions d) + (select sum(pg_column_size(e.*)) from audit.entry e)
         + (select sum(pg_column_size(p.*)) from audit.payload p) + (select sum(pg_column_size(s.*)) from snapshot_parts s))::float8 / $1 as bytes`,
      [leads + historyLeads],
    );
    return {
      leadsPerSecond: done / (milliseconds / 1000),
      evidenceBytes: Math.round(bytes?.bytes ?? 0),
      roundTripsMax: tripsMax,
    };
  } finally {
    await transport.close();
    await db.close();
  }
}

async function manyOrgs(orgs: number): Promise<{ roundTrips: number; perOrg: number }> {
  const db = await openTestDatabase({ postgres: true });
  const transport = pgTransport(db.connectionString);
  try {
    const worlds: World[] = [];
    for (let org = 0; org < orgs; org++)
      worlds.push(await buildWorld(db, { leads: leadsOfSmallOrgs, transport: () => transport }));
    for (const world of worlds) await openWindows(world);
    let roundTrips = 0;
    for (const world of worlds) roundTrips += (await step(world, transport)).roundTrips;
    return { roundTrips, perOrg: roundTrips / orgs };
  } finally {
    await transport.close();
    await db.close();
  }
}

async function rawSkipLocked(jobs: number): Promise<number> {
  const db = await openTestDatabase({ postgres: true });
  const client = new pg.Client({ connectionString: db.adminConnectionString as string });
  await client.connect();
  try {
    await client.query(
      "create table raw_jobs (id bigint generated always as identity primary key, state smallint not null default 0, payload text)",
    );
    await client.query("insert into raw_jobs (payload) select repeat('x', 100) from generate_series(1, $1)", [jobs]);
    await client.query("create index on raw_jobs (id) where state = 0");
    await client.query("vacuum analyze raw_jobs");
    const began = performance.now();
    let done = 0;
    for (;;) {
      const { rows } = await client.query<{ id: string }>(
        "update raw_jobs set state = 1 where id in (select id from raw_jobs where state = 0 order by id limit 100 for update skip locked) returning id",
      );
      if (rows.length === 0) break;
      await client.query("update raw_jobs set state = 2 where id = any ($1)", [rows.map((row) => row.id)]);
      done += rows.length;
    }
    return done / ((performance.now() - began) / 1000);
  } finally {
    await client.end();
    await db.close();
  }
}

async function tunedGraphile(jobs: number): Promise<number> {
  const db = await openTestDatabase({ postgres: true });
  const connectionString = db.adminConnectionString as string;
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await runMigrations({ connectionString });
    await client.query("select graphile_worker.add_job('noop', json_build_object('i', i)) from generate_series(1, $1) i", [jobs]);
    let done = 0;
    const began = performance.now();
    const preset = {
      worker: { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0, maxPoolSize: 10 },
    };
    const runner = await runWorker({
      connectionString,
      preset,
      noHandleSignals: true,
      logger: new Logger(() => () => undefined),
      taskList: { noop: () => void (done += 1) },
    });
    while (done < jobs) await new Promise((resolve) => setTimeout(resolve, 5));
    const seconds = (performance.now() - began) / 1000;
    await runner.stop();
    return jobs / seconds;
  } finally {
    await client.end();
    await db.close();
  }
}
