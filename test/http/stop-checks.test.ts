import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callNow } from "../../src/dispatch/call-now.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { endedReport } from "../dispatch/provider-ledger.ts";
import { addCampaign } from "../dispatch/mint.ts";
import { buildWorld, type World } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const ended = "2026-11-18T18:00:45Z" as Instant;
const words = { verdict: "clear", judged_by: "Dana Reyes", reason: "Listened to the recording." };

/** A lead whose call ended answered, without a transcript; a second campaign wants it too. With a key for the API. */
async function answered(): Promise<
  World & Awaited<ReturnType<typeof keyed>> & { attempt: string; person: string; other: string }
> {
  const world = await buildWorld(api.db);
  await run(world.deps, world.org, 20);
  const [row] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [world.orgId]);
  const attempt = row?.id ?? "";
  await settle(
    world.org,
    world.connectionId,
    endedReport(publicId("attempt", attempt), { transcript: null, recordingRef: null, final: false }),
    { keep_transcripts: true, keep_recordings: true },
  );
  const other = await addCampaign(world);
  return { ...world, ...(await keyed(world)), attempt, person: publicId("person", world.personIds[0] as string), other };
}
async function keyed(world: World) {
  const key = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(4));
  await world.sql(
    "insert into api_keys (org_id, id, name, secret_hash, scopes, created_at) values ($1, $2, 'test', $3, '{suppressions:read,suppressions:write,audit:read}', now())",
    [world.orgId, key.id, await api.deps.hashApiKey(key.clear)],
  );
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.send(method, path, { key: key.clear, headers, ...(body === undefined ? {} : { body }) });
  return {
    list: (query = "") => send("GET", `/v1/stop_checks${query}`),
    judge: (person: string, body: unknown = words, headers = {}) =>
      send("POST", `/v1/stop_checks/${person}/judge`, body, headers),
    audit: () => send("GET", "/v1/audit?limit=100"),
  };
}
const missing = async (world: World) => {
  await world.setClock(addSeconds(ended, 86_400));
  await reconcile(world.deps, world.org);
  await run(world.deps, world.org, 20);
};
const personOf = async (world: World) =>
  (
    await world.sql<{ stop_check: string; facts_version: string }>(
      "select p.stop_check, p.facts_version from persons p join leads l on l.person_id = p.id where p.org_id = $1",
      [world.orgId],
    )
  )[0];
const placesOf = (world: World) =>
  world.sql<{ state: string; reason: string }>("select state, reason from enrolments where org_id = $1 order by id", [
    world.orgId,
  ]);

