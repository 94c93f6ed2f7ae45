import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());

describe("the dial, end to end", () => {
  it("places a due lead's call once, with a committed allow behind it", async () => {
    const world = await buildWorld(db, { leads: 3 });
    const result = await run(world.deps, world.org, 20);
    expect(result).toMatchObject({ decided: 3, permitted: 3, placed: 3 });
    expect(world.voice.placed).toHaveLength(3);
    // 21:00 in New York is eight hours away: what has not rung ten seconds before is cancelled.
    expect(world.looks).toEqual([8 * 3_600 - 10]);
    const attempts = await world.sql("select state, counts from dial_attempts where org_id = $1", [world.orgId]);
    expect(attempts).toEqual([1, 2, 3].map(() => ({ state: "placed", counts: true })));
    const decisions = await world.sql("select verdict, outcome from decisions where org_id = $1", [world.orgId]);
    expect(decisions).toEqual([1, 2, 3].map(() => ({ verdict: "allow", outcome: "permitted" })));
    expect(await run(world.deps, world.org, 20)).toMatchObject({ decided: 0, placed: 0 });
  });
});
