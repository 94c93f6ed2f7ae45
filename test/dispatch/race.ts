/** Pairs of a dial and of something that forbids it, started together, in many orgs at once. */
import pg from "pg";
import type { OrgDb } from "../../src/db/org-db.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { consumePermit } from "../../src/db/queries/dispatch.ts";
import { readDialFacts } from "../../src/db/queries/dial-facts.ts";
import { gatherFacts } from "../../src/domain/decisions/gather-facts.ts";
import { claim } from "../../src/dispatch/claim.ts";
import { type DecidedLead, decideLeads } from "../../src/dispatch/decide.ts";
import { judgeWindows } from "../../src/dispatch/judge-windows.ts";
import { type DecidedBatch, record } from "../../src/dispatch/record.ts";
import type { TestDatabase } from "../support/database.ts";
import { buildWorld, newId, type World } from "../support/world.ts";
import { pgTransport, sleep } from "./pg-transport.ts";
import { testPeppers } from "../support/peppers.ts";

/** What forbids: its verb, run in a transaction whose id is told. */
export interface Forbidding {
  readonly name: string;
  readonly act: (org: OrgDb, pair: { world: World; leadId: string; personId: string; e164: string }) => Promise<unknown>;
  /** Lets the next pair of the same org begin as if nothing had happened; only what concerns a whole org needs it. */
  readonly undo?: (world: World) => Promise<void>;
}
export interface RaceSize {
  readonly pairs: number;
  readonly orgs: number;
  /** Pairs of one org that run at once. */
  readonly atOnce: number;
  /** Leads decided ahead of their races; 1 where a pair changes what the whole org's decisions rest on. */
  readonly ahead: number;
}
export interface RaceFigures {
  readonly pairs: number;
  /** Pairs whose one transaction was seen to wait for the other's lock. A lower bound: looked at, not counted by the server. */
  readonly waited: number;
  readonly dialed: number;
  readonly forbiddenFirst: number;
  /** Dials whose commit came after the commit of what forbade them. */
  readonly late: number;
  readonly failures: number;
}

export async function race(db: TestDatabase, forbidding: Forbidding, size: RaceSize): Promise<RaceFigures> {
  if (db.adminConnectionString === undefined) throw new Error("a race needs a real Postgres");
  const pool = new pg.Pool({ connectionString: db.connectionString, max: size.orgs * size.atOnce * 2 + 4 });
  // What the server says to an idle connection concerns no pair.
  pool.on("error", () => undefined);
  const watcher = await watchWaits(db.adminConnectionString);
  const forbidden = new Map<string, string>();
  let failures = 0;
  // How long a dial takes here, from the look at its facts to its permit's end: what forbids it begins somewhere
  // in that time, so that each order comes about on a quick machine and on a slow one.
  let usual = 40;
  try {
    const perOrg = Math.ceil(size.pairs / size.orgs);
    const worlds: World[] = [];
    for (let index = 0; index < size.orgs; index++) worlds.push(await buildWorld(db, { leads: perOrg }));
    await Promise.all(
      worlds.map(async (world, index) => {
        const numbers = await numbersOf(world);
        const org = orgOf(pool, world, "decider");
        let next = 0;
        for (let left = perOrg; left > 0;) {
          // Half are dialed from the queue and half one by one: the queue's leases are a wall of their own.
          const single = (next / size.ahead) % 2 === 1;
          const wanted = Math.min(size.ahead, left);
          const decided = single ? await decideSingles(world, org, wanted) : await decideClaimed(world, org, wanted);
          const waiting = decided.decided.map((lead) => ({ lead, pair: `${index}.${next++}` }));
          const worker = async (): Promise<void> => {
            for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
              const { lead, pair } = one;
              const about = {
                world,
                leadId: lead.lead.lead_id,
                personId: lead.lead.person_id,
                e164: numbers.get(lead.lead.lead_id) ?? "",
              };
              const outcomes = await Promise.allSettled([
                dial(pool, world, pair, { ...decided, decided: [lead] }).then((took) => {
                  if (took !== null) usual = usual * 0.9 + took * 0.1;
                }),
                forbid(pool, forbidding, pair, about, usual, (xid) => forbidden.set(about.leadId, xid)),
              ]);
              for (const outcome of outcomes) if (outcome.status === "rejected") failures += 1;
              await forbidding.undo?.(world);
            }
          };
          await Promise.all(Array.from({ length: size.atOnce }, worker));
          left -= decided.decided.length;
          if (decided.decided.length === 0) throw new Error("nothing was left to decide");
        }
      }),
    );
    return { pairs: perOrg * size.orgs, waited: (await watcher.stop()).size, failures, ...(await order(db, forbidden)) };
  } finally {
    await watcher.stop();
    await pool.end();
  }
}

const orgOf = (pool: pg.Pool, world: World, name: string, milliseconds = () => 0, xid?: (xid: string) => void): OrgDb =>
  new SystemDb(pgTransport(pool, { name, milliseconds, ...(xid === undefined ? {} : { xid }) }), newId, testPeppers).asOrg(
    world.orgId,
    { type: "job", id: "race" },
    "req_race",
    world.deps.now(),
  );

