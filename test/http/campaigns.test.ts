import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulators, type Simulators } from "../../dev/simulators/simulators.ts";
import { publicId } from "../../src/lib/ids.ts";
import { type AuditEntry, verifyChain } from "../../src/lib/audit-chain.ts";
import { judgeStanding } from "../../src/jobs/judge-standing.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { retellConnection, retellKey } from "./voice-signature.ts";

let simulators: Simulators;
let api: Api;
let keys = 0;
beforeAll(async () => {
  simulators = await startSimulators();
  api = await openApi({}, simulators.origin);
});
afterAll(async () => {
  await api.close();
  await simulators.close();
});

const consentText =
  "By clicking I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.";

/** An organisation with a seller, a voice connection, one lead with a full consent, and a campaign about its order. */
async function opened(options: { purpose?: string; storesTranscripts?: boolean } = {}) {
  const org = await api.seed();
  const apiKey = `${retellKey}_${(keys += 1)}`;
  simulators.register({
    account: publicId("org", org.orgId),
    vendor: "retell",
    api_key: apiKey,
    stores_transcripts: options.storesTranscripts ?? true,
  });
  const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] });
  const connection = await org.post("/v1/connections", { ...retellConnection, credential: { api_key: apiKey } });
  const purpose = options.purpose ?? "informational";
  const consent = {
    seller_id: seller.json.id,
    obtained_at: "2026-10-02T18:31:07Z",
    basis: "pewc",
    purpose,
    signature: "web_form_submit",
    text: consentText,
  };
  const lead = await org.post("/v1/leads", { phone: "+13035550142", first_name: "Dana", state: "CO", consent });
  const campaign = await org.post("/v1/campaigns", {
    name: "Orders",
    seller_id: seller.json.id,
    connection_id: connection.json.id,
    purpose,
  });
  return { org, seller: seller.json, connection: connection.json, lead: lead.json, campaign: campaign.json };
}
const call = (org: Caller, body: unknown) => org.post("/v1/calls", body, { "idempotency-key": `call-${(keys += 1)}` });

