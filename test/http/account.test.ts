import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, openApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

describe("the account", () => {
  test("says which gates and packs judge its dials, and warns that nobody scrubs", async () => {
    const org = await api.seed();
    const { json } = await org.get("/v1/account");
    expect(json).toMatchObject({ object: "account", name: "Acme Solar", livemode: false, now: "2026-11-18T15:00:00Z" });
    expect(json.mandatory_gates).toEqual(json.gates.map((gate: { gate: string }) => gate.gate));
    expect(json.rule_packs).toMatchObject([{ id: "us-federal", digest: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(json.state_conditions).toEqual([
      { gate: "consent", states: ["GA", "KY", "MS", "NM"] },
      { gate: "dnc", states: ["CO", "FL", "IN", "LA", "MA", "MO", "MS", "OK", "PA", "TN", "TX", "WY"] },
      { gate: "number", states: ["AZ", "LA", "ME", "NE", "NJ"] },
      { gate: "frequency", states: ["FL", "MD", "ME", "NV", "OK", "OR"] },
    ]);
    expect(json.missing_gates).toEqual(["disclosure", "caller_id", "abandonment", "spend"]);
    expect(json.missing_rule_packs).toEqual(["us-state", "us-artificial-voice"]);
    const codes = async () => (await org.get("/v1/account")).json.warnings.map((warning: { code: string }) => warning.code);
    expect(await codes()).toContain("no_dnc_provider");
    const slip = await org.post("/v1/dnc_acknowledgements", { lists: ["nat"], by: "Dana Reyes" });
    expect(slip.status).toBe(422);
    expect(slip.json.errors).toMatchObject([{ pointer: "/lists", code: "unknown_value" }]);
    expect(slip.json.errors[0].detail).toContain("national, state:");
    const acknowledged = await org.post("/v1/dnc_acknowledgements", { lists: ["national", "state:FL"], by: "Dana Reyes" });
    expect(acknowledged.json).toMatchObject({
      lists: ["national", "state:FL"],
      created_at: "2026-11-18T15:00:00Z",
      expires_at: "2027-02-16T15:00:00Z",
    });
    expect(await codes()).toContain("dnc_acknowledged_without_provider");
    await org.patch("/v1/policy", { written_consent_over_national: true });
    await org.post("/v1/halts", { reason: "org_halted", note: "x" });
    expect(await codes()).toEqual(expect.arrayContaining(["written_consent_over_national", "halt_open"]));
  });

  test("a change of policy is kept, audited, and voids what was permitted before it", async () => {
    const org = await api.seed();
    const version = async () =>
      (await api.db.admin("select facts_version from org_facts where org_id = $1", [org.orgId])).rows[0]?.["facts_version"];
    const before = Number(await version());
    const changed = await org.patch("/v1/policy", {
      attempts_max: 3,
      caps: [{ max: 1, window_hours: 24 }],
      consent_max_age_days: 365,
    });
    expect(changed.json).toMatchObject({
      object: "policy",
      attempts_max: 3,
      caps: [{ max: 1, window_hours: 24 }],
      consent_max_age_days: 365,
      grade_floor: "C",
    });
    expect((await org.get("/v1/policy")).json).toEqual(changed.json);
    expect(Number(await version())).toBe(before + 1);
    expect((await org.get("/v1/audit")).json.data.at(-1).type).toBe("policy.updated");
    expect((await org.patch("/v1/policy", { grade_floor: "D" })).json.errors[0]).toMatchObject({
      code: "unknown_value",
      detail: "Known here: A, B, C.",
    });
    expect((await org.patch("/v1/policy", { attempts_max: 1e300 })).status).toBe(422);
    expect((await org.patch("/v1/policy", { added_lists: ["dma", "wireless"] })).json.errors[0]).toMatchObject({
      pointer: "/added_lists/1",
      code: "line_type_list",
    });
  });
});

describe("counsel's positions", () => {
  const position = {
    rule_id: "automated-voice/NM",
    counsel: "Reyes & Holt LLP",
    document_sha256: "ab".repeat(32),
    dated_at: "2026-11-01T00:00:00Z",
    until: "2027-11-01T00:00:00Z",
    by: "Dana Reyes, owner",
  };
  test("are recorded, void what was permitted, and end before their time", async () => {
    const org = await api.seed();
    const version = async () =>
      Number(
        (await api.db.admin("select facts_version from org_facts where org_id = $1", [org.orgId])).rows[0]?.["facts_version"],
      );
    const before = await version();
    const made = await org.post("/v1/counsel_positions", position);
    expect(made.json).toMatchObject({ object: "counsel_position", ...position, created_at: "2026-11-18T15:00:00Z" });
    expect(await version()).toBe(before + 1);
    expect((await org.get("/v1/counsel_positions")).json.data).toEqual([made.json]);
    const ended = await org.post(`/v1/counsel_positions/${made.json.id}/end`);
    expect(ended.json).toMatchObject({ id: made.json.id, until: "2026-11-18T15:00:00Z" });
    expect((await org.post(`/v1/counsel_positions/${made.json.id}/end`)).status).toBe(404);
    const types = (await org.get("/v1/audit")).json.data.map((entry: { type: string }) => entry.type);
    expect(types).toEqual(["org.created", "position.recorded", "position.ended"]);
  });
  test.each([
    [{ rule_id: "automated-voice/KY" }, "rule_not_liftable"],
    [{ rule_id: "us-federal/dnc-national" }, "rule_not_liftable"],
    [{ rule_id: "cap/FL" }, "rule_not_liftable"],
    [{ until: "2027-11-01T00:00:01Z" }, "position_too_long"],
    [{ until: "2026-11-01T00:00:00Z" }, "position_too_long"],
    [{ dated_at: "2026-11-18T15:00:01Z" }, "position_in_future"],
  ])("%j is refused: %s", async (change, code) => {
    const org = await api.seed();
    expect((await org.post("/v1/counsel_positions", { ...position, ...change })).json.errors).toMatchObject([{ code }]);
    expect((await org.get("/v1/counsel_positions")).json.data).toEqual([]);
  });
});

describe("the test clock", () => {
  test("is read and sent forward, never back, one way at a time", async () => {
    const org = await api.seed();
    expect((await org.get("/v1/test_clock")).json).toEqual({
      object: "test_clock",
      now: "2026-11-18T15:00:00Z",
      target: null,
      status: "ready",
      status_reason: null,
    });
    for (const [body, code] of [
      [{ to: "2026-11-18T15:00:00Z" }, "not_later"],
      [{ to: "2020-01-01T00:00:00Z" }, "not_later"],
      [{ to: "2029-01-01T00:00:00Z" }, "too_far"],
      [{}, "one_of"],
      [{ seconds: 5, to: "2026-11-19T15:00:00Z" }, "one_of"],
    ] as const) {
      expect((await org.post("/v1/test_clock/advance", body)).json.errors[0].code, JSON.stringify(body)).toBe(code);
    }
    const moving = await org.post("/v1/test_clock/advance", { seconds: 3600 });
    expect({ status: moving.status, json: moving.json }).toMatchObject({
      status: 202,
      json: { status: "advancing", target: "2026-11-18T16:00:00Z" },
    });
    expect(api.woken).toContainEqual({ orgId: org.orgId, work: "test_clock" });
    expect((await org.post("/v1/test_clock/advance", { seconds: 3600 })).json).toMatchObject({
      status: 409,
      errors: [{ code: "already_advancing" }],
    });
  });

  test("does not exist for a live organisation", async () => {
    const org = await api.seed();
    await api.db.admin("delete from test_clocks where org_id = $1", [org.orgId]);
    await api.db.admin("update orgs set livemode = true where org_id = $1", [org.orgId]);
    expect((await org.get("/v1/test_clock")).status).toBe(404);
    expect((await org.post("/v1/test_clock/advance", { seconds: 60 })).status).toBe(404);
  });
});

describe("leads", () => {
  test("come one at a time or by the batch, with a result for each, and are found by number and external id", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/leads", { phone: "(303) 555-0142", external_id: "crm-1", first_name: "Dana", state: "CO" });
    expect(made.json).toMatchObject({ object: "lead", status: "ineligible", ineligible_reason: "consent_missing" });
    const batch = await org.post("/v1/leads/batch", {
      leads: [{ phone: "+13035550143" }, { phone: "+13035550142" }, { phone: "12" }, { phone: "+442079460000" }],
    });
    expect(batch.json).toMatchObject({ object: "lead_batch", accepted: 1, rejected: 3 });
    expect(batch.json.results.map((result: { code: string }) => result.code)).toEqual([
      "consent_missing",
      "duplicate_in_org",
      "phone_invalid",
      "phone_not_us",
    ]);
    expect(batch.json.results[1].lead_id).toBe(made.json.id);
    const shown = await org.get(`/v1/leads/${made.json.id}`);
    expect(shown.json).toMatchObject({ phone: "+13035550142", first_name: "Dana", external_id: "crm-1" });
    expect((await org.get("/v1/leads?external_id=crm-1")).json.data).toEqual([shown.json]);
    expect((await org.post("/v1/leads/search", { phone: "+13035550142" })).json.data).toEqual([shown.json]);
    expect((await org.post("/v1/leads/search", { phone: "+13035550199" })).json.data).toEqual([]);
    expect((await org.get("/v1/leads?status=eligible")).json.data).toEqual([]);
    expect((await org.post("/v1/leads", { phone: "+13035550142" })).json).toMatchObject({
      status: 409,
      errors: [{ code: "duplicate_in_org" }],
      lead_id: made.json.id,
    });
    expect((await org.post("/v1/leads", { phone: "+18005550100" })).json.errors).toMatchObject([
      { pointer: "/phone", code: "phone_not_geographic" },
    ]);
    const many = { leads: Array.from({ length: 1001 }, () => ({ phone: "+13035550142" })) };
    expect((await org.post("/v1/leads/batch", many)).json.errors).toMatchObject([
      { pointer: "/leads", detail: "At most 1000 entries." },
    ]);
  });
});

describe("imports", () => {
  const announced = {
    file_name: "leads.csv",
    columns: { phone: "Phone", state: "State" },
    attestation: { purpose: "marketing", basis: "pewc" },
  };
  const upload = (org: { apiKey: string }, id: string, text: string, headers: Record<string, string> = {}) =>
    api.send("PUT", `/v1/imports/${id}/file`, {
      key: org.apiKey,
      raw: text,
      headers: { "content-type": "text/csv", "content-length": String(new TextEncoder().encode(text).length), ...headers },
    });

  test("a file is announced, sent once, and its progress and rejects are read", async () => {
    const org = await api.seed();
    const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
    const made = await org.post("/v1/imports", { ...announced, seller_id: seller.json.id }, { "idempotency-key": "imp" });
    expect({ status: made.status, json: made.json }).toMatchObject({
      status: 201,
      json: { object: "import", status: "awaiting_file", upload_url: `/v1/imports/${made.json.id}/file` },
    });
    expect((await upload(org, made.json.id, "Phone,State\n", { "content-type": "application/json" })).status).toBe(415);
    expect((await upload(org, made.json.id, "Phone,State\n", { "content-length": "500" })).json.errors[0].code).toBe(
      "file_incomplete",
    );
    expect((await upload(org, made.json.id, "Phone,State\n", { "content-length": String(101 * 1024 * 1024) })).json.code).toBe(
      "body_too_large",
    );
    expect((await upload(org, made.json.id, "")).json.errors[0].code).toBe("file_empty");
    const stored = await upload(org, made.json.id, "Phone,State\n3035550142,CO\n");
    expect({ status: stored.status, json: stored.json }).toMatchObject({
      status: 202,
      json: { status: "queued", bytes_total: 26, upload_url: null },
    });
    expect(api.woken).toContainEqual({ orgId: org.orgId, work: "import" });
    expect((await upload(org, made.json.id, "Phone,State\n3035550142,CO\n")).json.errors[0].code).toBe("file_present");
    expect((await org.get(`/v1/imports/${made.json.id}`)).json).toMatchObject({ status: "queued", rows_in: 0, accepted: 0 });
    expect((await org.get("/v1/imports")).json.data).toHaveLength(1);
    await api.db.admin("update imports set status = 'succeeded', header = '[\"Phone\",\"State\"]' where org_id = $1", [
      org.orgId,
    ]);
    const rejected = await org.get(`/v1/imports/${made.json.id}/rejected.csv`);
    expect(rejected.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(rejected.text).toBe("Phone,State,line,code,detail\r\n");
    const other = await api.seed();
    expect((await upload(other, made.json.id, "Phone\n1\n")).status).toBe(404);
    expect((await other.get(`/v1/imports/${made.json.id}/rejected.csv`)).status).toBe(404);
  });

  test("an empty list of rejected rows is not answered for a file that has not been read", async () => {
    const org = await api.seed();
    const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
    const made = await org.post("/v1/imports", { ...announced, seller_id: seller.json.id }, { "idempotency-key": "imp" });
    const rejects = () => org.get(`/v1/imports/${made.json.id}/rejected.csv`);
    const put = (set: string) => api.db.admin(`update imports set ${set} where org_id = $1`, [org.orgId]);
    const unread = (status: string) => ({
      status: 409,
      json: { code: "conflict", errors: [{ code: "import_not_read", detail: expect.stringContaining(`\`${status}\``) }] },
    });
    expect(await rejects()).toMatchObject(unread("awaiting_file"));
    await upload(org, made.json.id, "Phone,State\n3035550142,CO\n");
    expect(await rejects()).toMatchObject(unread("queued"));
    await put("status = 'running', header = '[\"Phone\",\"State\"]'");
    expect(await rejects(), "part of the list").toMatchObject(unread("running"));
    await put("status = 'failed', header = null, status_reason = 'column_missing'");
    expect(await rejects()).toMatchObject(unread("failed"));
    expect((await rejects()).json.detail).toContain("`column_missing`");
    await put("status = 'failed', header = '[\"Phone\",\"State\"]'");
    expect((await rejects()).status, "what was read before it failed").toBe(200);
    await put("status = 'succeeded', header = null");
    expect((await rejects()).status).toBe(200);
  });

  test("a seller of another organisation cannot be attested", async () => {
    const org = await api.seed();
    const other = await api.seed();
    const seller = await other.post("/v1/sellers", { registered_name: "Borealis LLC" });
    expect(
      (await org.post("/v1/imports", { ...announced, seller_id: seller.json.id }, { "idempotency-key": "imp" })).json.errors,
    ).toMatchObject([{ pointer: "/seller_id" }]);
  });
});
