import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordAnswer, settleAbsent } from "../../src/db/queries/dispatch.ts";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import type { DispatchDeps } from "../../src/dispatch/deps.ts";
import { settle } from "../../src/dispatch/settle.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { endedReport } from "../dispatch/provider-ledger.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { retellConnection, retellKey, retellSignature } from "./voice-signature.ts";

let api: Api;
/** Nothing here asks a provider. */
const stopDeps = { voice: () => null } as unknown as DispatchDeps;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const one = async (text: string, params: readonly unknown[] = []) =>
  (await api.db.admin(text, params)).rows[0] as Record<string, unknown>;

/** A lead with a permitted dial, as if `record` had just committed. */
async function permitted(org: Caller, phone: string) {
  const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
  const connection = await org.post("/v1/connections", { ...retellConnection, inbox_keeps: "envelope" });
  const campaign = await org.post("/v1/campaigns", { name: "c", seller_id: seller.json.id, connection_id: connection.json.id });
  const lead = await org.post("/v1/leads", { phone, state: "CO" });
  const [campaignId, leadId, connectionId] = [
    uuidOf("campaign", campaign.json.id),
    uuidOf("lead", lead.json.id),
    uuidOf("connection", connection.json.id),
  ];
  const { person_id: personId } = await one("select person_id from leads where id = $1", [leadId]);
  const ids = { attempt: api.deps.newId(), decision: api.deps.newId(), profile: api.deps.newId(), enrolment: api.deps.newId() };
  await api.db.admin("insert into hour_profiles (org_id, id, campaign_id, candidate_states) values ($1, $2, $3, 'CO')", [
    org.orgId,
    ids.profile,
    campaignId,
  ]);
  await api.db.admin(
    "insert into enrolments (org_id, id, campaign_id, lead_id, person_id, profile_id, state, reason, due_at) values ($1, $2, $3, $4, $5, $6, 'held', 'attempt_live', now())",
    [org.orgId, ids.enrolment, campaignId, leadId, personId, ids.profile],
  );
  await api.db.admin("insert into snapshot_parts (org_id, digest, body) values ($1, '\\x00', '{}') on conflict do nothing", [
    org.orgId,
  ]);
  await api.db.admin(
    `insert into decisions (org_id, id, kind, campaign_id, lead_id, person_id, at, verdict, outcome, reason_codes, results, own_facts, shared_facts, snapshot_digest)
     values ($1, $2, 'dial', $3, $4, $5, now(), 'allow', 'permitted', '{}', '[]', '{}', '\\x00', '\\x00')`,
    [org.orgId, ids.decision, campaignId, leadId, personId],
  );
  await api.db.admin(
    `insert into dial_attempts (org_id, id, kind, enrolment_id, campaign_id, lead_id, person_id, connection_id, decision_id, state, minted_at, ring_by, slot_at)
     values ($1, $2, 'campaign', $3, $4, $5, $6, $7, $8, 'permitted', now(), now() + interval '1 hour', now())`,
    [org.orgId, ids.attempt, ids.enrolment, campaignId, leadId, personId, connectionId, ids.decision],
  );
  return { ...ids, personId, leadId, connectionId, lead: lead.json.id as string, connection: connection.json.id as string };
}