describe("a campaign", () => {
  test("is drafted, launched, paused and resumed, and each only from the state before", async () => {
    const { org, campaign, lead } = await opened();
    expect(lead).toMatchObject({ status: "eligible" });
    expect(campaign).toMatchObject({ status: "draft", from_number: "+12085550100", variables: ["first_name"], ring_seconds: 25 });
    const at = `/v1/campaigns/${campaign.id}`;
    expect((await org.post(`${at}/pause`, {})).json.errors[0].code).toBe("not_running");
    const launched = await org.post(`${at}/launch`);
    expect(launched.json).toMatchObject({ status: "running", enrolled: 1, launched_at: "2026-11-18T15:00:00Z" });
    expect(launched.json.warnings.map((warning: { code: string }) => warning.code)).toEqual([
      "registration_unrecorded",
      "no_dnc_provider",
    ]);
    expect(api.woken).toContainEqual({ orgId: org.orgId, work: "dial" });
    expect(api.woken).toContainEqual({ orgId: org.orgId, work: "standing" });
    expect((await org.post(`${at}/launch`, {})).json.errors[0].code).toBe("not_a_draft");
    expect((await org.post(`${at}/pause`, { reason: "lunch" })).json).toMatchObject({ status: "paused", status_reason: "lunch" });
    expect((await org.post(`${at}/resume`)).json).toMatchObject({ status: "running", status_reason: null });
    expect((await org.get(`${at}/funnel`)).json).toMatchObject({
      object: "funnel",
      enrolments: [{ name: "waiting", reason: null, count: 1 }],
      attempts: [],
    });
    expect((await org.get("/v1/campaigns?status=running")).json.data).toHaveLength(1);
    expect((await org.get("/v1/campaigns?status=draft")).json.data).toEqual([]);
  });

  test("shows in its funnel what the standing gates say, what of it is known, and whom a window is open for", async () => {
    const { org, campaign, lead } = await opened({ purpose: "marketing" });
    const at = `/v1/campaigns/${campaign.id}`;
    await org.post(`${at}/launch`);
    const standing = async () => (await org.get(`${at}/funnel`)).json.standing;
    const none = { current: 0, stale: 0, unjudged: 0, callable: 0, callable_now: 0 };
    expect(await standing()).toEqual({ ...none, unjudged: 1, gates: [] });
    const bound = api.deps.system.asOrg(org.orgId, { type: "job", id: "standing" }, "job_test", realNow);
    expect(await judgeStanding({ desk: api.deps.desk, now: () => realNow }, bound, 20)).toBe("done");
    const says = (gate: string, verdict: string, reason: string) => ({ gate, verdict, reason, count: 1 });
    const answered = [
      says("consent", "allow", "consent_valid"),
      says("dnc", "block", "dnc_unacknowledged"),
      says("number", "allow", "reassigned_unchecked"),
      says("suppression", "allow", "not_suppressed"),
    ];
    expect(await standing()).toEqual({ ...none, current: 1, gates: answered });
    await org.post("/v1/consent_events", { kind: "lift", lead_id: lead.id, by: "Dana", reason: "entered by mistake" });
    expect(await standing()).toEqual({ ...none, stale: 1, gates: [] });
    await judgeStanding({ desk: api.deps.desk, now: () => realNow }, bound, 20);
    expect(await standing()).toMatchObject({ current: 1, callable: 0 });
    await org.patch("/v1/policy", { written_consent_over_national: true });
    expect(await standing()).toEqual({ ...none, stale: 1, gates: [] });
    await org.post("/v1/dnc_acknowledgements", { lists: ["national", "state:CO"], by: "Dana Reyes" });
    await judgeStanding({ desk: api.deps.desk, now: () => realNow }, bound, 20);
    // No window has been judged yet: the dial's first run does that.
    expect(await standing()).toMatchObject({ current: 1, callable: 1, callable_now: 0 });
    await api.db.admin("update hour_profiles set open = true, next_change_at = 'infinity' where org_id = $1", [org.orgId]);
    expect(await standing()).toMatchObject({ current: 1, callable: 1, callable_now: 1 });
    expect((await org.get(`/v1/campaigns/${publicId("campaign", api.deps.newId())}/funnel`)).status).toBe(404);
  });

  test("takes in leads that came after its launch, each once", async () => {
    const { org, campaign, lead, seller } = await opened();
    const at = `/v1/campaigns/${campaign.id}`;
    const enrolledEntries = async () =>
      (await org.get("/v1/audit?limit=100")).json.data.filter(({ type }: { type: string }) => type === "campaign.leads_enrolled");
    const enrol = async (body: unknown) => (await org.post(`${at}/enrol`, body)).json;
    expect((await enrol({})).errors[0].code).toBe("not_launched");
    await org.post(`${at}/launch`, {});
    const late = (await org.post("/v1/leads", { phone: "+13035550143", first_name: "Ed", state: "CO" })).json;
    const proven = {
      seller_id: seller.id,
      obtained_at: "2026-11-10T12:00:00Z",
      basis: "pewc",
      purpose: "informational",
      signature: "web_form_submit",
      text: consentText,
    };
    api.woken.length = 0;
    const further = (await org.post("/v1/leads", { phone: "+13035550144", first_name: "Fay", state: "CO", consent: proven }))
      .json;
    expect([late.status, further.status]).toEqual(["ineligible", "eligible"]);
    // In the first minutes they want to be called: scrubbed and judged at once, whatever the tick does.
    expect(api.woken).toEqual(["scrub", "standing"].map((work) => ({ orgId: org.orgId, work })));
    api.woken.length = 0;
    expect(await enrol({ lead_ids: [lead.id, late.id, further.id, further.id] })).toEqual({
      object: "enrolment",
      campaign_id: campaign.id,
      enrolled: 1,
      already_enrolled: 1,
      ineligible: 1,
    });
    expect(api.woken.map(({ work }) => work)).toEqual(["scrub", "dial", "standing"]);
    expect(await enrolledEntries()).toHaveLength(1);
    await org.post(`${at}/pause`, {});
    expect(await enrol({})).toMatchObject({ enrolled: 0, already_enrolled: 2, ineligible: 1 });
    expect(await enrolledEntries()).toHaveLength(1);
    const { json: funnel } = await org.get(`${at}/funnel`);
    expect(funnel.enrolments).toEqual([{ name: "waiting", reason: null, count: 2 }]);
  });
  test("and its connection are given other limits, and a stranded one another connection", async () => {
    const { org, campaign, connection, lead } = await opened();
    const at = `/v1/campaigns/${campaign.id}`;
    await org.post(`${at}/launch`, {});
    expect((await org.patch(at, { max_concurrency: 3 })).json).toMatchObject({ max_concurrency: 3, status: "running" });
    const limits = { max_concurrency: 7, calls_per_second: 2.5 };
    expect((await org.patch(`/v1/connections/${connection.id}`, limits)).json).toMatchObject(limits);
    expect((await org.patch(`/v1/connections/${connection.id}`, { max_concurrency: 0 })).json.errors[0].pointer).toBe(
      "/max_concurrency",
    );
    const apiKey = `${retellKey}_${(keys += 1)}`;
    simulators.register({ account: publicId("org", org.orgId), vendor: "retell", api_key: apiKey });
    const config = { ...retellConnection.config, from_number: "+12085550111" };
    const other = (await org.post("/v1/connections", { ...retellConnection, config, credential: { api_key: apiKey } })).json;
    const change = async (body: unknown) => (await org.patch(at, body)).json;
    expect((await change({ connection_id: other.id })).errors[0].code).toBe("campaign_runs");
    expect((await change({ connection_id: "conn_01kbhtnc0fe8aswzvpbp5ej9zg" })).errors[0]).toMatchObject({
      pointer: "/connection_id",
      code: "connection_unknown",
    });
    expect((await org.delete(`/v1/connections/${connection.id}`)).status).toBe(204);
    expect((await org.post(`${at}/resume`)).json.errors[0].code).toBe("connection_not_active");
    expect(await change({ connection_id: other.id })).toMatchObject({
      connection_id: other.id,
      from_number: "+12085550111",
      status: "paused",
    });
    expect((await org.post(`${at}/resume`)).json).toMatchObject({ status: "running" });
    expect((await call(org, { lead_id: lead.id, campaign_id: campaign.id })).status).toBe(201);
    const types = (await org.get("/v1/audit?limit=100")).json.data.map(({ type }: { type: string }) => type);
    expect(types.filter((type: string) => type.endsWith(".updated"))).toEqual([
      "campaign.updated",
      "connection.updated",
      "campaign.updated",
    ]);
  });
  test("that withholds transcripts is not taken over by a change either", async () => {
    const { org, campaign } = await opened();
    const apiKey = `${retellKey}_${(keys += 1)}`;
    simulators.register({ account: publicId("org", org.orgId), vendor: "retell", api_key: apiKey, stores_transcripts: false });
    const other = (await org.post("/v1/connections", { ...retellConnection, credential: { api_key: apiKey } })).json;
    const refused = await org.patch(`/v1/campaigns/${campaign.id}`, { connection_id: other.id });
    expect(refused.json.errors[0].code).toBe("transcripts_withheld");
  });
  test("is launched with the leads that are named, or with none for single calls", async () => {
    const { org, campaign, lead } = await opened();
    const at = `/v1/campaigns/${campaign.id}/launch`;
    expect((await org.post(at, { lead_ids: [lead.id, "lead_01kbhtnc0fe8aswzvpbp5ej9zg"] })).json.errors[0]).toMatchObject({
      pointer: "/lead_ids/1",
      code: "lead_unknown",
    });
    const none = await org.post(at, { lead_ids: [] });
    expect(none.json).toMatchObject({ status: "running", enrolled: 0 });
    expect(none.json.warnings.map(({ code }: { code: string }) => code)).toContain("no_eligible_leads");
    expect((await org.get(`/v1/campaigns/${campaign.id}/funnel`)).json.enrolments).toEqual([]);
  });
  test("says which of the leads or imports it was told to take in are not there", async () => {
    const [{ org, campaign, lead }, other] = [await opened(), await opened()];
    const at = `/v1/campaigns/${campaign.id}`;
    await org.post(`${at}/launch`, {});
    const first = async (body: unknown) => (await org.post(`${at}/enrol`, body)).json.errors[0];
    expect(await first({ lead_ids: [lead.id, other.lead.id] })).toMatchObject({ pointer: "/lead_ids/1", code: "lead_unknown" });
    expect(await first({ import_ids: ["imp_01kbhtnc0fe8aswzvpbp5ej9zg"] })).toMatchObject({
      pointer: "/import_ids/0",
      code: "import_unknown",
    });
    expect(await first({ lead_ids: [lead.id], import_ids: ["imp_01kbhtnc0fe8aswzvpbp5ej9zg"] })).toMatchObject({
      pointer: "/import_ids",
      code: "one_of_two",
    });
    expect((await org.post(`/v1/campaigns/${other.campaign.id}/enrol`, {})).status).toBe(404);
  });
  test.each([
    ["of a named type", { "content-type": "application/json" }],
    ["of no type", undefined],
    ["of another, as forms have it", { "content-type": "application/x-www-form-urlencoded" }],
  ] as const)(
    "is launched, paused and resumed by a body of no bytes, %s: it says nothing, and every field is optional",
    async (_, headers) => {
      const { org, campaign } = await opened();
      const at = `/v1/campaigns/${campaign.id}`;
      const bare = (path: string) => api.send("POST", path, { key: org.apiKey, raw: new Uint8Array(), headers: { ...headers } });
      expect((await bare(`${at}/launch`)).json).toMatchObject({ status: "running", enrolled: 1 });
      expect((await bare(`${at}/pause`)).json).toMatchObject({ status: "paused", status_reason: "paused_by_person" });
      expect((await bare(`${at}/resume`)).json).toMatchObject({ status: "running" });
      // Where a field is required it is asked for by name.
      expect((await bare("/v1/sellers")).json).toMatchObject({
        status: 422,
        errors: [{ pointer: "/registered_name", code: "required" }],
      });
    },
  );

  test("is refused at launch when the provider withholds transcripts, with the fix", async () => {
    const { org, campaign } = await opened({ storesTranscripts: false });
    const refused = await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    expect(refused.json).toMatchObject({ status: 409, errors: [{ code: "transcripts_withheld" }] });
    expect(refused.json.detail).toMatch(/switch their storage on/);
    expect((await org.get(`/v1/campaigns/${campaign.id}`)).json.status).toBe("draft");
  });

  test("takes sellers, connections and fields of its own organisation and of the allow-list alone", async () => {
    const { org, seller, connection } = await opened();
    const other = await opened();
    const draft = { name: "c", seller_id: seller.id, connection_id: connection.id };
    expect((await org.post("/v1/campaigns", { ...draft, seller_id: other.seller.id })).json.errors[0]).toMatchObject({
      pointer: "/seller_id",
      code: "seller_unknown",
    });
    expect((await org.post("/v1/campaigns", { ...draft, connection_id: other.connection.id })).json.errors[0]).toMatchObject({
      pointer: "/connection_id",
    });
    expect((await org.post("/v1/campaigns", { ...draft, variables: ["email"] })).json.errors[0]).toMatchObject({
      pointer: "/variables/0",
      code: "unknown_value",
    });
    expect((await org.post("/v1/campaigns", { ...draft, ring_seconds: 14 })).json.errors[0]).toMatchObject({
      pointer: "/ring_seconds",
      code: "too_small",
    });
    const window = { mon: { from: "17:00", to: "09:00" } };
    expect((await org.post("/v1/campaigns", { ...draft, calling_window: window })).json.errors[0]).toMatchObject({
      pointer: "/calling_window/mon",
    });
  });
});

