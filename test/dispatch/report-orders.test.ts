/** A provider's reports of one call arrive in any order and more than once: every order is told, and all end the same. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OrgDb } from "../../src/db/org-db.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { connectionTransport } from "./pg-transport.ts";
import { freshOrg } from "./recover.ts";
import {
  analysed, type Change, dialWorld, type DialedWorld, keep, machine, over, registered, reportOf, running, started, stop, unanswered, unexplained,
} from "./reports.ts"; // prettier-ignore

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

/** Everything of the call, its attempt, person and enrolment, but for ids made up on the way. */
const stateSql = `select row_to_json(x)::text as state from dial_attempts a cross join lateral (
    select a.state, a.reason, a.rang, a.counts, a.answered_by_person, a.ended_by, a.ended_at, a.provider_call_id is not null as known,
      c.status, c.disposition, c.provider_reason, c.started_at, c.ended_at as call_ended_at, c.duration_seconds, c.ended_by as call_ended_by, c.transcript,
      c.transcript_state, c.recording_ref, c.stop_requested, c.stop_searched, p.stop_check, p.stop_check_since, e.state as enrolment, e.reason as because, e.due_at,
      (select count(*) from suppressions s where s.org_id = a.org_id and s.person_id = a.person_id) as suppressions,
      (select count(*) from incidents i where i.org_id = a.org_id and i.subject_id = a.id) as incidents
    from calls c, persons p, enrolments e where c.org_id = a.org_id and c.attempt_id = a.id and p.org_id = a.org_id and p.id = a.person_id
      and e.org_id = a.org_id and e.id = a.enrolment_id) x
  where a.org_id = $1`;

/** The world's one call inside a transaction that is never committed: what orders have in common is told once. */
interface Telling {
  tell(change: Change): Promise<unknown>;
  state(): Promise<string>;
  /** Does the work and takes it back. */
  apart(work: () => Promise<void>): Promise<void>;
}

async function telling(world: DialedWorld, work: (call: Telling) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: db.connectionString });
  await client.connect();
  try {
    await client.query("begin");
    const org: OrgDb = freshOrg(world, connectionTransport(client));
    // A savepoint that is gone back to takes a later binding with it.
    await org.bound();
    await work({
      tell: (change) => settle(org, world.connectionId, reportOf(world.attempts[0] as string, { ...change }), keep),
      state: async () => String((await client.query<{ state: string }>(stateSql, [world.orgId])).rows[0]?.state),
      async apart(inside) {
        await client.query("savepoint one");
        await inside();
        await client.query("rollback to savepoint one; release savepoint one");
      },
    });
  } finally {
    await client.end();
  }
}

/** Tells the reports in every order; two that are the same report are not told apart. */
async function inEveryOrder(
  call: Telling,
  left: readonly Change[],
  end: (order: readonly Change[]) => Promise<void>,
  told: readonly Change[] = [],
): Promise<void> {
  if (left.length === 0) return end(told);
  for (const change of new Set(left))
    await call.apart(async () => {
      await call.tell(change);
      await inEveryOrder(call, left.toSpliced(left.indexOf(change), 1), end, [...told, change]);
    });
}

const replaysMax = 20;
interface Story {
  readonly orders: number;
  readonly reports: readonly Change[];
  readonly expected: object;
}

describe("reports of one call, in any order", () => {
  const stories: Readonly<Record<string, Story>> = {
    "an answered call, told six times": {
      orders: 360,
      reports: [registered, started, running, over, analysed, over],
      expected: {
        state: "completed",
        reason: "answered",
        stop_check: "clear",
        enrolment: "done",
        duration_seconds: 40,
        transcript_state: "kept",
        suppressions: 0,
      },
    },
    "a call that was a machine after all": {
      orders: 24,
      reports: [started, over, machine, unexplained],
      expected: { state: "completed", reason: "voicemail", stop_check: "clear", answered_by_person: false, enrolment: "done" },
    },
    "a call in which the person says stop": {
      orders: 24,
      reports: [registered, started, over, stop],
      expected: {
        state: "completed",
        reason: "answered",
        stop_check: "clear",
        suppressions: 1,
        enrolment: "done",
        because: "opted_out",
      },
    },
    "a call that nobody answered": {
      orders: 3,
      reports: [registered, unanswered, unanswered],
      expected: { state: "failed", reason: "no_answer", counts: true, enrolment: "waiting", because: "no_answer" },
    },
    "a call of whose end two stories are told": {
      orders: 6,
      reports: [registered, unexplained, unanswered],
      expected: { state: "completed", reason: "no_answer", stop_check: "clear", enrolment: "waiting", because: "no_answer" },
    },
    "an answered call whose words never come": {
      orders: 6,
      reports: [registered, started, over],
      expected: { state: "completed", reason: "answered", stop_check: "pending", enrolment: "done" },
    },
  };
  for (const [name, { orders, reports, expected }] of Object.entries(stories)) {
    it(
      `${name}: every order of its ${reports.length} reports ends in the same state, and a replay changes nothing`,
      { timeout: 120_000 },
      async () => {
        const ends: string[] = [];
        await telling(await dialWorld(db), (call) =>
          inEveryOrder(call, reports, async (order) => {
            const state = await call.state();
            if (ends.push(state) > replaysMax) return;
            for (const change of order) await call.tell(change);
            expect(await call.state()).toBe(state);
          }),
        );
        expect(ends).toHaveLength(orders);
        expect(new Set(ends).size).toBe(1);
        expect(JSON.parse(ends[0] ?? "null")).toMatchObject(expected);
      },
    );
  }
});