describe("a suppression", () => {
  test("cancels the permitted dial, closes the queue's place and raises the person's version, in its own transaction", async () => {
    const org = await api.seed();
    const dial = await permitted(org, "+13035550142");
    const { facts_version: before } = await one("select facts_version from persons where id = $1", [dial.personId]);
    const made = await org.post("/v1/suppressions", { phones: ["+13035550142"] });
    expect(made.status).toBe(201);
    expect(made.json.data).toMatchObject([
      {
        object: "suppression",
        phone: "+13035550142",
        source: "api",
        requested_by: "person",
        attempts_cancelled: 1,
        enrolments_closed: 1,
      },
    ]);
    expect(await one("select state, reason, counts from dial_attempts where id = $1", [dial.attempt])).toEqual({
      state: "cancelled",
      reason: "suppressed",
      counts: false,
    });
    expect(await one("select state from enrolments where id = $1", [dial.enrolment])).toEqual({ state: "done" });
    const { facts_version: after } = await one("select facts_version from persons where id = $1", [dial.personId]);
    expect(Number(after)).toBeGreaterThan(Number(before));
    expect(api.woken).toContainEqual({ orgId: org.orgId, work: "outbox" });
  });

  test("of a number that nobody has called makes its person, so that a later lead is stopped too", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/suppressions", {
      phones: ["+13035550143", "+13035550144", "+13035550143"],
      note: "asked by mail",
    });
    expect(made.json.data).toHaveLength(2);
    const found = await org.post("/v1/suppressions/lookup", { phones: ["+13035550144", "+13035550199"] });
    expect(found.json.data).toMatchObject([
      {
        phone: "+13035550144",
        suppressed: true,
        suppressions: [{ source: "api", note: "asked by mail", requested_by: "person", lifted_at: null }],
      },
      { phone: "+13035550199", suppressed: false, suppressions: [] },
    ]);
    const lead = await org.post("/v1/leads", { phone: "+13035550144" });
    const person = await one(
      "select count(*) from suppressions s join leads l on l.org_id = s.org_id and l.person_id = s.person_id where l.id = $1",
      [uuidOf("lead", lead.json.id)],
    );
    expect(Number(person["count"])).toBe(1);
  });

  test("is the organisation's own: another one finds nothing", async () => {
    const org = await api.seed();
    const other = await api.seed();
    await org.post("/v1/suppressions", { phones: ["+13035550145"] });
    expect((await other.post("/v1/suppressions/lookup", { phones: ["+13035550145"] })).json.data[0].suppressed).toBe(false);
  });

  test("of a thousand numbers is one transaction, and of more is refused", async () => {
    const org = await api.seed();
    const phones = Array.from({ length: 1001 }, (_, index) => `+1303555${String(index).padStart(4, "0")}`);
    expect((await org.post("/v1/suppressions", { phones })).json).toMatchObject({
      status: 422,
      errors: [{ pointer: "/phones", detail: "At most 1000 entries." }],
    });
    const some = await org.post("/v1/suppressions", { phones: phones.slice(0, 60) });
    expect(some.json.data).toHaveLength(60);
  });

  test("leaves an audit entry each, without the number", async () => {
    const org = await api.seed();
    await org.post("/v1/suppressions", { phones: ["+13035550146", "+13035550147"] });
    const { json, text } = await org.get("/v1/audit");
    expect(json.data.map((entry: { type: string }) => entry.type)).toEqual([
      "org.created",
      "suppression.created",
      "suppression.created",
    ]);
    expect(text).not.toMatch(/30355501/);
  });
});

