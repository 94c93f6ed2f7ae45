/** The job beside everything that moves what it judges: claims, decisions, scrubs, grants, stops and policies. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import type { ConsentEventInput } from "../../src/domain/consent/record-consent.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { judgeStale } from "../../src/domain/standing/judge-stale.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { run } from "../../src/dispatch/run.ts";
import { type NumberHasher, numberHasher } from "../../src/lib/number-hash.ts";
import { addCampaign } from "../dispatch/mint.ts";
import { sleep } from "../dispatch/pg-transport.ts";
import { rewriteFunction } from "../dispatch/rewrite.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";

const people = 120;
const writesMin = 100;
const roundsMin = 10;
const millisecondsMax = 60_000;

let numbers: NumberHasher;
beforeAll(async () => {
  numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
});
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const db of databases) await db.close();
});

const some = <T>(list: readonly T[], count: number): T[] => list.toSorted(() => Math.random() - 0.5).slice(0, count);

/** What changes a person's facts, each about a few persons by chance. */
function writes(world: World, dnc: string, e164s: readonly string[]): (() => Promise<unknown>)[] {
  const scrub = async (result: "clear" | "unknown") =>
    world.org.query(
      recordScrubs({
        runId: newId(), connectionId: dnc, responseDigest: "\\x00", leads: [],
        answers: some(world.personIds, 20).map((personId) => ({ id: newId(), personId, list: "national", kind: "do_not_call", result, listVersionAt: noon })),
      }),
    ); // prettier-ignore
  const lift = { kind: "lift", body: { by: "Dana", reason: "x" } } as unknown as ConsentEventInput;
  const bought = { kind: "relationship", body: { kind: "purchase", at: noon } } as unknown as ConsentEventInput;
  const consent = async (event: ConsentEventInput) =>
    recordConsent(
      world.org,
      { numbers, packs: await world.deps.desk.packs() },
      { leadId: some(world.leadIds, 1)[0] as string },
      event,
    );
  return [
    () => scrub("clear"),
    () => scrub("unknown"),
    () => scrub("clear"),
    () => consent(lift),
    () => consent(bought),
    () =>
      suppressNumbers(world.org, numbers, [some(e164s, 1)[0] as string], {
        source: "api",
        byOrg: true,
        note: null,
        attemptId: null,
      }),
  ];
}

async function raced(): Promise<{
  failures: unknown[];
  wrong: number;
  open: number;
  rounds: number;
  writes: number;
  placed: number;
  world: World;
}> {
  const db = await openTestDatabase({ postgres: true });
  databases.push(db);
  return raceOn(db);
}
async function raceOn(db: TestDatabase) {
  const world = await buildWorld(db, { leads: people, maxConcurrency: 30 });
  await addCampaign(world);
  const [dnc] = await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]);
  // Nobody answers, so that everybody goes back to the queue and is claimed again.
  world.voice.script.place = () => ({ kind: "refused", reason: "concurrency_exhausted", retryAfterSeconds: 0 }) as never;
  const end = Date.now() + millisecondsMax;
  const failures: unknown[] = [];
  const counts = { rounds: 0, writes: 0 };
  const until = async (work: () => Promise<unknown>, count?: keyof typeof counts) => {
    while (Date.now() < end && (counts.writes < writesMin || counts.rounds < roundsMin)) {
      await work().catch((failure: unknown) => failures.push(failure));
      if (count !== undefined) counts[count] += 1;
      await sleep(Math.random() * 5);
    }
  };
  const e164s = await world.sql<{ e164: string }>("select e164 from leads where org_id = $1", [world.orgId]);
  const all = writes(
    world,
    dnc?.id ?? "",
    e164s.map((row) => row.e164),
  );
  const policy = () => updatePolicy(world.org, { consentMaxAgeDays: 300 + (counts.writes % 60) });
  // A change of the whole org has everybody judged again, and would heal whatever went wrong before it: only early on.
  const write = async () =>
    counts.writes < writesMin / 2 && counts.writes % 10 === 9 ? policy() : (some(all, 1)[0] as () => Promise<unknown>)();
  const dial = async () => {
    // A dial computes anew what it refuses: without a pause it would heal what went wrong before anyone saw it.
    await sleep(500);
    await run(world.deps, world.org, 1);
    await expirePermits(world.org);
    // As a later report of a call may: what was done goes back to the queue. No lock is waited for: this is the test's own.
    await world.sql(
      `update enrolments e set state = 'waiting', due_at = '2026-01-01',
           standing_valid_until = case e.state when 'done' then '-infinity' else e.standing_valid_until end
         from (select id from enrolments where org_id = $1 and state in ('waiting', 'done') for update skip locked) x
         where e.org_id = $1 and e.id = x.id`,
      [world.orgId],
    );
    await world.sql(
      `update hour_profiles p set next_due_at = '2026-01-01'
         from (select id from hour_profiles where org_id = $1 for update skip locked) x where p.org_id = $1 and p.id = x.id`,
      [world.orgId],
    );
  };
  // Slow, so that much moves between the look at the facts and the result.
  const packs = async () => {
    await sleep(Math.random() * 60);
    return world.deps.desk.packs();
  };
  const judge = () => judgeStale({ ...world.deps.desk, packs }, world.org, () => false);
  await Promise.all([
    until(judge, "rounds"),
    until(judge, "rounds"),
    until(write, "writes"),
    until(write, "writes"),
    until(dial),
  ]);
  // Everything has come to rest: leases have ended, and what was put off is due.
  await world.sql("delete from leases where org_id = $1", [world.orgId]);
  await world.sql("update standing_marks set due_at = '2026-01-01' where org_id = $1", [world.orgId]);
  for (let round = 0; round < 20 && (await judge()).kept > 0; round++);
  return { failures, ...(await compared(world)), ...counts, placed: world.voice.placed.length, world };
}

