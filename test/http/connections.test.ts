import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulators, type Simulators } from "../../dev/simulators/simulators.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { adaptersOf } from "../../src/providers/registry.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { retellConnection, retellKey } from "./voice-signature.ts";

let simulators: Simulators;
let api: Api;
let acme: Caller;
beforeAll(async () => {
  simulators = await startSimulators();
  api = await openApi({}, simulators.origin);
  acme = await api.seed();
  simulators.register({ account: publicId("org", acme.orgId), vendor: "retell", api_key: retellKey });
});
afterAll(async () => {
  await api.close();
  await simulators.close();
});

describe("connections", () => {
  test("a credential is write-only: it is in no answer, no report and no row, and opens for its own org alone", async () => {
    const made = await acme.post("/v1/connections", retellConnection, { "idempotency-key": "conn-1" });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ object: "connection", kind: "voice", vendor: "retell", status: "active" });
    expect(made.json.webhook_url).toBe(`https://api.dialgate.test/webhooks/voice/${made.json.id}`);
    const answers = await Promise.all([
      acme.get(`/v1/connections/${made.json.id}`),
      acme.get("/v1/connections"),
      acme.post("/v1/connections", retellConnection, { "idempotency-key": "conn-1" }),
      acme.post(`/v1/connections/${made.json.id}/test`),
      acme.get("/v1/audit?limit=100"),
    ]);
    for (const answer of [made, ...answers]) expect(answer.text).not.toContain(retellKey);
    const dump = await api.db.admin(
      "select (select jsonb_agg(c) from credentials c)::text || (select jsonb_agg(k) from idempotency_keys k)::text as everything",
    );
    expect(String(dump.rows[0]?.["everything"])).not.toContain(retellKey);
    expect(JSON.stringify(api.faults)).not.toContain(retellKey);
  });

  test("a test asks read-only endpoints and places no call", async () => {
    const made = await acme.post("/v1/connections", retellConnection);
    const before = simulators.requests().length;
    const tested = await acme.post(`/v1/connections/${made.json.id}/test`);
    expect(tested.json).toMatchObject({ object: "connection_test", passed: true });
    expect(
      simulators
        .requests()
        .slice(before)
        .map((request) => request.method),
    ).toEqual(["GET"]);
    const wrong = await acme.post("/v1/connections", { ...retellConnection, credential: { api_key: "some_other_key" } });
    expect((await acme.post(`/v1/connections/${wrong.json.id}/test`)).json).toMatchObject({
      passed: false,
      detail: "unauthorized",
    });
  });

  test("the settings and the credential of a vendor are checked, and faults do not repeat them", async () => {
    const answer = await acme.post("/v1/connections", {
      ...retellConnection,
      config: { agent_id: "../../secret-value", from_number: "+12085550100", extra: 1 },
    });
    expect(answer.json.errors.map((fault: { pointer: string }) => fault.pointer).toSorted()).toEqual([
      "/config/agent_id",
      "/config/extra",
    ]);
    const credential = await acme.post("/v1/connections", {
      ...retellConnection,
      credential: { api_key: "s p a c e s secret-value" },
    });
    expect(credential.json.errors).toMatchObject([{ pointer: "/credential/api_key" }]);
    expect(answer.text + credential.text).not.toContain("secret-value");
    expect((await acme.post("/v1/connections", { ...retellConnection, vendor: "twilio" })).json.errors[0]).toMatchObject({
      pointer: "/vendor",
      detail: "Known here: retell, elevenlabs, http_dnc.",
    });
  });

  test("a test organisation reaches the simulator alone, and a live one the vendor alone", async () => {
    const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
    const made = await acme.post("/v1/connections", retellConnection);
    const connectionId = uuidOf("connection", made.json.id) ?? "";
    const [row] = (await api.db.admin("select sealed from credentials where connection_id = $1", [connectionId])).rows;
    for (const [livemode, origin] of [
      [false, simulators.origin],
      [true, "https://api.retellai.com"],
    ] as const) {
      const asked: string[] = [];
      const fetch = async (url: string) => {
        asked.push(new URL(url).origin);
        return Response.json({});
      };
      const wiring = { keyring, simulatorOrigin: simulators.origin, fetch, now: () => realNow };
      const stored = {
        orgId: acme.orgId,
        livemode,
        connectionId,
        vendor: "retell",
        config: retellConnection.config,
        sealed: row?.["sealed"],
      };
      await adaptersOf(wiring).voice(stored)?.check();
      expect(asked).toEqual([origin]);
    }
  });

  test("deleting destroys the credential and pauses the campaigns that used it", async () => {
    const org = await api.seed();
    simulators.register({ account: publicId("org", org.orgId), vendor: "retell", api_key: `${retellKey}_2` });
    const voice = await org.post("/v1/connections", { ...retellConnection, credential: { api_key: `${retellKey}_2` } });
    const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
    const campaign = await org.post("/v1/campaigns", { name: "c", seller_id: seller.json.id, connection_id: voice.json.id });
    expect((await org.post(`/v1/campaigns/${campaign.json.id}/launch`, {})).status).toBe(200);
    expect((await org.delete(`/v1/connections/${voice.json.id}`)).status).toBe(204);
    expect((await org.get(`/v1/campaigns/${campaign.json.id}`)).json).toMatchObject({
      status: "paused",
      status_reason: "connection_deleted",
    });
    expect((await org.get(`/v1/connections/${voice.json.id}`)).status).toBe(404);
    expect((await org.delete(`/v1/connections/${voice.json.id}`)).status).toBe(404);
    expect((await api.db.admin("select 1 from credentials where org_id = $1", [org.orgId])).rows).toEqual([]);
    expect((await org.post(`/v1/campaigns/${campaign.json.id}/resume`, {})).json).toMatchObject({
      status: 409,
      errors: [{ code: "connection_not_active" }],
    });
  });

  test("a new do-not-call source has every lead asked about again: it may cover what no other did", async () => {
    const org = await api.seed();
    await org.post("/v1/leads", { phone: "+13035550171", state: "CO" });
    await api.db.admin(
      "update leads set status = 'eligible', ineligible_reason = null, scrub_due_at = '2026-12-18' where org_id = $1",
      [org.orgId],
    );
    const made = await org.post("/v1/connections", {
      vendor: "http_dnc",
      name: "Second source",
      config: { lists: ["state:CO"] },
      credential: { token: "t".repeat(24), signing_secret: "s".repeat(24) },
    });
    expect(made.status, made.text).toBe(201);
    const { rows } = await api.db.admin("select scrub_due_at <= '2026-11-18T15:00:00Z' as due from leads where org_id = $1", [
      org.orgId,
    ]);
    expect(rows).toEqual([{ due: true }]);
  });
});