describe("a stop check that is missing", () => {
  test("is found with its person, lead and call, and not before its day is over", async () => {
    const world = await answered();
    const shown = {
      id: world.person, object: "stop_check", since: ended, missing_at: addSeconds(ended, 86_400),
      lead_id: publicId("lead", world.leadIds[0] as string), phone: "+12122340000", attempt_id: publicId("attempt", world.attempt),
    }; // prettier-ignore
    expect((await world.list()).json.data).toEqual([]);
    expect((await world.list("?status=pending")).json.data).toMatchObject([{ ...shown, status: "pending" }]);
    await missing(world);
    const { json } = await world.list();
    expect(json).toMatchObject({ has_more: false, data: [{ ...shown, status: "missing" }] });
    expect(json.data[0].call_id).toMatch(/^call_/);
  });

  test("judged clear lets whom it held be dialed, voids what was decided, and says who judged and why", async () => {
    const world = await answered();
    await missing(world);
    expect(await placesOf(world)).toContainEqual({ state: "held", reason: "stop_check_missing" });
    const before = await personOf(world);
    const judged = await world.judge(world.person);
    expect(judged.status).toBe(201);
    expect(judged.json).toMatchObject({
      object: "stop_check_judgement", person_id: world.person, ...words, enrolments_reopened: 1, suppression_id: null,
    }); // prettier-ignore
    const after = await personOf(world);
    expect(after?.stop_check).toBe("clear");
    expect(Number(after?.facts_version)).toBeGreaterThan(Number(before?.facts_version));
    expect(api.woken).toContainEqual({ orgId: world.orgId, work: "dial" });
    expect(
      await world.sql("select verdict, judged_by, reason from stop_check_judgements where org_id = $1", [world.orgId]),
    ).toEqual([words]);
    const { json, text } = await world.audit();
    expect(json.data.at(-1)).toMatchObject({ type: "stop_check.judged" });
    expect(text).not.toContain("Listened");
    expect(await world.judge(world.person)).toMatchObject({ status: 409, json: { errors: [{ code: "stop_check_clear" }] } });
    expect((await world.list()).json.data).toEqual([]);
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(2);
  });

  test("once judged does not come back with the person's next call", async () => {
    const world = await answered();
    await missing(world);
    await world.judge(world.person);
    const called = await callNow(world.deps, world.org, { leadId: world.leadIds[0] as string, campaignId: world.other });
    expect(called.kind).toBe("placed");
    const [next] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1 order by id desc limit 1", [
      world.orgId,
    ]);
    await settle(world.org, world.connectionId, endedReport(publicId("attempt", next?.id ?? "")), {
      keep_transcripts: true,
      keep_recordings: true,
    });
    expect(await personOf(world)).toMatchObject({ stop_check: "clear" });
  });

  test("judged stop goes the way of any suppression", async () => {
    const world = await answered();
    await missing(world);
    const judged = await world.judge(world.person, { ...words, verdict: "stop" });
    expect(judged.json).toMatchObject({ verdict: "stop", enrolments_reopened: 0, enrolments_closed: 1 });
    expect(judged.json.suppression_id).toMatch(/^supp_/);
    expect(api.woken).toContainEqual({ orgId: world.orgId, work: "outbox" });
    expect(new Set((await placesOf(world)).map((place) => place.state))).toEqual(new Set(["done"]));
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(1);
    const types = (await world.audit()).json.data.map((entry: { type: string }) => entry.type);
    expect(types.slice(-2)).toEqual(["stop_check.judged", "suppression.created"]);
  });
});

describe("what may not be judged", () => {
  test("a pending check is not cleared: the refusal says when it may be, and nothing is written; a stop is taken", async () => {
    const world = await answered();
    await world.setClock(addSeconds(ended, 86_399));
    const refused = await world.judge(world.person);
    expect(refused).toMatchObject({ status: 409, json: { code: "conflict", errors: [{ code: "stop_check_pending" }] } });
    expect(refused.json.detail).toMatch(/missing_at/);
    expect(await personOf(world)).toMatchObject({ stop_check: "pending" });
    expect(await world.sql("select 1 from stop_check_judgements where org_id = $1", [world.orgId])).toEqual([]);
    expect((await world.judge(world.person, { ...words, verdict: "stop" })).status).toBe(201);
  });

  test("a day after the call's end it may be, also where nothing has marked it missing yet", async () => {
    const world = await answered();
    await world.setClock(addSeconds(ended, 86_400));
    expect((await world.judge(world.person)).status).toBe(201);
  });

  test("another organisation's person and one that never was give the same 404, and a judgement names who and why", async () => {
    const world = await answered();
    const other = await answered();
    await missing(world);
    const foreign = await other.judge(world.person);
    const never = await other.judge(publicId("person", api.deps.newId()));
    expect([foreign.status, never.status]).toEqual([404, 404]);
    expect(foreign.json.detail).toBe(never.json.detail);
    expect((await world.judge(world.person, { verdict: "clear", judged_by: " ", reason: "x" })).json).toMatchObject({
      status: 422,
      errors: [{ pointer: "/judged_by" }],
    });
    expect((await world.judge("rubbish")).status).toBe(404);
  });

  test("with the same Idempotency-Key one judgement is made", async () => {
    const world = await answered();
    await missing(world);
    const key = { "idempotency-key": "judge-once" };
    const first = await world.judge(world.person, words, key);
    const again = await world.judge(world.person, words, key);
    expect(again.text).toBe(first.text);
    expect(await world.sql("select count(*)::int as n from stop_check_judgements where org_id = $1", [world.orgId])).toEqual([
      { n: 1 },
    ]);
  });
});