/** Milliseconds; null where it got no permit. */
async function dial(pool: pg.Pool, world: World, pair: string, batch: DecidedBatch): Promise<number | null> {
  const began = performance.now();
  const org = orgOf(pool, world, `pair ${pair} dial`, () => Math.random() * 4);
  await sleep(Math.random() * 6);
  const [recorded] = await record(org, batch);
  if (recorded?.permit == null) return null;
  await sleep(Math.random() * 3);
  await org.query(consumePermit(recorded.permit.attemptId));
  return performance.now() - began;
}

async function forbid(
  pool: pg.Pool,
  forbidding: Forbidding,
  pair: string,
  about: Parameters<Forbidding["act"]>[1],
  withinMilliseconds: number,
  xid: (xid: string) => void,
): Promise<void> {
  const org = orgOf(pool, about.world, `pair ${pair} forbid`, () => Math.random() * 4, xid);
  await sleep(Math.random() * withinMilliseconds);
  await forbidding.act(org, about);
}

async function decideClaimed(world: World, org: OrgDb, wanted: number): Promise<DecidedBatch> {
  for (let round = 0; round < 5; round++) {
    const batch = await claim(org, newId(), wanted);
    if (batch.edges.length > 0) await judgeWindows(org, world.deps.desk, batch.bound.now, batch.edges);
    if (batch.leads.length === 0) continue;
    return {
      ...batch,
      at: batch.bound.now,
      decided: await decideLeads(world.deps.desk, batch.bound.now, batch.campaigns, batch.leads),
    };
  }
  return { at: world.deps.now(), token: null, versions: null, campaigns: [], decided: [] };
}

/** As POST /v1/calls does it, for leads that nobody has decided yet; the last in the queue's order. */
async function decideSingles(world: World, org: OrgDb, wanted: number): Promise<DecidedBatch> {
  const fresh = await world.sql<{ lead_id: string }>(
    `select e.lead_id from enrolments e where e.org_id = $1 and e.state = 'waiting' and not exists (
       select 1 from decisions d where d.org_id = e.org_id and d.lead_id = e.lead_id) order by e.due_at desc, e.id desc limit $2`,
    [world.orgId, wanted],
  );
  const source = { kind: "leads", campaignId: world.campaignId, leadIds: fresh.map((row) => row.lead_id) } as const;
  const { bound, answers } = await org.query(...readDialFacts(source));
  const { versions, leads, campaigns } = gatherFacts(answers);
  const decided: DecidedLead[] = await decideLeads(world.deps.desk, bound.now, campaigns, leads);
  return { at: bound.now, token: null, versions, campaigns, decided };
}

async function numbersOf(world: World): Promise<Map<string, string>> {
  const rows = await world.sql<{ id: string; e164: string }>("select id, e164 from leads where org_id = $1", [world.orgId]);
  return new Map(rows.map((row) => [row.id, row.e164]));
}

/** Looks, as often as it can, who waits for a lock that the other half of its own pair holds. */
async function watchWaits(connectionString: string): Promise<{ stop(): Promise<ReadonlySet<string>> }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const seen = new Set<string>();
  let watching = true;
  const look = `select distinct split_part(w.application_name, ' ', 2) as pair
    from pg_stat_activity w cross join lateral unnest(pg_blocking_pids(w.pid)) as b(pid) join pg_stat_activity h on h.pid = b.pid
    where w.datname = current_database() and w.wait_event_type = 'Lock' and w.application_name like 'pair %' and h.application_name like 'pair %'
      and split_part(h.application_name, ' ', 2) = split_part(w.application_name, ' ', 2) and h.application_name <> w.application_name`;
  const watched = (async () => {
    while (watching) {
      for (const row of (await client.query<{ pair: string }>(look)).rows) seen.add(row.pair);
      await sleep(2);
    }
  })();
  let stopped: Promise<ReadonlySet<string>> | undefined;
  const stop = async (): Promise<ReadonlySet<string>> => {
    watching = false;
    await watched;
    await client.end();
    return seen;
  };
  return { stop: () => (stopped ??= stop()) };
}

/** Commit times of both transactions of each pair, as the server recorded them. */
async function order(db: TestDatabase, forbidden: ReadonlyMap<string, string>) {
  const { rows } = await db.admin(
    `select count(*) filter (where a.dialed_xid is not null)::int as dialed,
       count(*) filter (where a.dialed_xid is null)::int as forbidden_first,
       count(*) filter (where pg_xact_commit_timestamp(a.dialed_xid::xid) > pg_xact_commit_timestamp(f.xid::xid8::xid))::int as late
     from unnest($1::uuid[], $2::text[]) as f(lead, xid)
     left join (select lead_id, max(dialed_xid) as dialed_xid from dial_attempts group by 1) a on a.lead_id = f.lead`,
    [[...forbidden.keys()], [...forbidden.values()]],
  );
  const [row] = rows as [{ dialed: number; forbidden_first: number; late: number }];
  return { dialed: row.dialed, forbiddenFirst: row.forbidden_first, late: row.late };
}