describe("a decision", () => {
  test("is asked dry at any instant, names every gate, and records nothing", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    const ask = (at?: string) =>
      org.post("/v1/decisions", { lead_id: lead.id, campaign_id: campaign.id, ...(at === undefined ? {} : { at }) });
    const noon = await ask("2026-11-18T19:00:00Z");
    expect(noon.json).toMatchObject({
      object: "decision",
      id: null,
      kind: "dry_run",
      verdict: "allow",
      at: "2026-11-18T19:00:00Z",
    });
    expect(noon.json.gates.map((gate: { gate: string }) => gate.gate)).toEqual([
      "halt",
      "consent",
      "suppression",
      "dnc",
      "number",
      "calling_hours",
      "frequency",
      "capacity",
    ]);
    const night = await ask("2026-11-19T09:00:00Z");
    expect(night.json).toMatchObject({ verdict: "defer", reason_codes: ["before_window"] });
    expect(night.json.next_eligible_at).toBe("2026-11-19T15:00:00Z");
    expect((await ask("2026-02-30T09:00:00Z")).status).toBe(422);
    expect((await api.db.admin("select 1 from decisions where org_id = $1", [org.orgId])).rows).toEqual([]);
    expect((await org.get(`/v1/leads/${lead.id}/decision`)).status).toBe(404);
  });
});

