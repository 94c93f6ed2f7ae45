/** A lead whose facts were wrong is corrected, and the dial, the funnel and the hours follow. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { place } from "../../src/dispatch/place.ts";
import { correctLead, type LeadCorrection } from "../../src/domain/leads/correct-lead.ts";
import { judgeStale } from "../../src/domain/standing/judge-stale.ts";
import { publicId } from "../../src/lib/ids.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { mintOne } from "../dispatch/mint.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, type World } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";

describe("PATCH /v1/leads/{id}", () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.close());

  test("sets what is sent, empties what is null, leaves the rest, and says what the lead still lacks", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/leads", { phone: "+12122300003", state: "Nowhere", first_name: "Dana", notes: "x" });
    expect(made.json.warnings).toMatchObject([{ code: "unknown_state" }]);
    expect(made.json.warnings[0].detail).toContain("PATCH /v1/leads/{id}");
    const at = `/v1/leads/${made.json.id}`;
    const still = await org.patch(at, { zip: "10001", notes: null, callback_at: "2026-11-19T15:00:00Z" });
    expect(still.json).toMatchObject({
      first_name: "Dana",
      zip: "10001",
      notes: null,
      state: "Nowhere",
      callback_at: "2026-11-19T15:00:00Z",
      warnings: [{ code: "unknown_state" }],
    });
    const done = await org.patch(at, { state: " New York ", external_id: "crm-1" });
    expect(done.status).toBe(200);
    expect(done.json).toMatchObject({ state: "New York", external_id: "crm-1", warnings: [], enrolments_moved: 0 });
    const { warnings: _, enrolments_moved: __, ...lead } = done.json;
    expect((await org.get(at)).json).toEqual(lead);
    for (const work of ["standing", "scrub", "dial"]) expect(api.woken).toContainEqual({ orgId: org.orgId, work });
  });

  test("never touches the number, and names an unknown field", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/leads", { phone: "+12122300003", state: "NY" });
    const refused = await org.patch(`/v1/leads/${made.json.id}`, { phone: "+12122300004" });
    expect(refused.json).toMatchObject({ status: 422, errors: [{ pointer: "/phone", code: "unknown_field" }] });
  });

  test("has one audit entry that names the fields and holds no value; the same again has none", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/leads", { phone: "+12122300003", state: "NJ", first_name: "Dana" });
    const at = `/v1/leads/${made.json.id}`;
    await org.patch(at, { state: "NY", first_name: "Dena" });
    await org.patch(at, { state: "NY", first_name: "Dena" });
    await org.patch(at, {});
    const entries = (await org.get("/v1/audit?limit=100")).json.data as { type: string; subject: string; facts: string }[];
    const corrections = entries.filter((entry) => entry.type === "lead.corrected");
    expect(corrections).toHaveLength(1);
    expect(corrections[0]?.subject).toBe(made.json.id);
    expect(JSON.parse(corrections[0]?.facts ?? "")).toMatchObject({ changed: ["first_name", "state"], enrolments_moved: 0 });
    expect(corrections[0]?.facts).not.toContain("Dena");
  });

  test("wants leads:write, and knows no lead of another organisation", async () => {
    const [org, other] = [await api.seed(), await api.seed()];
    const reader = await api.seed({ scopes: ["leads:read"] });
    const made = await org.post("/v1/leads", { phone: "+12122300003", state: "NY" });
    expect((await reader.patch(`/v1/leads/${made.json.id}`, { state: "NJ" })).json.code).toBe("scope_missing");
    const foreign = await other.patch(`/v1/leads/${made.json.id}`, { state: "NJ" });
    const never = await other.patch(`/v1/leads/${publicId("lead", api.deps.newId())}`, { state: "NJ" });
    expect([foreign.status, foreign.json.detail]).toEqual([404, never.json.detail]);
    expect((await org.get(`/v1/leads/${made.json.id}`)).json.state).toBe("NY");
  });

  test("each lead of a batch is told by itself what it lacks", async () => {
    const org = await api.seed();
    const leads = [{ phone: "+12122300003", state: "NY" }, { phone: "+12122300004" }, { phone: "nothing" }];
    const { results } = (await org.post("/v1/leads/batch", { leads })).json;
    const codes = results.map((one: { warnings: { code: string }[] }) => one.warnings.map((warning) => warning.code));
    expect(codes).toEqual([[], ["unknown_state"], []]);
  });
});

describe("a correction", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await openTestDatabase();
  });
  afterAll(() => db.close());

  const correct = (world: World, given: LeadCorrection) => correctLead(world.org, world.leadIds[0] as string, given);
  const judge = (world: World) => judgeStale(world.deps.desk, world.org, () => false);
  const placeOf = async (world: World) => {
    const [row] = await world.sql<{ state: string; reason: string | null; due: boolean; states: string; lead_states: string }>(
      `select e.state, e.reason, e.due_at <= t.now as due, p.candidate_states as states, l.candidate_states as lead_states
         from enrolments e join hour_profiles p on p.id = e.profile_id join leads l on l.id = e.lead_id join test_clocks t on t.org_id = e.org_id
         where e.org_id = $1`,
      [world.orgId],
    );
    return row;
  };

  test("voids the permit that was minted before it: the call is not placed, and the lead waits again", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    await correct(world, { firstName: "Bo" });
    expect(await place(world.deps, world.org, permit)).toBe("cancelled");
    expect(world.voice.placed).toEqual([]);
    expect(await placeOf(world)).toMatchObject({ state: "waiting", reason: "facts_changed", due: true });
  });

  test("of an unknown state opens what calling hours held: the very lead is dialed then", async () => {
    const world = await buildWorld(db);
    await world.sql("update leads set state = 'XX', candidate_states = 'NY' where org_id = $1", [world.orgId]);
    await judge(world);
    await run(world.deps, world.org, 20);
    expect(await placeOf(world)).toMatchObject({ state: "held", reason: "unknown_state" });
    await correct(world, { state: "NY" });
    await judge(world);
    expect(await placeOf(world)).toMatchObject({ state: "waiting", due: true });
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(1);
  });

  test("moves the place to the other states' hours and asks again at once what waited for the old ones", async () => {
    const world = await buildWorld(db, { now: "2026-11-18T15:00:00Z" as Instant });
    await world.sql(
      "update enrolments set reason = 'after_window', due_at = '2026-11-19T13:00:00Z' where org_id = $1", [world.orgId]); // prettier-ignore
    expect(await placeOf(world)).toMatchObject({ states: "NY", due: false });
    const moved = await correct(world, { state: "CA" });
    expect(moved).toMatchObject({ enrolmentsMoved: 1, lead: { candidateStates: "CA,NY" } });
    expect(await placeOf(world)).toMatchObject({ states: "CA,NY", lead_states: "CA,NY", due: true });
    // 15:00 UTC is inside New York's hours and before California's.
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toEqual([]);
    await world.setClock("2026-11-18T16:30:00Z" as Instant);
    await run(world.deps, world.org, 20);
    expect(world.voice.placed).toHaveLength(1);
  });

  test("has the lists of the other state asked, and its standing results judged again", async () => {
    const world = await buildWorld(db);
    await judge(world);
    await correct(world, { state: "CO" });
    const [lead] = await world.sql("select scrub_due_at <= (select now from test_clocks t where t.org_id = l.org_id) as due from leads l where org_id = $1", [world.orgId]); // prettier-ignore
    expect(lead).toEqual({ due: true });
    await judge(world);
    const [place] = await world.sql<{ standing: { gate: string; verdict: string }[] }>("select standing from enrolments where org_id = $1", [world.orgId]); // prettier-ignore
    expect(place?.standing.find((one) => one.gate === "dnc")).toMatchObject({ verdict: "block" });
  });

  test("of a call-back time asks again what waited for the organisation's own gap", async () => {
    const world = await buildWorld(db);
    await world.sql(
      "update enrolments set reason = 'recall_gap', due_at = '2026-12-01' where org_id = $1", [world.orgId]); // prettier-ignore
    expect(await correct(world, { city: "Albany" })).toMatchObject({ enrolmentsMoved: 0 });
    expect(await placeOf(world)).toMatchObject({ due: false });
    expect(await correct(world, { callbackAt: "2026-11-18T19:00:00Z" as Instant })).toMatchObject({ enrolmentsMoved: 1 });
    expect(await placeOf(world)).toMatchObject({ due: true });
  });
});
