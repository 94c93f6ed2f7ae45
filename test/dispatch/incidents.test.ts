/** An incident is over when what it was opened for is: in the same transaction, and never before. What halts is a person's to end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noteNotSettled, recordAnswer, settleAbsent, settleLost } from "../../src/db/queries/dispatch.ts";
import { closeInboxRows, closeOutboxRows } from "../../src/db/queries/inbox.ts";
import { stopPerson } from "../../src/db/queries/persons.ts";
import { deleteConnection } from "../../src/domain/connections/delete-connection.ts";
import { judgeStopCheck } from "../../src/domain/stop-checks/judge-stop-check.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { newId, noon, type World } from "../support/world.ts";
import { attemptOf, expectPublicIds } from "./looks.ts";
import { analysed, dialWorld, over, registered, started, tell, unanswered } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const told = (world: World) =>
  world.sql<{ code: string; closed_by: string | null; close_reason: string | null }>(
    "select code, closed_by, close_reason from incidents where org_id = $1 order by id",
    [world.orgId],
  );
const open = (code: string) => ({ code, closed_by: null, close_reason: null });
const closed = (code: string, why: string) => ({ code, closed_by: "system", close_reason: why });
const closings = (world: World) =>
  world.sql<{ subject: string; facts: string }>(
    `select p.subject_text as subject, p.facts_text as facts from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq
       where e.org_id = $1 and e.event_type = 'incident.closed' order by e.seq`,
    [world.orgId],
  );
const put = (world: World, state: string, id: string | null) =>
  world.sql("update dial_attempts set state = $2, provider_call_id = $3 where org_id = $1", [world.orgId, state, id]);

describe("an attempt that could not be settled", () => {
  const unsettled = async () => {
    const world = await dialWorld(db);
    const [id = ""] = world.attempts;
    await world.org.query(noteNotSettled(id, 1));
    expect(await told(world)).toEqual([open("attempt_unsettled")]);
    return { world, id };
  };
  test.each<[string, (world: World, id: string) => Promise<unknown>]>([
    ["a report that ends it", (world, id) => tell(world, id, analysed)],
    ["a report that nobody answered it", (world, id) => tell(world, id, unanswered)],
    [
      "a look-up that does not find it",
      async (world, id) => {
        await put(world, "unknown", null);
        await world.org.query(settleAbsent(id));
      },
    ],
    ["a day without a word of it", (world, id) => world.org.query(settleLost(id))],
    [
      "the provider's late refusal",
      async (world, id) => {
        await put(world, "dialing", null);
        await world.org.query(recordAnswer(id, "refused", "invalid_number", null, null));
      },
    ],
  ])("is one no more after %s", async (_, end) => {
    const { world, id } = await unsettled();
    await end(world, id);
    expect(await told(world)).toEqual([closed("attempt_unsettled", "attempt_settled")]);
    const [incident] = await world.sql<{ id: string }>("select id from incidents where org_id = $1", [world.orgId]);
    const entries = await closings(world);
    expect(entries.map(({ subject, facts }) => [subject, JSON.parse(facts)])).toEqual([
      [
        publicId("attempt", id),
        { code: "attempt_unsettled", incident: publicId("incident", incident?.id ?? ""), reason: "attempt_settled" },
      ],
    ]);
    await tell(world, id, analysed).catch(() => undefined);
    expect((await told(world)).filter(({ code }) => code === "attempt_unsettled")).toHaveLength(1);
  });

  test("is one still while its call goes on", async () => {
    const { world, id } = await unsettled();
    await tell(world, id, registered);
    await tell(world, id, started);
    expect(await attemptOf(world, id)).toMatchObject({ state: "in_progress" });
    expect(await told(world)).toEqual([open("attempt_unsettled")]);
  });

  test("is one still when what ended it is rolled back", async () => {
    const { world, id } = await unsettled();
    await expect(world.org.query(settleLost(id), { name: "fails", text: "select 1 / 0", params: [] })).rejects.toThrow("22012");
    expect(await told(world)).toEqual([open("attempt_unsettled")]);
    expect(await closings(world)).toEqual([]);
  });
});

describe("a webhook that could not be applied", () => {
  const givenUp = async (call: (id: string) => string | null = (id) => `call_${publicId("attempt", id)}`) => {
    const world = await dialWorld(db);
    const [id = ""] = world.attempts;
    const row = newId();
    await world.sql(
      `insert into webhook_inbox (org_id, id, connection_id, dedupe_key, type, provider_call_id, attempt_id, received_at, body_digest, body, report, state)
         values ($1, $2, $3, 'x', 'call_ended', $4, $5, now(), '\\x00', '{}', '{}', 'pending')`,
      [world.orgId, row, world.connectionId, call(id), id],
    );
    await world.org.query(closeInboxRows([{ id: row, state: "failed", reason: "not_applied" }]));
    expect(await told(world)).toEqual([open("webhook_not_applied")]);
    return { world, id, row };
  };
  test.each([(id: string) => `call_${publicId("attempt", id)}`, () => null])(
    "is made good by what settles its call, once that has been searched for a stop",
    async (call) => {
      const { world, id, row } = await givenUp(call);
      await tell(world, id, started);
      expect(await told(world), "the call goes on").toEqual([open("webhook_not_applied")]);
      await tell(world, id, over);
      expect(await told(world), "who answered has not been heard").toEqual([open("webhook_not_applied")]);
      await tell(world, id, analysed);
      expect(await told(world)).toEqual([closed("webhook_not_applied", "call_settled")]);
      expect((await closings(world)).map(({ subject }) => subject)).toEqual([publicId("event", row)]);
    },
  );
  test("is made good by a person who judges what could not be searched", async () => {
    const { world, id } = await givenUp();
    await tell(world, id, over);
    await world.setClock(addSeconds(noon, 25 * 3_600));
    const judgement = { verdict: "clear", judgedBy: "Dana Reyes", reason: "Listened to the recording." } as const;
    expect(await judgeStopCheck(world.org, world.personIds[0] as string, judgement)).toMatchObject({ ok: true });
    expect(await told(world)).toEqual([closed("webhook_not_applied", "call_settled")]);
  });
  test("is made good when it is applied after all", async () => {
    const { world, row } = await givenUp();
    await world.org.query(closeInboxRows([{ id: row, state: "pending", reason: null }]));
    expect(await told(world)).toEqual([open("webhook_not_applied")]);
    await world.org.query(closeInboxRows([{ id: row, state: "applied", reason: null }]));
    expect(await told(world)).toEqual([closed("webhook_not_applied", "call_settled")]);
  });
  test("is made good by no other call", async () => {
    const { world } = await givenUp(() => "call_of_another");
    await tell(world, world.attempts[0] as string, analysed);
    expect(await told(world)).toEqual([open("webhook_not_applied")]);
  });
});

test("a stop that no provider took is over with its call", async () => {
  const world = await dialWorld(db);
  const [id = ""] = world.attempts;
  await world.org.query(stopPerson(world.personIds[0] as string, "suppressed"));
  const [row] = await world.sql<{ id: string }>("select id from outbox where org_id = $1", [world.orgId]);
  const refused = { id: row?.id ?? "", attemptId: id, done: false, accepted: false, reason: "not_accepted" };
  await world.org.query(closeOutboxRows([refused], 0));
  expect(await told(world)).toEqual([open("stop_not_accepted")]);
  await tell(world, id, analysed);
  expect(await told(world)).toEqual([closed("stop_not_accepted", "stop_accepted_or_call_over")]);
});

test("a connection that is deleted refuses no call any more", async () => {
  const world = await dialWorld(db);
  const [id = ""] = world.attempts;
  await put(world, "dialing", null);
  await world.org.query(recordAnswer(id, "refused", "unauthorized", null, addSeconds(noon, 3_600)));
  expect(await told(world)).toEqual([open("connection_unusable")]);
  expect(await deleteConnection(world.org, world.connectionId)).toMatchObject({ ok: true });
  expect(await told(world)).toEqual([closed("connection_unusable", "connection_accepting_or_deleted")]);
});

test("what halts stays open whatever comes of its attempt, and so does its halt", async () => {
  const world = await dialWorld(db);
  const [id = ""] = world.attempts;
  await tell(world, id, { ...started, providerCallId: "call_other" });
  await tell(world, id, analysed);
  expect(await attemptOf(world, id)).toMatchObject({ state: "completed" });
  expect(await told(world)).toEqual([open("second_call_for_attempt")]);
  expect(await world.sql("select 1 from halts where org_id = $1 and ended_at is null", [world.orgId])).toHaveLength(1);
});

test("none of these entries names a row by its own uuid", () => expectPublicIds(db));