describe("POST /v1/calls", () => {
  test("calls one lead, when every gate allows it: 201 with the attempt", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    const before = simulators.requests().length;
    const placed = await call(org, { lead_id: lead.id, campaign_id: campaign.id });
    expect(placed.json).toMatchObject({ object: "attempt", kind: "single", state: "placed", lead_id: lead.id });
    expect(placed.status).toBe(201);
    expect(
      simulators
        .requests()
        .slice(before)
        .filter((request) => request.path.includes("create-phone-call")),
    ).toHaveLength(1);
    expect((await org.get(`/v1/attempts/${placed.json.id}`)).json).toEqual(placed.json);
    expect((await org.get(`/v1/attempts?lead_id=${lead.id}&state=placed`)).json.data).toHaveLength(1);
    const decided = await org.get(`/v1/leads/${lead.id}/decision`);
    expect(decided.json).toMatchObject({ id: placed.json.decision_id, verdict: "allow", outcome: "permitted" });
    expect((await org.get(`/v1/decisions/${placed.json.decision_id}`)).json).toEqual(decided.json);
  });

  test("with the same key calls once", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    const before = simulators.requests().length;
    const body = { lead_id: lead.id, campaign_id: campaign.id };
    const first = await org.post("/v1/calls", body, { "idempotency-key": "once" });
    const second = await org.post("/v1/calls", body, { "idempotency-key": "once" });
    expect(second.text).toBe(first.text);
    expect(
      simulators
        .requests()
        .slice(before)
        .filter((request) => request.path.includes("create-phone-call")),
    ).toHaveLength(1);
  });

  describe("rolled back", () => {
    const failing = async (when: string, work: () => Promise<void>) => {
      await api.db.admin(`create or replace function public.deadlock() returns trigger language plpgsql as $$
        begin raise exception 'x' using errcode = '40P01'; end $$`);
      await api.db.admin(`create trigger deadlock before ${when} execute function public.deadlock()`);
      try {
        await work();
      } finally {
        await api.db.admin("drop trigger deadlock on dial_attempts");
      }
    };
    const dials = () => simulators.requests().filter((request) => request.path.includes("create-phone-call")).length;
    const asked = async () => {
      const { org, campaign, lead } = await opened();
      await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
      const key = `call-${(keys += 1)}`;
      const body = { lead_id: lead.id, campaign_id: campaign.id };
      return { before: dials(), ask: () => org.post("/v1/calls", body, { "idempotency-key": key }) };
    };
    test("before its permit, it is called by the same key, once", async () => {
      const { before, ask } = await asked();
      await failing("insert on dial_attempts for each row", async () => {
        expect((await ask()).json).toMatchObject({ status: 503, detail: expect.stringContaining("Nothing was done") });
      });
      expect(dials()).toBe(before);
      expect((await ask()).json).toMatchObject({ object: "attempt", state: "placed" });
      expect((await ask()).status).toBe(201);
      expect(dials()).toBe(before + 1);
    });
    test("after the provider's answer, nobody knows, and it is not called again", async () => {
      const { before, ask } = await asked();
      await failing("update on dial_attempts for each row when (new.state = 'placed')", async () => {
        expect((await ask()).json).toMatchObject({ status: 503, detail: expect.stringContaining("Nobody knows") });
      });
      expect((await ask()).json).toMatchObject({ status: 409, code: "idempotency_state_unknown" });
      expect(dials()).toBe(before + 1);
    });
  });

  test("refuses with the whole decision, and no call leaves", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    await org.post("/v1/suppressions", { phones: ["+13035550142"] });
    const before = simulators.requests().length;
    const refused = await call(org, { lead_id: lead.id, campaign_id: campaign.id });
    expect(refused.json).toMatchObject({
      type: "https://api.dialgate.test/errors/dial-blocked",
      status: 409,
      code: "dial_blocked",
      outcome: "refused",
      decision: { object: "decision", verdict: "block", reason_codes: expect.arrayContaining(["suppressed"]) },
    });
    expect(refused.json.decision.gates).toHaveLength(8);
    expect(refused.json.decision.fix).not.toBeNull();
    expect(simulators.requests().slice(before)).toEqual([]);
    expect((await org.get(`/v1/leads/${lead.id}/decision`)).json.id).toBe(refused.json.decision.id);
  });

  test("refuses a second call of the connection's second without an instant, and places it once that has passed in real time", async () => {
    const { org, campaign, lead } = await opened();
    const consent = { seller_id: campaign.seller_id, obtained_at: "2026-10-02T18:31:07Z", basis: "pewc", purpose: "informational", signature: "web_form_submit", text: consentText };
    const next = (await org.post("/v1/leads", { phone: "+13035550143", state: "CO", consent })).json;
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    // As slow as a busy machine: the first call's token is out for five seconds.
    await api.db.admin("update connections set calls_per_second = 0.2 where org_id = $1", [org.orgId]);
    expect((await call(org, { lead_id: lead.id, campaign_id: campaign.id })).status).toBe(201);
    const refused = await call(org, { lead_id: next.id, campaign_id: campaign.id });
    expect(refused.json).toMatchObject({ code: "dial_blocked", decision: { verdict: "defer", reason_codes: ["calls_per_second"], next_eligible_at: null, fix: { code: "raise_limit" } } });
    await api.db.admin("update connections set next_slot_at = next_slot_at - interval '5 s' where org_id = $1", [org.orgId]);
    expect((await call(org, { lead_id: next.id, campaign_id: campaign.id })).status).toBe(201);
  }); // prettier-ignore

  test("refuses a lead that is being called, a draft's lead, and what is another organisation's", async () => {
    const { org, campaign, lead } = await opened();
    const body = { lead_id: lead.id, campaign_id: campaign.id };
    expect((await call(org, body)).json).toMatchObject({ code: "dial_blocked", decision: { reason_codes: ["campaign_halted"] } });
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    expect((await call(org, body)).status).toBe(201);
    expect((await call(org, body)).json).toMatchObject({
      code: "dial_blocked",
      decision: { verdict: "defer", reason_codes: expect.arrayContaining(["recall_gap"]) },
    });
    const other = await opened();
    expect((await call(other.org, body)).json).toMatchObject({ code: "invalid_request", errors: [{ pointer: "/lead_id" }] });
    expect((await call(other.org, { ...body, lead_id: other.lead.id })).json.errors).toMatchObject([{ pointer: "/campaign_id" }]);
  });

  test("a halt stops it at once, and a person ends the halt", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    const body = { lead_id: lead.id, campaign_id: campaign.id };
    for (const target of [
      { reason: "org_halted" },
      { reason: "state_halted", state: "CO" },
      { reason: "caller_number_halted", phone: "+12085550100" },
      { reason: "seller_halted", seller_id: campaign.seller_id },
      { reason: "connection_halted", connection_id: campaign.connection_id },
    ]) {
      const halted = await org.post("/v1/halts", { ...target, note: "under review" });
      expect(halted.status, target.reason).toBe(201);
      expect((await call(org, body)).json.decision.reason_codes, target.reason).toEqual([target.reason]);
      expect((await org.post(`/v1/halts/${halted.json.id}/end`)).json.ended_at).not.toBeNull();
      expect((await org.post(`/v1/halts/${halted.json.id}/end`)).status).toBe(404);
    }
    expect((await org.get("/v1/halts?open=true")).json.data).toEqual([]);
    expect((await call(org, body)).status).toBe(201);
  });

  test("a halt of what does not exist is refused: it would stop nothing", async () => {
    const { org } = await opened();
    for (const target of [
      { reason: "state_halted", state: "ZZ" },
      { reason: "caller_number_halted", phone: "+12085550199" },
    ]) {
      const refused = await org.post("/v1/halts", { ...target, note: "under review" });
      expect({ status: refused.status, code: refused.json.errors?.[0]?.code }, target.reason).toEqual({
        status: 422,
        code: "target_unknown",
      });
    }
    expect((await org.get("/v1/halts?open=true")).json.data).toEqual([]);
  });
});

describe("the audit chain", () => {
  test("of everything that was done verifies by the served entries alone, page by page", async () => {
    const { org, campaign, lead } = await opened();
    await org.post(`/v1/campaigns/${campaign.id}/launch`, {});
    await call(org, { lead_id: lead.id, campaign_id: campaign.id });
    await org.post("/v1/suppressions", { phones: ["+13035550142"] });
    const entries: AuditEntry[] = [];
    let cursor = "";
    let head = { seq: 0, hash: "" };
    for (;;) {
      const page = (await org.get(`/v1/audit?limit=3${cursor}`)).json;
      entries.push(...page.data);
      head = page.head;
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    async function* served() {
      yield* entries;
    }
    const report = await verifyChain(served(), { org: org.orgId, head });
    expect(report.faults).toEqual([]);
    expect(report.entries).toBe(head.seq);
    expect(entries.map((entry) => entry.type)).toEqual(
      expect.arrayContaining(["seller.created", "campaign.launched", "suppression.created"]),
    );
    expect(JSON.stringify(entries)).not.toContain("3035550142");
    entries[2] = { ...(entries[2] as AuditEntry), subject: "lead_changed" };
    expect((await verifyChain(served(), { org: org.orgId, head })).faults).not.toEqual([]);
  });
});
