import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noteNotSettled, settleLost } from "../../src/db/queries/dispatch.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { haltForDnc } from "../../src/domain/scrubs/halt-for-dnc.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { type DialedWorld, dialWorld, started, tell } from "../dispatch/reports.ts";
import { newId, noon, type WorldOptions } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";
import { keyed } from "./keyed.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

/** A world whose leads are dialed, with a key for the API. */
async function dialed(options: WorldOptions = {}) {
  const world = await dialWorld(api.db, options);
  return { world, ...(await keyed(api, world, "halts:read", "halts:write", "audit:read")) };
}
const unsettle = async (world: DialedWorld) => {
  for (const id of world.attempts) {
    await world.org.query(noteNotSettled(id, 1));
    // Ids of one millisecond are in no order.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
const reason = "The provider confirmed that the call ended.";
const closingsOf = (entries: { type: string; subject: string; facts: string }[]) =>
  entries
    .filter(({ type }) => type === "incident.closed" || type === "halt.ended")
    .map(({ type, subject, facts }) => [type, subject, JSON.parse(facts) as Record<string, unknown>] as const);

describe("incidents", () => {
  test("are listed newest first, page by page, and got one by one", async () => {
    const { world, get } = await dialed({ leads: 5 });
    await unsettle(world);
    const subjects = world.attempts.map((id) => publicId("attempt", id)).toReversed();
    const first = await get("/v1/incidents?limit=3");
    const second = await get(`/v1/incidents?limit=3&cursor=${first.json.next_cursor}`);
    expect([...first.json.data, ...second.json.data].map(({ subject }: { subject: string }) => subject)).toEqual(subjects);
    expect(second.json).toMatchObject({ has_more: false, next_cursor: null });
    const [shown] = first.json.data;
    expect(shown).toEqual({
      id: expect.stringMatching(/^inc_[0-9a-z]{26}$/), object: "incident", severity: 2, code: "attempt_unsettled",
      subject: subjects[0], halt_id: null, halting: false, detail: { attempt: subjects[0], failures: 1 },
      opened_at: noon, closed_at: null, closed_by: null, close_reason: null,
    }); // prettier-ignore
    expect((await get(`/v1/incidents/${shown.id}`)).json).toEqual(shown);
    expect((await get(`/v1/incidents/${publicId("incident", newId())}`)).status).toBe(404);
  });

  test("that are over are left out where only open ones are asked for", async () => {
    const { world, get } = await dialed({ leads: 2 });
    await unsettle(world);
    await world.org.query(settleLost(world.attempts[0] as string));
    expect((await get("/v1/incidents")).json.data).toHaveLength(2);
    expect((await get("/v1/incidents?open=false")).json.data).toHaveLength(2);
    expect((await get("/v1/incidents?open=true")).json.data).toMatchObject([
      { subject: publicId("attempt", world.attempts[1] as string) },
    ]);
    expect((await get("/v1/incidents")).json.data[1]).toMatchObject({
      closed_at: noon,
      closed_by: "system",
      close_reason: "attempt_settled",
    });
  });

  test("are closed by a person, once, with a reason, which the chain proves and does not tell", async () => {
    const { world, get, post, actor } = await dialed();
    await unsettle(world);
    const { id } = (await get("/v1/incidents")).json.data[0];
    expect(await post(`/v1/incidents/${id}/close`, {})).toMatchObject({
      status: 422,
      json: { errors: [{ pointer: "/reason" }] },
    });
    const closed = await post(`/v1/incidents/${id}/close`, { reason });
    expect(closed).toMatchObject({ status: 200, json: { id, closed_at: noon, closed_by: actor, close_reason: reason } });
    expect((await get(`/v1/incidents/${id}`)).json).toEqual(closed.json);
    expect(await post(`/v1/incidents/${id}/close`, { reason })).toMatchObject({
      status: 409,
      json: { errors: [{ code: "incident_closed" }] },
    });
    const { json, text } = await get("/v1/audit?limit=100");
    const sha256 = createHash("sha256").update(reason).digest("hex");
    expect(closingsOf(json.data)).toEqual([
      [
        "incident.closed",
        publicId("attempt", world.attempts[0] as string),
        expect.objectContaining({ code: "attempt_unsettled", incident: id, reason_sha256: sha256 }),
      ],
    ]);
    expect(text).not.toContain(reason);
    // Nothing was settled: the next sign of it is told again.
    await unsettle(world);
    expect((await get("/v1/incidents?open=true")).json.data).toHaveLength(1);
  });
});

describe("an incident that halts", () => {
  const verdict = async (world: DialedWorld) => {
    const asked = { leadId: world.leadIds.at(-1) as string, campaignId: world.campaignId, at: null };
    const done = await dryRun(world.org, world.deps.desk, asked);
    return done.ok ? done.value.decision.reason_codes : [];
  };
  const stray = async () => {
    const made = await dialed();
    await tell(made.world, made.world.attempts[0] as string, { ...started, providerCallId: "call_other" });
    const [incident] = (await made.get("/v1/incidents?open=true")).json.data;
    expect(incident).toMatchObject({ severity: 1, code: "second_call_for_attempt", halting: true });
    expect(await verdict(made.world)).toContain("incident_open");
    return { ...made, incident };
  };

  test("is closed by a person, and its halt ends with it", async () => {
    const { world, get, post, incident } = await stray();
    const woken = api.woken.length;
    expect(await post(`/v1/incidents/${incident.id}/close`, { reason })).toMatchObject({
      status: 200,
      json: { halting: false, close_reason: reason },
    });
    expect(api.woken.slice(woken)).toContainEqual({ orgId: world.orgId, work: "dial" });
    expect(await verdict(world)).not.toContain("incident_open");
    expect((await get("/v1/halts?open=true")).json.data).toEqual([]);
    expect(closingsOf((await get("/v1/audit?limit=100")).json.data).map(([type, subject]) => [type, subject])).toEqual([
      ["incident.closed", incident.subject],
      ["halt.ended", incident.halt_id],
    ]);
  });

  test("is closed with its halt, which the chain says of both", async () => {
    const { get, post, incident, actor } = await stray();
    expect((await post(`/v1/halts/${incident.halt_id}/end`)).status).toBe(200);
    expect((await get(`/v1/incidents/${incident.id}`)).json).toMatchObject({
      halting: false,
      closed_by: actor,
      close_reason: "halt_ended",
    });
    expect(closingsOf((await get("/v1/audit?limit=100")).json.data).map(([type, subject]) => [type, subject])).toEqual([
      ["halt.ended", incident.halt_id],
      ["incident.closed", incident.subject],
    ]);
  });

  test("because a do-not-call source failed takes a fresh scrub and a person, by either route", async () => {
    const { world, get, post } = await dialed();
    const [source] = await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [
      world.orgId,
    ]);
    await haltForDnc(world.org, source?.id ?? "", "timeout");
    const [incident] = (await get("/v1/incidents")).json.data;
    expect(incident).toMatchObject({
      code: "dnc_source_failing",
      subject: publicId("connection", source?.id ?? ""),
      halting: true,
    });
    const before = (await get("/v1/audit?limit=100")).json.head.seq;
    expect(await post(`/v1/incidents/${incident.id}/close`, { reason })).toMatchObject({
      status: 409,
      json: { errors: [{ code: "scrub_wanted" }] },
    });
    expect((await get(`/v1/incidents/${incident.id}`)).json).toEqual(incident);
    expect((await get("/v1/audit?limit=100")).json.head.seq, "nothing was done").toBe(before);
    await world.setClock(addSeconds(noon, 60));
    await world.sql(
      `insert into scrubs (org_id, id, person_id, list, kind, result, list_version_at, scrubbed_at, connection_id, run_id)
         values ($1, $2, $3, 'national', 'do_not_call', 'clear', $4, $4, $5, $2)`,
      [world.orgId, newId(), world.personIds[0], noon, source?.id],
    );
    expect((await post(`/v1/incidents/${incident.id}/close`, { reason })).status).toBe(200);
  });
});