describe("consent events", () => {
  test("a revocation goes the way of a suppression", async () => {
    const org = await api.seed();
    const dial = await permitted(org, "+13035550150");
    const made = await org.post("/v1/consent_events", { kind: "revocation", lead_id: dial.lead, channel: "mail_reply" });
    expect(made.json).toMatchObject({
      object: "consent_event",
      kind: "revocation",
      attempts_cancelled: 1,
      enrolments_closed: 1,
      already_known: false,
    });
    expect(await one("select state, reason from dial_attempts where id = $1", [dial.attempt])).toEqual({
      state: "cancelled",
      reason: "consent_revoked",
    });
  });

  test("a revocation without a date is of now, by the org's clock", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/consent_events", { kind: "revocation", phone: "+13035550159", channel: "mail_reply" });
    expect(made.json).toMatchObject({
      created_at: "2026-11-18T15:00:00Z",
      details: { channel: "mail_reply", revoked_at: { utc: "2026-11-18T15:00:00Z", latest: "2026-11-18T15:00:00Z" } },
    });
  });

  test("the same evidence is kept once", async () => {
    const org = await api.seed();
    const event = {
      kind: "grant",
      phone: "+13035550151",
      obtained_at: "2026-10-02T18:31:07Z",
      basis: "pec",
      purpose: "informational",
    };
    const first = await org.post("/v1/consent_events", event);
    const second = await org.post("/v1/consent_events", event);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json).toMatchObject({ id: first.json.id, already_known: true, of_kind: 1 });
    const later = await org.post("/v1/consent_events", { ...event, obtained_at: "2026-10-03T18:31:07Z" });
    expect([first.json.of_kind, later.json.of_kind]).toEqual([1, 2]);
    expect((await org.get("/v1/consent_events")).json.data).toHaveLength(2);
    expect((await org.get(`/v1/consent_events/${first.json.id}`)).json).toMatchObject({
      kind: "grant",
      details: { basis: "pec", number: "+13035550151" },
    });
  });

  test("a grant that passes makes an ineligible lead eligible, and one that does not leaves it", async () => {
    const org = await api.seed();
    const lead = await org.post("/v1/leads", { phone: "+13035550152", state: "CO" });
    expect(lead.json).toMatchObject({ status: "ineligible", ineligible_reason: "consent_missing" });
    const weak = {
      kind: "grant",
      lead_id: lead.json.id,
      obtained_at: "2026-10-02T18:31:07Z",
      basis: "unknown",
      purpose: "marketing",
      seller: { registered_name: "Acme Solar LLC" },
    };
    expect((await org.post("/v1/consent_events", weak)).json.lead_made_eligible).toBe(false);
    const text =
      "By clicking I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.";
    const strong = { ...weak, basis: "pewc", signature: "web_form_submit", text };
    expect((await org.post("/v1/consent_events", strong)).json.lead_made_eligible).toBe(true);
    expect((await org.get(`/v1/leads/${lead.json.id}`)).json).toMatchObject({ status: "eligible", ineligible_reason: null });
  });

  test("a lift and a relationship are recorded, and a person is named by one of lead or number", async () => {
    const org = await api.seed();
    const lift = await org.post("/v1/consent_events", {
      kind: "lift",
      phone: "+13035550153",
      by: "Dana Reyes",
      reason: "entered by mistake",
    });
    expect(lift.json).toMatchObject({ kind: "lift", details: { by: "Dana Reyes" } });
    const bought = { kind: "relationship", phone: "+13035550153", relationship: "purchase", at: "2026-10-02T18:31:07Z" };
    expect((await org.post("/v1/consent_events", bought)).json.details).toEqual({ kind: "purchase", at: "2026-10-02T18:31:07Z" });
    expect((await org.post("/v1/consent_events", { kind: "lift", by: "x", reason: "y" })).json.errors).toMatchObject([
      { code: "one_of" },
    ]);
    expect(
      (await org.post("/v1/consent_events", { ...bought, phone: undefined, lead_id: publicId("lead", api.deps.newId()) })).status,
    ).toBe(404);
    expect(
      (await org.post("/v1/consent_events", { kind: "grant", phone: "+13035550153", basis: "pec", obtained_at: "some day" })).json
        .errors,
    ).toMatchObject([{ pointer: "/obtained_at", code: "date_invalid" }]);
  });
});

