import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scopes } from "../../src/domain/access/scopes.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, signIn } from "./signed-in.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const make = (org: Caller, body: object, headers?: Record<string, string>) =>
  org.post("/v1/api_keys", { name: "CRM", scopes: ["leads:read"], ...body }, headers);
const readsLeads = async (org: Caller, secret: string) =>
  (await org.get("/v1/leads", { authorization: `Bearer ${secret}` })).status;
const now = Date.parse(realNow);
/** Of the real clock, in whole seconds. */
const inSeconds = (seconds: number) => `${new Date(now + seconds * 1000).toISOString().slice(0, 19)}Z`;
const ids = async (org: Caller) => (await org.get("/v1/api_keys")).json.data.map(({ id }: { id: string }) => id);

describe("an API key", () => {
  test("is made with its secret, which works at once and is shown nowhere again", async () => {
    const org = await api.seed();
    const made = await make(org, {});
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      object: "api_key",
      name: "CRM",
      scopes: ["leads:read"],
      status: "active",
      expires_at: null,
    });
    expect(await readsLeads(org, made.json.secret)).toBe(200);
    const { secret, ...rest } = made.json;
    const got = (await org.get(`/v1/api_keys/${made.json.id}`)).json;
    expect(got).toEqual({ ...rest, last_used_at: expect.any(String) });
    expect((await org.get("/v1/api_keys")).json.data[0]).toEqual(got);
    const kept = await api.db.admin("select * from api_keys k where k.id = $1", [
      (await api.db.admin("select id from api_keys where name = 'CRM' order by created_at desc, id desc limit 1")).rows[0]?.[
        "id"
      ],
    ]);
    expect(JSON.stringify(kept.rows)).not.toContain(secret);
  });

  test("is told once, also to a repetition by Idempotency-Key: the secret is not kept", async () => {
    const org = await api.seed();
    const first = await make(org, {}, { "idempotency-key": "key-1" });
    const again = await make(org, {}, { "idempotency-key": "key-1" });
    expect(again.status).toBe(201);
    expect(again.json).toEqual({ ...first.json, secret: null });
    const { rows } = await api.db.admin("select body from idempotency_keys where org_id = $1", [org.orgId]);
    expect(JSON.stringify(rows)).not.toContain(first.json.secret);
    expect(JSON.stringify(rows)).toContain(first.json.id);
    const refused = await make(org, { name: "" }, { "idempotency-key": "key-2" });
    expect((await make(org, { name: "" }, { "idempotency-key": "key-2" })).json).toMatchObject({ code: refused.json.code });
  });

  test("gives no scope that its maker lacks, by making or by rotating", async () => {
    const org = await api.seed();
    const small = (await make(org, { scopes: ["leads:read", "api_keys:write", "api_keys:read"] })).json;
    const as = { authorization: `Bearer ${small.secret}` };
    const refused = await make(org, { scopes: ["leads:read", "calls:write"] }, as);
    expect([refused.status, refused.json.errors[0]]).toEqual([
      422,
      { pointer: "/scopes", code: "scope_not_held", detail: expect.stringContaining("leave out calls:write.") },
    ]);
    const big = (await make(org, { scopes: [...scopes] })).json;
    const before = await ids(org);
    expect((await org.post(`/v1/api_keys/${big.id}/rotate`, {}, as)).json.errors[0]).toMatchObject({
      code: "scope_not_held",
      detail: expect.stringContaining("calls:write"),
    });
    expect(await ids(org)).toEqual(before);
    expect((await make(org, { scopes: ["leads:read"] }, as)).status).toBe(201);
    expect((await org.post("/v1/api_keys", { name: "x", scopes: ["root"] })).status).toBe(422);
  });

  test("that ends makes none that lives longer, by making or by rotating", async () => {
    const org = await api.seed();
    const ends = inSeconds(600);
    const brief = (await make(org, { scopes: ["leads:read", "api_keys:write", "api_keys:read"], expires_at: ends })).json;
    const as = { authorization: `Bearer ${brief.secret}` };
    for (const body of [{}, { expires_at: null }, { expires_at: ends }])
      expect((await make(org, body, as)).json.expires_at).toBe(ends);
    const sooner = inSeconds(300);
    expect((await make(org, { expires_at: sooner }, as)).json.expires_at).toBe(sooner);
    // A later end is not cut in silence.
    const had = await ids(org);
    const later = await make(org, { expires_at: inSeconds(601) }, as);
    expect(later).toMatchObject({
      status: 422,
      json: { errors: [{ pointer: "/expires_at", code: "expires_too_late", detail: expect.stringContaining(ends) }] },
    });
    expect(await ids(org)).toEqual(had);
    const entries = (await org.get("/v1/audit?type=api_key.created&limit=100")).json.data;
    expect(entries.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual(
      [...had].slice(0, entries.length).toSorted(),
    );
    // Their entries tell the end that they got, not the one that was asked for.
    const said = (all: { facts: string }[]) => all.map(({ facts }) => JSON.parse(facts).expires_at as string | null);
    expect(said(entries).toSorted()).toEqual([sooner, ends, ends, ends, ends]);
    const endless = (await make(org, {})).json;
    expect(said((await org.get(`/v1/audit?subject=${endless.id}`)).json.data)).toEqual([null]);
    expect((await org.post(`/v1/api_keys/${endless.id}/rotate`, {}, as)).json.expires_at).toBe(ends);
    // Where the answer of a rotation was lost, the successor is rotated, whose key is as good as the first.
    const other = (await make(org, {})).json;
    const { id } = (await org.post(`/v1/api_keys/${other.id}/rotate`, { overlap_seconds: 60 })).json;
    expect((await org.post(`/v1/api_keys/${id}/rotate`, { overlap_seconds: 0 })).json).toMatchObject({
      expires_at: null,
      rotated_from: id,
    });
  });

  test("that is revoked is refused by the very next request; revoking again changes nothing", async () => {
    const org = await api.seed();
    const made = (await make(org, {})).json;
    expect(await readsLeads(org, made.secret)).toBe(200);
    const revoked = await org.delete(`/v1/api_keys/${made.id}`);
    expect(revoked.json).toMatchObject({ status: "revoked", revoked_at: expect.any(String) });
    expect(await readsLeads(org, made.secret)).toBe(401);
    expect((await org.delete(`/v1/api_keys/${made.id}`)).json.revoked_at).toBe(revoked.json.revoked_at);
    const types = (await org.get("/v1/audit")).json.data.map(({ type }: { type: string }) => type);
    expect(types.filter((type: string) => type.startsWith("api_key."))).toEqual(["api_key.created", "api_key.revoked"]);
    expect((await org.post(`/v1/api_keys/${made.id}/rotate`, {})).json.errors[0].code).toBe("key_ended");
  });

  test("that is leaked ends what came of it and is told, also where it was revoked before; nothing is told of one with nothing left", async () => {
    const org = await api.seed();
    const owner = await signIn(api, { orgId: org.orgId, role: "owner" });
    const leaked = (await make(org, { scopes: ["leads:read", "api_keys:write"] })).json;
    const child = (await make(org, {}, { authorization: `Bearer ${leaked.secret}` })).json;
    await org.delete(`/v1/api_keys/${leaked.id}`);
    expect(await readsLeads(org, child.secret)).toBe(200);
    const seen = (await chainOf(api, org.orgId)).length;
    const report = () => api.send("POST", "/leaked_keys", { body: [{ token: leaked.secret }] });
    expect((await report()).status).toBe(200);
    expect(await readsLeads(org, child.secret)).toBe(401);
    const written = (await chainOf(api, org.orgId)).slice(seen);
    expect(written.map(({ type, subject }) => [type, subject])).toEqual([
      ["api_key.leaked", leaked.id],
      ["api_key.revoked", child.id],
    ]);
    const letters = await api.mailbox.read(owner.email);
    expect(letters.map(({ subject }) => subject)).toEqual(["An API key of “Acme Solar” was leaked and is revoked"]);
    for (const { id } of [leaked, child]) expect(letters[0]?.text).toContain(`(${id})`);
    await report();
    expect([(await chainOf(api, org.orgId)).length, (await api.mailbox.read(owner.email)).length]).toEqual([seen + 2, 1]);
  });

  test("that is rotated works beside its successor until the overlap is over, and no longer than it would have", async () => {
    const org = await api.seed();
    const soon = inSeconds(7_200);
    const old = (await make(org, { expires_at: soon })).json;
    const rotated = await org.post(`/v1/api_keys/${old.id}/rotate`, { overlap_seconds: 3_600 });
    expect(rotated.status).toBe(201);
    expect(rotated.json).toMatchObject({ name: "CRM", scopes: ["leads:read"], expires_at: old.expires_at });
    expect(await Promise.all([old, rotated.json].map(({ secret }) => readsLeads(org, secret)))).toEqual([200, 200]);
    const ends = Date.parse((await org.get(`/v1/api_keys/${old.id}`)).json.expires_at) - now;
    expect(ends).toBeGreaterThan(3_500_000);
    expect(ends).toBeLessThanOrEqual(3_600_000);
    const short = (await make(org, { expires_at: soon })).json;
    await org.post(`/v1/api_keys/${short.id}/rotate`, { overlap_seconds: 604_800 });
    expect((await org.get(`/v1/api_keys/${short.id}`)).json.expires_at).toBe(soon);
    await org.post(`/v1/api_keys/${rotated.json.id}/rotate`, { overlap_seconds: 0 });
    expect(await readsLeads(org, rotated.json.secret)).toBe(401);
    expect((await org.get(`/v1/api_keys/${rotated.json.id}`)).json).toMatchObject({ status: "expired", effective_scopes: [] });
  });

  test("that was rotated out rotates itself no more, and makes none that outlives it", async () => {
    const org = await api.seed();
    const old = (await make(org, { scopes: ["leads:read", "api_keys:write"] })).json;
    const as = { authorization: `Bearer ${old.secret}` };
    const self = (overlap: number) => org.post(`/v1/api_keys/${old.id}/rotate`, { overlap_seconds: overlap }, as);
    // By itself, once: its end was still the one that it was given.
    expect((await self(7_200)).json).toMatchObject({ expires_at: null, scopes: old.scopes });
    const ends = (await org.get(`/v1/api_keys/${old.id}`)).json.expires_at;
    const before = await ids(org);
    for (const overlap of [0, 604_800]) {
      const refused = await self(overlap);
      expect([refused.status, refused.json.errors[0].code]).toEqual([409, "key_rotated"]);
    }
    expect(await ids(org)).toEqual(before);
    expect((await org.get(`/v1/api_keys/${old.id}`)).json.expires_at).toBe(ends);
    expect((await make(org, {}, as)).json.expires_at).toBe(ends);
    const other = (await make(org, {})).json;
    expect((await org.post(`/v1/api_keys/${other.id}/rotate`, {}, as)).json.expires_at).toBe(ends);
    // Rotated by another it is the same, for that other too.
    const second = (await make(org, { scopes: ["leads:read", "api_keys:write"], expires_at: inSeconds(86_400) })).json;
    const { id: successor } = (await org.post(`/v1/api_keys/${second.id}/rotate`, { overlap_seconds: 3_600 })).json;
    for (const headers of [{ authorization: `Bearer ${second.secret}` }, {}]) {
      const refused = (await org.post(`/v1/api_keys/${second.id}/rotate`, {}, headers)).json;
      expect(refused.errors[0]).toMatchObject({ code: "key_rotated", detail: expect.stringContaining(successor) });
    }
  });

  test("that is rotated says its successor, which says whence it came; so do their entries, with the end of the overlap", async () => {
    const org = await api.seed();
    const old = (await make(org, { scopes: ["leads:read", "calls:read"], expires_at: inSeconds(86_400) })).json;
    expect([old.rotated_from, old.successor]).toEqual([null, null]);
    const made = (await org.post(`/v1/api_keys/${old.id}/rotate`, { overlap_seconds: 3_600 })).json;
    expect(made).toMatchObject({ rotated_from: old.id, successor: null });
    const ended = (await org.get(`/v1/api_keys/${old.id}`)).json;
    expect(ended).toMatchObject({ rotated_from: null, successor: made.id, expires_at: inSeconds(3_600) });
    const entriesOf = async (id: string) =>
      (await org.get(`/v1/audit?subject=${id}`)).json.data.map(({ type, facts }: { type: string; facts: string }) => ({ type, facts: JSON.parse(facts) })); // prettier-ignore
    expect(await entriesOf(made.id)).toMatchObject([
      { type: "api_key.created", facts: { scopes: old.scopes, expires_at: old.expires_at, rotated_from: old.id } },
    ]);
    expect(await entriesOf(old.id)).toMatchObject([
      { type: "api_key.created", facts: { scopes: old.scopes } },
      { type: "api_key.rotated", facts: { successor: made.id, expires_at: inSeconds(3_600) } },
    ]);
  });

  test("that has run out, or was revoked, is rotated by nobody: nothing is written", async () => {
    const org = await api.seed();
    const [brief, gone] = [(await make(org, { expires_at: inSeconds(60) })).json, (await make(org, {})).json];
    await org.delete(`/v1/api_keys/${gone.id}`);
    await api.db.admin("update api_keys set expires_at = $2 where org_id = $1 and expires_at is not null", [org.orgId, realNow]);
    const kept = async () =>
      (await api.db.admin("select (select jsonb_agg(k order by k.id) from api_keys k where k.org_id = $1) as keys, (select h.seq from audit.head h where h.org_id = $1) as seq", [org.orgId])).rows; // prettier-ignore
    const before = await kept();
    for (const { id } of [brief, gone])
      expect((await org.post(`/v1/api_keys/${id}/rotate`)).json).toMatchObject({ status: 409, errors: [{ code: "key_ended" }] });
    expect(await kept()).toEqual(before);
  });

  test("ends by the real clock, whatever the organisation's test clock says", async () => {
    const org = await api.seed();
    const refused = await make(org, { expires_at: inSeconds(-60) });
    expect(refused.json.errors[0]).toMatchObject({ pointer: "/expires_at", code: "expires_in_past" });
    const made = (await make(org, { expires_at: inSeconds(3_600) })).json;
    await api.db.admin("update test_clocks set now = now + interval '30 days' where org_id = $1", [org.orgId]);
    expect(await readsLeads(org, made.secret)).toBe(200);
    await api.db.admin("update api_keys set expires_at = $2 where name = 'CRM' and org_id = $1", [org.orgId, realNow]);
    expect(await readsLeads(org, made.secret)).toBe(401);
  });

  test("says when it was last used, to the minute, and no read waits for that", async () => {
    const org = await api.seed();
    const made = (await make(org, {})).json;
    const used = async () => (await org.get(`/v1/api_keys/${made.id}`)).json.last_used_at;
    expect(await used()).toBeNull();
    await readsLeads(org, made.secret);
    const first = await used();
    expect(Math.abs(Date.parse(first) - now)).toBeLessThan(10_000);
    await api.db.admin("update api_keys set last_used_at = last_used_at - interval '30 s' where org_id = $1", [org.orgId]);
    await readsLeads(org, made.secret);
    expect(Date.parse(await used())).toBe(Date.parse(first) - 30_000);
    await api.db.admin("update api_keys set last_used_at = last_used_at - interval '40 s' where org_id = $1", [org.orgId]);
    await readsLeads(org, made.secret);
    expect(Date.parse(await used())).toBeGreaterThanOrEqual(Date.parse(first));
  });
});
