/** Writes that let held enrolments be judged again, at once and about the same hour profiles. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OrgDb } from "../../src/db/org-db.ts";
import { reopenPersons } from "../../src/db/queries/persons.ts";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";

const people = 240;
const rounds = 6;
const atOnce = 6;

let db: TestDatabase;
let world: World;
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
  world = await buildWorld(db, { leads: people });
  // A profile for each of a dozen: every batch of persons meets all of them, each in an order of its own.
  await world.sql(
    `insert into hour_profiles (org_id, id, campaign_id, candidate_states)
       select $1, gen_random_uuid(), $2, 'N' || n from generate_series(1, 12) n`,
    [world.orgId, world.campaignId],
  );
});
afterAll(() => db.close());

/** Everybody held, on a profile by chance. */
const holdAll = () =>
  world.sql(
    `update enrolments e set state = 'held', reason = 'dnc_unknown', profile_id = x.id
       from (select e.id as enrolment, (array_agg(p.id order by random()))[1] as id from enrolments e join hour_profiles p on p.org_id = e.org_id
               where e.org_id = $1 group by e.id) x
       where e.org_id = $1 and e.id = x.enrolment`,
    [world.orgId],
  );

/** Disjoint groups of persons, as concurrent runs of one scrub have them. */
const groups = () => Array.from({ length: atOnce }, (_, at) => world.personIds.filter((_person, index) => index % atOnce === at));

async function deadlocksOf(write: (org: OrgDb, persons: readonly string[]) => Promise<unknown>): Promise<number> {
  let deadlocks = 0;
  for (let round = 0; round < rounds && deadlocks === 0; round++) {
    await holdAll();
    const done = await Promise.allSettled(groups().map((persons) => write(world.org, persons)));
    for (const one of done) {
      if (one.status === "fulfilled") continue;
      if ((one.reason as { sqlstate?: string }).sqlstate !== "40P01") throw one.reason;
      deadlocks += 1;
    }
  }
  return deadlocks;
}

const connectionOf = async () =>
  String(
    (await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]))[0]?.id,
  );

test("concurrent scrubs and grants of many persons on the same profiles do not deadlock, and everybody waits again", async () => {
  const connectionId = await connectionOf();
  const clear = (persons: readonly string[]) =>
    recordScrubs({
      runId: newId(), connectionId, responseDigest: "\\x00", leads: [],
      answers: persons.map((personId) => ({ id: newId(), personId, list: "national", kind: "do_not_call", result: "clear", listVersionAt: noon })),
    }); // prettier-ignore
  let turn = 0;
  const deadlocks = await deadlocksOf((org, persons) => org.query(turn++ % 2 === 0 ? clear(persons) : reopenPersons(persons)));
  const [left] = await world.sql("select count(*)::int as n from enrolments where org_id = $1 and state = 'held'", [world.orgId]);
  expect({ deadlocks, held: left?.["n"] }).toEqual({ deadlocks: 0, held: 0 });
});

test("control: person by person, as a loop would do it, the same writes do deadlock", async () => {
  const oneByOne = (persons: readonly string[]) => ({
    name: "one_by_one",
    text: "select count(app.reopen_persons(array[u.person])) from unnest($1::uuid[]) as u(person)",
    params: [persons],
  });
  expect(await deadlocksOf((org, persons) => org.query(oneByOne(persons)))).toBeGreaterThan(0);
});
