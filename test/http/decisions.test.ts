/** What a decision was made of, and which there were. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callNow } from "../../src/dispatch/call-now.ts";
import { decide } from "../../src/gates/decide.ts";
import { gates, mandatoryGates } from "../../src/gates/registry.ts";
import type { Snapshot } from "../../src/gates/snapshot.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { addCampaign } from "../dispatch/mint.ts";
import { buildWorld, newId, noon } from "../support/world.ts";
import { type Api, openApi } from "./api.ts";
import { keyed } from "./keyed.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

/** A lead that was asked about three times, an hour apart, twice for one campaign; the first time it was called. */
async function decided() {
  const world = await buildWorld(api.db);
  const other = await addCampaign(world);
  const lead = world.leadIds[0] as string;
  for (const [hours, campaignId] of [world.campaignId, other, world.campaignId].entries()) {
    await world.setClock(addSeconds(noon, hours * 3_600));
    await callNow(world.deps, world.org, { leadId: lead, campaignId });
  }
  return {
    world,
    ...(await keyed(api, world, "decisions:read", "audit:read")),
    list: `/v1/leads/${publicId("lead", lead)}/decisions`,
    other: publicId("campaign", other),
  };
}
const sha256 = (...parts: (string | Buffer)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

describe("the snapshot of a decision", () => {
  test("has the digest that the decision and the chain name, as anyone can compute it", async () => {
    const { get, list } = await decided();
    const recorded = (await get(list)).json.data;
    expect(recorded).toHaveLength(3);
    const entries = (await get("/v1/audit?limit=100&type=decision.recorded")).json.data;
    for (const decision of recorded) {
      const { status, json } = await get(`/v1/decisions/${decision.id}/snapshot`);
      expect(status).toBe(200);
      expect(json).toMatchObject({ object: "decision_snapshot", decision_id: decision.id });
      expect(sha256(json.shared)).toBe(json.shared_digest);
      expect(sha256(Buffer.from(json.shared_digest, "hex"), json.own)).toBe(decision.snapshot_digest);
      expect(json.snapshot_digest).toBe(decision.snapshot_digest);
      expect(json.snapshot).toEqual({ ...JSON.parse(json.shared), ...JSON.parse(json.own) });
      const facts = entries.map((entry: { facts: string }) => JSON.parse(entry.facts) as Record<string, unknown>);
      expect(facts.find(({ decision: id }: { decision: string }) => id === decision.id)?.snapshot_digest).toBe(
        decision.snapshot_digest,
      );
    }
  });

  test("is all that the gates need to say the same again", async () => {
    const { get, list } = await decided();
    const said = [];
    for (const decision of (await get(list)).json.data) {
      const { snapshot } = (await get(`/v1/decisions/${decision.id}/snapshot`)).json as { snapshot: Snapshot };
      const again = decide(gates, snapshot, { mandatory: mandatoryGates });
      const { verdict, reason_codes, next_eligible_at, valid_until } = again;
      expect({ verdict, reason_codes, next_eligible_at, valid_until }).toEqual({
        verdict: decision.verdict,
        reason_codes: decision.reason_codes,
        next_eligible_at: decision.next_eligible_at,
        valid_until: decision.valid_until,
      });
      expect(again.results.map(({ gate, reason_code }) => [gate, reason_code])).toEqual(
        decision.gates.map((gate: { gate: string; reason_code: string }) => [gate.gate, gate.reason_code]),
      );
      said.push(verdict);
    }
    expect(said, "newest first; the first was called, and its person was busy then").toEqual(["defer", "defer", "allow"]);
  });

  test.each([
    ["the lead's own facts", "update decisions set own_facts = replace(own_facts, 'NY', 'NJ') where org_id = $1"],
    ["what many share", "update snapshot_parts set body = replace(body, 'Acme Solar LLC', 'Acme Lunar LLC') where org_id = $1"],
  ])("that was changed since is not answered: %s", async (_, change) => {
    const { world, get, list } = await decided();
    const [decision] = (await get(list)).json.data;
    const before = await get(`/v1/decisions/${decision.id}/snapshot`);
    await world.sql(change, [world.orgId]);
    const after = await get(`/v1/decisions/${decision.id}/snapshot`);
    expect([before.status, after.status]).toEqual([200, 500]);
    expect(after.text).not.toContain("Acme");
    expect(api.faults.splice(0)).toHaveLength(1);
  });

  test("of no decision is 404", async () => {
    const { get } = await decided();
    expect((await get(`/v1/decisions/${publicId("decision", newId())}/snapshot`)).status).toBe(404);
  });
});

describe("a lead's decisions", () => {
  test("are listed newest first, page by page, of one campaign or of all", async () => {
    const { get, list, other } = await decided();
    const instants = (json: { data: { at: string }[] }) => json.data.map(({ at }) => at);
    const hours = (...each: number[]) => each.map((hour) => addSeconds(noon, hour * 3_600));
    const first = (await get(`${list}?limit=2`)).json;
    expect(instants(first)).toEqual(hours(2, 1));
    expect(first.has_more).toBe(true);
    expect(instants((await get(`${list}?limit=2&cursor=${first.next_cursor}`)).json)).toEqual(hours(0));
    expect(instants((await get(`${list}?campaign_id=${other}`)).json)).toEqual(hours(1));
    expect((await get(list.replace("decisions", "decision"))).json.at).toBe(hours(2)[0]);
    expect((await get(list)).json.data[0]).toEqual((await get(list.replace("decisions", "decision"))).json);
  });

  test("are none where it was never asked about, and 404 where there is no such lead", async () => {
    const world = await buildWorld(api.db);
    const { get } = await keyed(api, world, "decisions:read");
    expect((await get(`/v1/leads/${publicId("lead", world.leadIds[0] as string)}/decisions`)).json).toMatchObject({
      data: [],
      has_more: false,
    });
    expect((await get(`/v1/leads/${publicId("lead", newId())}/decisions`)).status).toBe(404);
  });
});