/** The results as they stand, against the same computed anew from the facts of now. */
async function compared(world: World): Promise<{ wrong: number; open: number }> {
  const kept = () =>
    world.sql<{ id: string; standing: string; until: string | null }>(
      "select id, standing::text, app.rfc3339(standing_valid_until) as until from enrolments where org_id = $1 and state <> 'done' order by id",
      [world.orgId],
    );
  const before = await kept();
  await world.sql("update enrolments set standing = null, standing_valid_until = '-infinity' where org_id = $1", [world.orgId]);
  await judgeStale(world.deps.desk, world.org, () => false);
  const after = await kept();
  const wrong = before.filter((row, at) => JSON.stringify(row) !== JSON.stringify(after[at])).length;
  return { wrong, open: before.length };
}

test("whatever moves meanwhile, no result of older facts is left, nothing deadlocks, and the dial goes on", async () => {
  const { failures, wrong, open, rounds, writes: written, placed, world } = await raced();
  console.log(
    `standing races: ${rounds} runs of the job, ${written} writes, ${placed} dials, ${open} open places, ${wrong} wrong`,
  );
  expect(failures).toEqual([]);
  expect(wrong).toBe(0);
  expect(open).toBeGreaterThan(people / 2);
  expect(rounds).toBeGreaterThanOrEqual(roundsMin);
  expect(written).toBeGreaterThanOrEqual(writesMin);
  expect(placed).toBeGreaterThan(20);
  expect(await world.sql("select 1 from standing_marks where org_id = $1", [world.orgId])).toEqual([]);
});

test("control: without looking at what moved, results of older facts do stay", async () => {
  const db = await openTestDatabase({ postgres: true });
  databases.push(db);
  await rewriteFunction(db, "app.keep_standing", [
    ["e.xmin::text = u.row_version and ", ""],
    ["if moved then return 0; end if;", ""],
    ["p.id = e.person_id and p.facts_version = u.person_version", "p.id = e.person_id"],
    ["p.id = m.person_id and p.facts_version = u.version", "p.id = m.person_id"],
    [" and u.mark = m.marked_by::text", ""],
    ["(e.person_id = any (steady)", "(true"],
  ]);
  let wrong = 0;
  for (let round = 0; round < 4 && wrong === 0; round++) wrong += (await raceOn(db)).wrong;
  expect(wrong).toBeGreaterThan(0);
});
