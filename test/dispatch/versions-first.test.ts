/** dispatch.md's first rule: the versions are read before any fact, so that what commits between the reads moves one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, Statement, Transport } from "../../src/db/transport.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { run } from "../../src/dispatch/run.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

/** A batch as a server may see it: each statement begins after whatever committed before it. */
function between(inner: Transport, commits: (after: string) => Promise<void>): Transport {
  return {
    ...inner,
    async batch(statements) {
      if (!statements.some((statement) => statement.name.startsWith("facts."))) return inner.batch(statements);
      const [bind, ...rest] = statements as [Statement, ...Statement[]];
      const answers: Answer[] = [];
      let idle = false;
      for (const statement of rest) {
        const [bound, answer] = (await inner.batch([bind, statement])) as [Answer, Answer];
        if (answers.length === 0) answers.push(bound);
        answers.push(answer);
        // A claim that found nothing reads no facts.
        if (statement.name === "app.claim_enrolments" && answer.rows[0]?.[0] === 0) idle = true;
        if (!idle) await commits(statement.name);
      }
      return answers;
    },
  };
}

const stops: Record<string, (world: World) => Promise<unknown>> = {
  // As a stop of another org's process is seen here, without the closing of the place that would keep it away anyway.
  "a suppression": (world) =>
    world.sql(
      `with s as (insert into suppressions (org_id, id, person_id, source, by_org, recorded_at) values ($1, $2, $3, 'api', false, $4))
       update persons set facts_version = facts_version + 1 where org_id = $1 and id = $3`,
      [world.orgId, newId(), world.personIds[0], noon],
    ),
  "the org's halt": (world) =>
    world.sql(
      `with h as (insert into halts (org_id, id, reason, since, by, note) values ($1, $2, 'org_halted', $3, 'user:x', 'x'))
       update org_facts set facts_version = facts_version + 1 where org_id = $1`,
      [world.orgId, newId(), noon],
    ),
  "the platform's halt": (world) =>
    world.sql("insert into platform_halts (id, reason, since, by, note) values ($1, 'platform_halted', $2, 'operator', 'x')", [
      newId(),
      noon,
    ]),
};
const facts = ["versions", "leads", "consent_events", "suppressions", "scrubs", "attempts", "campaigns"] as const;
const dials: Record<string, (world: World) => Promise<unknown>> = {
  claim: (world) => run(world.deps, world.org, 20),
  "call now": (world) => callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.campaignId }),
};

describe.each(Object.keys(dials))("%s: a stop that commits between two reads of one snapshot", (way) => {
  const dial = dials[way] as (world: World) => Promise<unknown>;
  it.each(Object.keys(stops))("%s, after each of the reads, is followed by no dial", async (name) => {
    const stop = stops[name] as (world: World) => Promise<unknown>;
    for (const read of facts) {
      let world: World | null = null;
      let done = false;
      const built = await buildWorld(db, {
        enrol: way === "claim",
        transport: (inner) =>
          between(inner, async (after) => {
            if (done || world === null || after !== `facts.${read}`) return;
            done = true;
            await stop(world);
          }),
      });
      world = built;
      await dial(built);
      await built.sql("delete from platform_halts");
      expect({ read, done, placed: built.voice.placed.length }).toEqual({ read, done: true, placed: 0 });
    }
  });

  it("control: without a stop the same split reads do dial", async () => {
    const world = await buildWorld(db, { enrol: way === "claim", transport: (inner) => between(inner, async () => undefined) });
    await dial(world);
    expect(world.voice.placed).toHaveLength(1);
  });
});
