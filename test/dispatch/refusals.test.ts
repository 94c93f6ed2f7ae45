/** A provider, or we, would place no call: whose fault it is decides who waits, who is told and what stops. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import type { Placed } from "../../src/providers/voice/contract.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, noon, type World } from "../support/world.ts";
import { enrolmentOf, incidentsOf } from "./looks.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const refuses = (world: World, answer: Placed): void => {
  world.voice.script.place = () => answer;
};
const accepts = (world: World): void => {
  world.voice.script.place = (call) => ({ kind: "accepted", providerCallId: `call_${call.attemptId}` });
};
const hour = 3_600;
const later = async (world: World, seconds: number) => {
  await world.setClock(addSeconds(noon, seconds));
  await run(world.deps, world.org, 30);
};

describe("a connection over which nothing is placed", () => {
  const faults: Record<string, Placed> = {
    "a wrong agent or number": { kind: "refused", reason: "rejected", status: 422 },
    "a wrong key": { kind: "refused", reason: "unauthorized", status: 401 },
    "an unpaid account": { kind: "refused", reason: "payment_required", status: 402 },
    "a credential that does not open": { kind: "failed_no_call", reason: "credential_unavailable" },
  };
  it.each(Object.keys(faults))("%s: after five in a row it is halted, with every lead still in the queue", async (name) => {
    const world = await buildWorld(db, { leads: 40 });
    const asked: string[] = [];
    world.voice.script.place = (call) => {
      asked.push(call.attemptId);
      return faults[name] as Placed;
    };
    await run(world.deps, world.org, 30);
    // Those that were under way beside the fifth may still have been asked.
    expect(asked.length).toBeGreaterThanOrEqual(5);
    expect(asked.length).toBeLessThan(10);
    expect(await incidentsOf(world)).toEqual([
      { severity: 1, code: "connection_refusing" },
      { severity: 2, code: "connection_unusable" },
    ]);
    const states = await world.sql<{ state: string; n: number }>(
      "select state, count(*)::int as n from enrolments where org_id = $1 group by state",
      [world.orgId],
    );
    expect(states).toEqual([{ state: "waiting", n: 40 }]);
    await later(world, 2 * hour);
    expect(asked.length).toBeLessThan(10);
    // Mended, and reopened by a person: all are called, and one refusal more does not halt it again.
    accepts(world);
    const [halt] = await world.sql<{ id: string }>("select id from halts where org_id = $1 and ended_at is null", [world.orgId]);
    expect((await endHalt(world.org, halt?.id ?? "")).ok).toBe(true);
    await later(world, 2 * hour + 901);
    expect(world.voice.placed.length - asked.length).toBe(40);
    expect(
      await world.sql("select refused_in_row as n from connections where org_id = $1 and kind = 'voice'", [world.orgId]),
    ).toEqual([{ n: 0 }]);
  });

  it("that is reopened without having been mended is halted by the next refusal", async () => {
    const world = await buildWorld(db, { leads: 12 });
    refuses(world, { kind: "refused", reason: "rejected", status: 422 });
    await run(world.deps, world.org, 30);
    const before = world.voice.placed.length;
    const halts = () => world.sql<{ id: string }>("select id from halts where org_id = $1 and ended_at is null", [world.orgId]);
    await endHalt(world.org, (await halts())[0]?.id ?? "");
    await later(world, hour + 901);
    expect(world.voice.placed.length).toBeGreaterThan(before);
    expect(await halts()).toHaveLength(1);
  });
});

describe("a refusal among calls that are placed", () => {
  const cases: Record<string, { answer: Placed; state: string; incident: boolean }> = {
    "of the number ends the lead": {
      answer: { kind: "refused", reason: "invalid_number", status: 400 },
      state: "done",
      incident: false,
    },
    "for want of room is asked again": {
      answer: { kind: "refused", reason: "no_capacity", status: 429 },
      state: "waiting",
      incident: false,
    },
    "for being too fast is asked again": {
      answer: { kind: "refused", reason: "rate_limited", status: 429 },
      state: "waiting",
      incident: false,
    },
    "that names nothing is asked again, and someone is told": {
      answer: { kind: "refused", reason: "rejected", status: 422 },
      state: "waiting",
      incident: true,
    },
  };
  it.each(Object.keys(cases))("%s", async (name) => {
    const { answer, state, incident } = cases[name] as (typeof cases)[string];
    const world = await buildWorld(db);
    refuses(world, answer);
    await run(world.deps, world.org, 30);
    expect(await enrolmentOf(world)).toMatchObject({ state });
    expect(await incidentsOf(world)).toEqual(incident ? [{ severity: 2, code: "connection_unusable" }] : []);
  });

  it("for want of room is asked again ever more rarely, from a minute to an hour", async () => {
    const world = await buildWorld(db);
    refuses(world, { kind: "refused", reason: "rate_limited", status: 429 });
    const waits: number[] = [];
    let at = 0;
    for (let time = 0; time < 9; time++) {
      await later(world, at);
      const due = (await enrolmentOf(world))?.due_at.getTime() ?? 0;
      const next = due / 1000 - Date.parse(noon) / 1000;
      waits.push(next - at);
      at = next;
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it("of one lead alone, however often, does not end it: nothing shows that the fault is not the connection's", async () => {
    const world = await buildWorld(db);
    refuses(world, { kind: "refused", reason: "rejected", status: 422 });
    for (let time = 0; time < 4; time++) await later(world, time * (hour + 60));
    expect(world.voice.placed.length).toBe(4);
    expect(await enrolmentOf(world)).toMatchObject({ state: "waiting", reason: "rejected" });
    // And once a call is placed, the incident is closed.
    accepts(world);
    await later(world, 5 * (hour + 60));
    expect(await world.sql("select closed_at is null as open from incidents where org_id = $1", [world.orgId])).toEqual([
      { open: false },
    ]);
  });

  it("of one lead, three times, while others are placed, ends that lead and halts nothing", async () => {
    const world = await buildWorld(db, { leads: 8 });
    const [bad] = world.leadIds;
    let acceptsThisHour = 0;
    const [row] = await world.sql<{ e164: string }>("select e164 from leads where org_id = $1 and id = $2", [world.orgId, bad]);
    // Each hour the provider has room for one of the others.
    world.voice.script.place = (call) => {
      if (call.toNumber === row?.e164) return { kind: "refused", reason: "rejected", status: 400 };
      acceptsThisHour -= 1;
      return acceptsThisHour < 0
        ? { kind: "refused", reason: "no_capacity", status: 429 }
        : { kind: "accepted", providerCallId: `call_${call.attemptId}` };
    };
    for (let time = 0; time < 6; time++) {
      acceptsThisHour = 1;
      await later(world, time * (hour + 60));
    }
    const asked = world.voice.placed.filter((call) => call.toNumber === row?.e164);
    // In the last hour the other may be placed before it or after.
    expect([3, 4]).toContain(asked.length);
    expect(
      await world.sql("select state, reason from enrolments where org_id = $1 and lead_id = $2", [world.orgId, bad]),
    ).toEqual([{ state: "done", reason: "rejected" }]);
    expect(await world.sql("select 1 from halts where org_id = $1", [world.orgId])).toEqual([]);
  });
});

describe("what time alone cannot open", () => {
  it("a window shorter than the margin is not decided again and again: the lead waits until something changes", async () => {
    const world = await buildWorld(db, { now: "2026-11-18T18:01:00Z" as Instant });
    await world.sql("update connections set queue_delay_seconds = 600 where org_id = $1 and kind = 'voice'", [world.orgId]);
    await world.sql(
      `update campaigns set calling_window = '{"wed":{"from":"13:00","to":"13:05"},"thu":{"from":"13:00","to":"13:05"}}' where org_id = $1`,
      [world.orgId],
    );
    expect(await run(world.deps, world.org, 5)).toMatchObject({ decided: 1, permitted: 0 });
    expect(await enrolmentOf(world)).toEqual({
      state: "waiting",
      reason: "window_closing",
      due_at: new Date("2026-11-18T18:05:00Z"),
    });
  });

  it("no decision leaves its lead due at once, but for one whose facts have moved", async () => {
    const arrangements = [
      "update calling_policies set max_concurrency = 1 where org_id = $1",
      "update scrubs set result = 'listed' where org_id = $1",
      "update scrubs set scrubbed_at = scrubbed_at - interval '40 days', list_version_at = list_version_at - interval '40 days' where org_id = $1",
      "delete from consent_events where org_id = $1",
      "insert into halts (org_id, id, reason, since, by, note) values ($1, gen_random_uuid(), 'org_halted', now(), 'x', 'x')",
      "update connections set queue_delay_seconds = 30000 where org_id = $1 and kind = 'voice'",
    ];
    for (const arrangement of arrangements) {
      const world = await buildWorld(db, { leads: 3 });
      await world.sql(arrangement, [world.orgId]);
      const { decided } = await run(world.deps, world.org, 3);
      expect([arrangement, decided <= 3]).toEqual([arrangement, true]);
      const due = await world.sql(
        "select 1 from enrolments e join test_clocks t on t.org_id = e.org_id where e.org_id = $1 and e.state = 'waiting' and e.due_at <= t.now and exists (select 1 from decisions d where d.org_id = e.org_id and d.lead_id = e.lead_id)",
        [world.orgId],
      );
      expect([arrangement, due]).toEqual([arrangement, []]);
    }
  });
});