describe("voice webhooks", () => {
  const callOf = (dial: { attempt: string }, id = "call_1") => ({
    call_id: id,
    agent_id: "agent_1",
    call_status: "ongoing",
    from_number: "+12085550100",
    to_number: "+13035550142",
    direction: "outbound",
    metadata: { attempt_id: publicId("attempt", dial.attempt) },
  });
  const send = (path: string, body: unknown, signature?: string) => {
    const raw = JSON.stringify(body);
    const headers = { "content-type": "application/json", "x-retell-signature": signature ?? retellSignature(retellKey, raw) };
    return api.send("POST", `/webhooks/voice/${path}`, { raw, headers });
  };
  const inbox = async (connectionId: unknown) =>
    (
      await api.db.admin("select type, state, reason, body, report, attempt_id from webhook_inbox where connection_id = $1", [
        connectionId,
      ])
    ).rows;

  test("an event is kept once, however often it is delivered, and wakes the inbox once", async () => {
    const dial = await permitted(await api.seed(), "+13035550160");
    const event = { event: "call_started", call: callOf(dial) };
    const before = api.woken.length;
    for (let delivery = 0; delivery < 3; delivery += 1) expect((await send(dial.connection, event)).status).toBe(204);
    expect(await inbox(dial.connectionId)).toMatchObject([{ type: "call_started", state: "pending", attempt_id: dial.attempt }]);
    expect(api.woken.slice(before).filter(({ work }) => work === "inbox")).toHaveLength(1);
  });

  test("what the vendor did not sign, or signed for another body, time or connection, is refused and not kept", async () => {
    const dial = await permitted(await api.seed(), "+13035550161");
    const elsewhere = await permitted(await api.seed(), "+13035550161");
    const event = { event: "call_ended", call: callOf(dial) };
    const raw = JSON.stringify(event);
    await api.db.admin("update credentials set sealed = sealed where connection_id = $1", [dial.connectionId]);
    for (const [signature, code] of [
      ["", "signature_malformed"],
      ["v=1,d=2", "signature_malformed"],
      [retellSignature("another_key_1", raw), "signature_wrong"],
      [retellSignature(retellKey, `${raw} `), "signature_wrong"],
      [retellSignature(retellKey, raw, "2026-11-20T08:54:59Z"), "timestamp_out_of_range"],
      [retellSignature(retellKey, raw, "2026-11-20T09:05:01Z"), "timestamp_out_of_range"],
    ] as const) {
      const answer = await send(dial.connection, event, signature);
      expect(answer.json, code).toMatchObject({ status: 401, code: "webhook_refused", errors: [{ code }] });
    }
    expect(await inbox(dial.connectionId)).toEqual([]);
    expect(await inbox(elsewhere.connectionId)).toEqual([]);
    expect((await send(publicId("connection", api.deps.newId()), event)).status).toBe(404);
    expect((await send("rubbish", event)).status).toBe(404);
  });

  test("a connection that keeps envelopes keeps no word of the call", async () => {
    const dial = await permitted(await api.seed(), "+13035550162");
    const call = {
      ...callOf(dial),
      call_status: "ended",
      disconnection_reason: "user_hangup",
      transcript_object: [{ role: "user", content: "a-private-word" }],
      transcript: "a-private-word",
    };
    expect((await send(dial.connection, { event: "call_ended", call })).status).toBe(204);
    const rows = await inbox(dial.connectionId);
    expect(rows).toMatchObject([{ type: "call_ended", body: null }]);
    expect(JSON.stringify(rows)).not.toContain("a-private-word");
  });

  test("the stop tool has suppressed the person when it answers, once for any number of deliveries", async () => {
    const org = await api.seed();
    const dial = await permitted(org, "+13035550163");
    await api.db.admin("update dial_attempts set state = 'in_progress', provider_call_id = 'call_9' where id = $1", [
      dial.attempt,
    ]);
    const tool = {
      name: "do_not_call",
      call: { ...callOf(dial, "call_9"), transcript: "a-private-word" },
      args: { reason: "asked to stop" },
    };
    for (let delivery = 0; delivery < 3; delivery += 1) {
      const answer = await send(`${dial.connection}/stop`, tool);
      expect({ status: answer.status, json: answer.json }).toEqual({ status: 200, json: { result: "end_call" } });
    }
    const rows = (
      await api.db.admin("select source, by_org, note, attempt_id from suppressions where org_id = $1 and source <> 'canary'", [
        org.orgId,
      ])
    ).rows;
    expect(rows).toEqual([{ source: "in_call_tool", by_org: false, note: "asked to stop", attempt_id: dial.attempt }]);
    expect(
      (await one("select stop_requested_at is not null as stopping from dial_attempts where id = $1", [dial.attempt]))[
        "stopping"
      ],
    ).toBe(true);
    expect(JSON.stringify(await inbox(dial.connectionId))).not.toContain("a-private-word");
    expect((await org.post("/v1/suppressions/lookup", { phones: ["+13035550163"] })).json.data[0].suppressed).toBe(true);
  });

  /** A call that is running while its create's answer is still on the way: the vendor's id is not stored yet. */
  async function nameless(phone: string, id: string) {
    const org = await api.seed();
    const dial = await permitted(org, phone);
    await api.db.admin("update dial_attempts set state = 'unknown', dialing_at = '2026-11-01' where id = $1", [dial.attempt]);
    const tool = { name: "do_not_call", call: { ...callOf(dial, id), metadata: {} }, args: {} };
    const before = api.woken.length;
    for (let delivery = 0; delivery < 2; delivery += 1)
      expect((await send(`${dial.connection}/stop`, tool)).json).toEqual({ result: "end_call" });
    expect(api.woken.slice(before)).toContainEqual({ orgId: org.orgId, work: "inbox" });
    const asJob = api.deps.system.asOrg(org.orgId, { type: "job", id: "test" }, "job_test", api.deps.now());
    return { org, dial, tool, asJob };
  }
  const incidents = async (org: Caller) =>
    (await api.db.admin("select code, severity, closed_at is null as open from incidents where org_id = $1", [org.orgId])).rows;
  const suppressed = async (org: Caller) =>
    (
      await api.db.admin("select source, by_org, attempt_id from suppressions where org_id = $1 and source <> 'canary'", [
        org.orgId,
      ])
    ).rows;
  async function expectStopped({ org, dial }: Awaited<ReturnType<typeof nameless>>, stopping = true) {
    expect(await suppressed(org)).toEqual([{ source: "in_call_tool", by_org: false, attempt_id: dial.attempt }]);
    expect(await inbox(dial.connectionId)).toMatchObject([{ type: "stop_tool", state: "applied", attempt_id: dial.attempt }]);
    expect(await incidents(org)).toEqual([{ code: "stop_unattributed", severity: 2, open: false }]);
    expect(
      await one("select stop_requested_at is not null as stopping, provider_call_id from dial_attempts where id = $1", [
        dial.attempt,
      ]),
    ).toMatchObject({ stopping });
    expect(await one("select state from enrolments where id = $1", [dial.enrolment])).toEqual({ state: "done" });
    const types = (await org.get("/v1/audit?limit=100")).json.data.map((entry: { type: string }) => entry.type);
    expect(types.filter((type: string) => type === "suppression.created")).toHaveLength(1);
  }

  test("a stop of a call that nobody can name ends it, waits, and is told to someone", async () => {
    const { org, dial, asJob } = await nameless("+13035550164", "call_unknown");
    const kept = [{ type: "stop_tool", state: "pending", reason: "stop_unattributed", attempt_id: null }];
    expect(await inbox(dial.connectionId)).toMatchObject(kept);
    expect(await incidents(org)).toEqual([{ code: "stop_unattributed", severity: 2, open: true }]);
    for (let round = 0; round < 12; round += 1) {
      await applyInbox(stopDeps, asJob);
      await api.db.admin("update webhook_inbox set lease_until = null where org_id = $1", [org.orgId]);
    }
    expect(await inbox(dial.connectionId)).toMatchObject(kept);
    expect(await incidents(org)).toHaveLength(1);
  });
  test("it is applied by the create's answer, once that names the call", async () => {
    const stop = await nameless("+13035550170", "call_70");
    await stop.asJob.query(recordAnswer(stop.dial.attempt, "accepted", null, "call_70", null));
    await expectStopped(stop);
  });
  test("it is applied by the call's report, in the report's own transaction", async () => {
    const stop = await nameless("+13035550171", "call_71");
    const attemptId = publicId("attempt", stop.dial.attempt);
    const report = endedReport(attemptId, { providerCallId: "call_71" });
    await settle(stop.asJob, stop.dial.connectionId as string, report, { keep_transcripts: true, keep_recordings: true });
    // The report ended the call: there is nothing left to be stopped.
    await expectStopped(stop, false);
  });
  test("it is applied by a repeat of the tool, and by the inbox, where the answer and the stop passed each other", async () => {
    for (const [phone, id, again] of [
      ["+13035550172", "call_72", true],
      ["+13035550173", "call_73", false],
    ] as const) {
      const stop = await nameless(phone, id);
      await api.db.admin("update dial_attempts set provider_call_id = $2, state = 'in_progress' where id = $1", [
        stop.dial.attempt,
        id,
      ]);
      if (again) expect((await send(`${stop.dial.connection}/stop`, stop.tool)).json).toEqual({ result: "end_call" });
      else await applyInbox(stopDeps, stop.asJob);
      await expectStopped(stop);
      expect((await send(`${stop.dial.connection}/stop`, stop.tool)).json).toEqual({ result: "end_call" });
      await expectStopped(stop);
    }
  });
  test("whoever may have been meant is not called: an attempt that the provider then does not know needs a person's judgement", async () => {
    const stop = await nameless("+13035550174", "call_74");
    await stop.asJob.query(settleAbsent(stop.dial.attempt));
    expect(await one("select stop_check from persons where id = $1", [stop.dial.personId])).toEqual({ stop_check: "missing" });
    const other = await permitted(await api.seed(), "+13035550175");
    await api.db.admin("update dial_attempts set state = 'unknown', dialing_at = '2026-11-01' where id = $1", [other.attempt]);
    const [{ org_id: orgId } = { org_id: "" }] = (
      await api.db.admin("select org_id from dial_attempts where id = $1", [other.attempt])
    ).rows as { org_id: string }[];
    const asJob = api.deps.system.asOrg(orgId, { type: "job", id: "test" }, "job_test", api.deps.now());
    await asJob.query(settleAbsent(other.attempt));
    expect(await one("select stop_check from persons where id = $1", [other.personId])).toEqual({ stop_check: "clear" });
  });
  test("a report that holds a stop waits like the tool, and is applied whole when its call is known", async () => {
    const org = await api.seed();
    const dial = await permitted(org, "+13035550176");
    await api.db.admin("update dial_attempts set state = 'unknown', dialing_at = '2026-11-01' where id = $1", [dial.attempt]);
    await api.db.admin("update connections set inbox_keeps = 'raw' where id = $1", [dial.connectionId]);
    const call = {
      ...callOf(dial, "call_76"),
      metadata: {},
      call_status: "ended",
      disconnection_reason: "user_hangup",
      transcript_object: [{ role: "user", content: "please stop" }],
      call_analysis: {},
    };
    expect((await send(dial.connection, { event: "call_analyzed", call })).status).toBe(204);
    const asJob = api.deps.system.asOrg(org.orgId, { type: "job", id: "test" }, "job_test", api.deps.now());
    await applyInbox(stopDeps, asJob);
    expect(await inbox(dial.connectionId)).toMatchObject([{ state: "pending", reason: "stop_unattributed" }]);
    expect(await incidents(org)).toMatchObject([{ code: "stop_unattributed", open: true }]);
    await asJob.query(recordAnswer(dial.attempt, "accepted", null, "call_76", null));
    expect(await suppressed(org)).toMatchObject([{ attempt_id: dial.attempt }]);
    await applyInbox(stopDeps, asJob);
    expect(await inbox(dial.connectionId)).toMatchObject([{ state: "applied", reason: null }]);
    expect(await one("select state from dial_attempts where id = $1", [dial.attempt])).toEqual({ state: "completed" });
    expect(await suppressed(org)).toHaveLength(1);
    expect(await incidents(org)).toMatchObject([{ open: false }]);
  });

  test("a forged stop suppresses nobody", async () => {
    const org = await api.seed();
    const dial = await permitted(org, "+13035550165");
    const tool = { name: "do_not_call", call: callOf(dial), args: {} };
    expect((await send(`${dial.connection}/stop`, tool, retellSignature("another_key_1", JSON.stringify(tool)))).status).toBe(
      401,
    );
    expect((await api.db.admin("select 1 from suppressions where org_id = $1 and source <> 'canary'", [org.orgId])).rows).toEqual(
      [],
    );
    expect((await api.send("POST", `/webhooks/voice/${dial.connection}`, { raw: "x".repeat(9 * 1024 * 1024) })).status).toBe(413);
  });
});
