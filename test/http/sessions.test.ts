import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { operations, type Role, rolesFrom, type Rule } from "../../src/domain/access/operations.ts";
import { renew } from "../../src/domain/sessions/renew-session.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { makeMember, makePerson, makeSession, testOrigin } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";

let api: Api;
let org: Caller;
let other: Caller;
let clock: Instant = realNow;
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  org = await api.seed();
  other = await api.seed();
});
afterAll(() => api?.close());
beforeEach(() => {
  clock = realNow;
});

const seller = { registered_name: "Acme Solar LLC" };
async function signIn(role: Role | null, more: Parameters<typeof makeSession>[4] = {}) {
  const person = await makePerson(api.db);
  if (role !== null) await makeMember(api.db, org.orgId, person.userId, role);
  const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, more);
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.send(method, path, { ...(body === undefined ? {} : { body }), headers: { ...session.headers, ...headers } });
  return { ...person, session, send };
}

describe("a session", () => {
  test("may what its role may, in the one org of its person, and says so", async () => {
    const viewer = await signIn("viewer");
    expect((await viewer.send("GET", "/v1/campaigns")).status).toBe(200);
    const refused = await viewer.send("POST", "/v1/sellers", seller);
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      403,
      "role_missing",
      "This takes the role member.",
    ]);
    const me = (await viewer.send("GET", "/v1/me")).json;
    expect(me).toMatchObject({ credential: "session", user: { id: publicId("user", viewer.userId), email: viewer.email } });
    expect(me.organisations).toHaveLength(1);
    expect(me.organisations[0]).toMatchObject({ id: publicId("org", org.orgId), role: "viewer", scopes: null });
    const allowed = Object.entries(operations).filter(
      ([, rule]) => rule.role !== null && rolesFrom(rule.role).includes("viewer"),
    );
    expect(me.organisations[0].operations).toEqual(allowed.map(([id]) => id).toSorted());
    expect(me.organisations[0].operations_on_oneself).toEqual(["members.remove"]);
    expect(me.operations).toEqual(
      Object.entries<Rule>(operations)
        .flatMap(([id, { role }]) => (role === null ? [id] : []))
        .toSorted(),
    );
    for (const id of ["me.get", "orgs.create", "sessions.end", "totp.start"]) expect(me.operations).toContain(id);
    const admin = await signIn("admin");
    expect((await admin.send("GET", "/v1/me")).json.organisations[0]).toMatchObject({
      operations: expect.arrayContaining(["members.remove"]),
      operations_on_oneself: [],
    });
    const machine = (await org.get("/v1/me")).json;
    expect([machine.operations, machine.organisations[0].operations_on_oneself]).toEqual([["me.get"], []]);
  });

  test("acts under its person's name", async () => {
    const member = await signIn("member");
    const made = await member.send("POST", "/v1/sellers", seller);
    expect(made.status).toBe(201);
    const entries = (await org.get("/v1/audit?limit=100")).json.data as {
      event_type: string;
      facts: { actor: unknown } | null;
    }[];
    const entry = entries.findLast((one) => JSON.stringify(one).includes("seller.created"));
    expect(JSON.stringify(entry)).toContain(publicId("user", member.userId));
  });

  test("touches credentials only after a second factor", async () => {
    const admin = await signIn("admin", { factor: false });
    const refused = await admin.send("POST", "/v1/api_keys", { name: "x", scopes: ["leads:read"] });
    expect([refused.status, refused.json.code]).toEqual([403, "second_factor_missing"]);
    expect((await admin.send("GET", "/v1/api_keys")).status).toBe(200);
    const shown = await signIn("admin");
    expect((await shown.send("POST", "/v1/api_keys", { name: "x", scopes: ["leads:read"] })).status).toBe(201);
  });

  test("with its second factor due does nothing but say who it is", async () => {
    const due = await signIn("owner", { stage: "factor_due", factor: false });
    const refused = await due.send("GET", "/v1/campaigns");
    expect([refused.status, refused.json.code]).toEqual([403, "second_factor_due"]);
    const me = (await due.send("GET", "/v1/me")).json;
    const session = { id: publicId("session", due.session.id), status: "second_factor_due" };
    expect(me).toMatchObject({ user: { email: due.email }, session, organisations: [] });
    expect((await due.send("DELETE", `/v1/sessions/${session.id}`)).status).toBe(200);
  });

  test("another's org, a missing one and a malformed one are one answer", async () => {
    const person = await signIn("owner");
    const seen = await person.send("GET", "/v1/leads");
    expect([seen.headers.get("cache-control"), seen.headers.get("x-content-type-options")]).toEqual([
      "private, no-cache",
      "nosniff",
    ]);
    const answers = [];
    for (const named of [publicId("org", other.orgId), publicId("org", "019a9b2c-7d00-7000-8000-00000000ffff"), "org_nonsense"]) {
      const { status, json } = await person.send("GET", "/v1/campaigns", undefined, { "dialgate-org": named });
      answers.push({ status, ...json, instance: "" });
    }
    expect(answers[0]).toMatchObject({ status: 404, detail: "There is no such organisation." });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test("asks which org when its person has none or several", async () => {
    const person = await signIn(null);
    const none = (await person.send("GET", "/v1/campaigns")).json;
    expect(none).toMatchObject({ code: "org_required", detail: expect.stringContaining("member of no organisation") });
    expect(none.detail).toContain("POST /v1/orgs");
    expect(none.detail).not.toContain("Dialgate-Org");
    await makeMember(api.db, org.orgId, person.userId, "viewer");
    expect((await person.send("GET", "/v1/campaigns")).status).toBe(200);
    await makeMember(api.db, other.orgId, person.userId, "owner");
    const several = (await person.send("GET", "/v1/campaigns")).json;
    expect(several).toMatchObject({ code: "org_required", detail: expect.stringContaining("Dialgate-Org: org_…") });
    const named = { "dialgate-org": publicId("org", other.orgId) };
    expect((await person.send("GET", "/v1/account", undefined, named)).json.id).toBe(publicId("org", other.orgId));
    expect((await person.send("POST", "/v1/sellers", seller, named)).status).toBe(201);
    expect((await person.send("POST", "/v1/sellers", seller, { "dialgate-org": publicId("org", org.orgId) })).json.code).toBe(
      "role_missing",
    );
  });

  test("ends: by its own end, idle, revoked, and with its person's account", async () => {
    for (const change of [
      "update sessions set ends_at = $2 where id = $1",
      "update sessions set last_seen_at = $2::timestamptz - interval '3601 s' where id = $1",
      "update sessions set ended_at = $2 where id = $1",
      "update users set disabled_at = $2 where id = (select user_id from sessions where id = $1)",
    ]) {
      const person = await signIn("viewer");
      expect((await person.send("GET", "/v1/campaigns")).status).toBe(200);
      await api.db.admin(change, [person.session.id, realNow]);
      expect((await person.send("GET", "/v1/campaigns")).status, change).toBe(401);
    }
  });

  test("changes nothing for another site, nor for a browser that does not say from where", async () => {
    const person = await signIn("owner");
    const from = (headers: Record<string, string>) =>
      api.send("POST", "/v1/sellers", { body: seller, headers: { cookie: person.session.headers["cookie"] ?? "", ...headers } });
    for (const headers of [
      {},
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "cross-site", origin: testOrigin },
      { origin: "https://api.dialgate.test.evil.example" },
      { origin: "null" },
    ]) {
      const { code, detail } = (await from(headers as Record<string, string>)).json;
      expect(code, JSON.stringify(headers)).toBe("cross_site");
      expect(detail).toContain("API key");
      // A browser sends its own headers; what a program is to send is named whole.
      expect(detail.includes(`\`Origin: ${testOrigin}\``)).toBe(!("sec-fetch-site" in headers));
    }
    expect((await from({ origin: testOrigin })).status).toBe(201);
    expect((await from({ "sec-fetch-site": "same-origin" })).status).toBe(201);
  });

  test("goes on under another token once its person's role has changed, and requests under way are answered for ten seconds", async () => {
    const person = await signIn("member");
    await api.db.admin("update sessions set rotation_due = true where id = $1", [person.session.id]);
    const first = await person.send("GET", "/v1/campaigns");
    const cookie = first.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^__Host-dialgate-session=dgs_\w+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const again = await person.send("GET", "/v1/campaigns");
    expect([again.status, again.headers.get("set-cookie")]).toEqual([200, null]);
    const renewed = { ...person.session.headers, cookie: cookie.split(";")[0] ?? "" };
    expect((await api.send("GET", "/v1/campaigns", { headers: renewed })).status).toBe(200);
    clock = addSeconds(realNow, 9);
    expect((await person.send("GET", "/v1/campaigns")).status).toBe(200);
    clock = addSeconds(realNow, 10);
    expect((await person.send("GET", "/v1/campaigns")).status).toBe(401);
    expect((await api.send("GET", "/v1/campaigns", { headers: renewed })).status).toBe(200);
  });

  test("whose person's role has changed once more goes on by the token that it has now, and by none of before", async () => {
    const person = await signIn("member");
    const due = () => api.db.admin("update sessions set rotation_due = true where id = $1", [person.session.id]);
    await due();
    const renewed = (await person.send("GET", "/v1/campaigns")).headers.get("set-cookie")?.split(";")[0] ?? "";
    await due();
    const underWay = await person.send("GET", "/v1/campaigns");
    expect([underWay.status, underWay.headers.get("set-cookie")]).toEqual([200, null]);
    const next = await person.send("GET", "/v1/campaigns", undefined, { cookie: renewed });
    expect([next.status, next.headers.get("set-cookie")]).toEqual([200, expect.stringContaining("dgs_")]);
  });

  test("goes on under no other token where it is let in no more by then", async () => {
    const person = await signIn("member");
    const { id } = person.session;
    const token = (person.session.headers["cookie"] ?? "").replace(/^[^=]*=/, "").split(";")[0] ?? "";
    const hash = await api.deps.hashApiKey(token);
    const kept = async () => (await api.db.admin("select * from sessions where id = $1", [id])).rows;
    const renewed = async (userId: string) => {
      const demand = { scope: null, roles: null, factor: false };
      const asking = { requestId: "req_test", realNow, country: null, network: null };
      const own = api.deps.system.asPerson({ id, userId, hash }, ["open"], demand, asking);
      return renew(own, await api.deps.mintSession(userId, id), realNow);
    };
    await api.db.admin("update sessions set rotation_due = true where id = $1", [id]);
    await api.db.admin("update users set disabled_at = $2 where id = $1", [person.userId, realNow]);
    const before = await kept();
    await expect(renewed(person.userId)).rejects.toMatchObject({ reason: "unknown_principal" });
    expect(await kept()).toEqual(before);
    await api.db.admin("update users set disabled_at = null where id = $1", [person.userId]);
    expect(await renewed(person.userId)).toBe(true);
    expect(await kept()).not.toEqual(before);
  });

  test("is listed and ended by its person, and by nobody else", async () => {
    const person = await signIn(null);
    const second = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow);
    const listed = (await person.send("GET", "/v1/sessions")).json.data;
    expect(listed.map((one: { id: string; current: boolean }) => [one.id, one.current]).toSorted()).toEqual(
      [
        [publicId("session", person.session.id), true],
        [publicId("session", second.id), false],
      ].toSorted(),
    );
    const stranger = await signIn("owner");
    expect((await stranger.send("DELETE", `/v1/sessions/${publicId("session", second.id)}`)).status).toBe(404);
    expect(await person.send("DELETE", `/v1/sessions/${publicId("session", second.id)}`)).toMatchObject({
      status: 200,
      json: { status: "ended" },
    });
    expect((await api.send("GET", "/v1/me", { headers: second.headers })).status).toBe(401);
    const out = await person.send("DELETE", `/v1/sessions/${publicId("session", person.session.id)}`);
    expect(out.headers.get("set-cookie")).toMatch(/^__Host-dialgate-session=; Max-Age=0/);
    expect((await person.send("GET", "/v1/me")).status).toBe(401);
    const withKey = await api.send("GET", "/v1/sessions", { key: org.apiKey });
    expect([withKey.status, withKey.json.code]).toEqual([403, "people_only"]);
  });

  test("ends all others of its person at once, and nobody else's", async () => {
    const person = await signIn(null);
    const stranger = await signIn("owner");
    const others = [1, 2].map(() => makeSession(api.db, api.deps.hashApiKey, person.userId, realNow));
    const ids = (await Promise.all(others)).map(({ id }) => publicId("session", id));
    const due = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, { stage: "factor_due" });
    expect((await api.send("DELETE", "/v1/sessions", { headers: due.headers })).json.code).toBe("second_factor_due");
    // Those that ran out by themselves ended before, and neither answer nor chain says otherwise.
    for (const set of ["ends_at = $2", "last_seen_at = $2::timestamptz - make_interval(secs => idle_seconds)"]) {
      const { id } = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow);
      await api.db.admin(`update sessions set ${set} where id = $1`, [id, realNow]);
    }
    expect((await person.send("GET", "/v1/sessions")).json.data).toHaveLength(ids.length + 2);
    const ended = await person.send("DELETE", "/v1/sessions");
    expect(ended.status, ended.text).toBe(200);
    expect(new Set(ended.json.data.map(({ status }: { status: string }) => status))).toEqual(new Set(["ended"]));
    const told = (ended.json.data as { id: string }[]).map(({ id }) => id);
    expect(told.toSorted()).toEqual([...ids, publicId("session", due.id)].toSorted());
    for (const other of await Promise.all(others))
      expect((await api.send("GET", "/v1/me", { headers: other.headers })).status).toBe(401);
    expect((await person.send("GET", "/v1/me")).status).toBe(200);
    expect((await stranger.send("GET", "/v1/me")).status).toBe(200);
    expect((await person.send("DELETE", "/v1/sessions")).json.data).toEqual([]);
    const { rows } = await api.db.admin(
      "select e.event_type as type from audit.entry e join audit.payload p using (org_id, seq) where e.org_id = app.platform() and p.subject_text = any ($1) order by 1",
      [[...told, publicId("user", person.userId)]],
    );
    expect(rows.map(({ type }) => type)).toEqual(["session.ended", "session.ended", "session.ended", "sessions.others_ended"]);
    const withKey = await api.send("DELETE", "/v1/sessions", { key: org.apiKey });
    expect([withKey.status, withKey.json.code]).toEqual([403, "people_only"]);
  });

  test("from another country shows a second factor again before it touches credentials", async () => {
    const person = await signIn("owner");
    await api.db.admin("update sessions set country = 'DE' where id = $1", [person.session.id]);
    const token = person.session.headers["cookie"]?.split("=")[1] ?? "";
    const proof = { id: person.session.id, userId: person.userId, hash: await api.deps.hashApiKey(token) };
    const demand = { scope: null, roles: ["owner"], factor: true };
    const from = (country: string | null) =>
      api.deps.system.asMember(proof, null, demand, { requestId: "req", realNow, country, network: null }).bound();
    expect(await from("DE")).toMatchObject({ role: "owner", factorAt: realNow });
    expect(await from(null)).toMatchObject({ role: "owner" });
    await expect(from("BR")).rejects.toMatchObject({ reason: "factor_missing" });
    await expect(from("DE")).rejects.toMatchObject({ reason: "factor_missing" });
    // It was used by that as by any other request: its hour begins anew.
    for (const seconds of [3_599, 7_198]) {
      const asking = { requestId: "req", realNow: addSeconds(realNow, seconds), country: "FR", network: null };
      const org = api.deps.system.asMember(proof, null, { ...demand, factor: false }, asking);
      expect(await org.bound(), `after ${seconds} s`).toMatchObject({ role: "owner" });
    }
  });
});

describe("a key that someone answers for", () => {
  test("does what that person may now, and nothing once they are gone", async () => {
    const admin = await signIn("admin");
    const { secret } = (await admin.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:write", "sellers:read"] }))
      .json;
    const make = () => api.send("POST", "/v1/sellers", { key: secret, body: seller });
    const list = () => api.send("GET", "/v1/sellers", { key: secret });
    expect([(await make()).status, (await list()).status]).toEqual([201, 200]);
    expect((await admin.send("GET", "/v1/api_keys")).json.data[0]).toMatchObject({ sponsor_id: publicId("user", admin.userId) });
    await makeMember(api.db, org.orgId, admin.userId, "viewer");
    expect([(await make()).json.code, (await list()).status]).toEqual(["role_missing", 200]);
    expect((await api.send("GET", "/v1/me", { key: secret })).json.organisations[0].operations).toEqual([
      "sellers.get",
      "sellers.list",
    ]);
    await api.db.admin("delete from memberships where user_id = $1", [admin.userId]);
    expect([(await make()).status, (await list()).status]).toEqual([401, 401]);
    expect((await org.get("/v1/sellers")).status).toBe(200);
  });
});

describe("an operator", () => {
  async function operator(more: Parameters<typeof makeSession>[4] = {}) {
    const person = await makePerson(api.db);
    await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [person.userId, realNow]);
    const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, more);
    const grantId = session.id;
    await api.db.admin(
      "insert into support_grants (org_id, id, operator_id, role, reason, created_at, expires_at) values ($1, $2, $3, 'viewer', 'ticket 7', $4, $4::timestamptz + interval '1 hour')",
      [org.orgId, grantId, person.userId, realNow],
    );
    const headers = {
      ...session.headers,
      "dialgate-org": publicId("org", org.orgId),
      "dialgate-support-grant": publicId("supportGrant", grantId),
    };
    return { ...person, grantId, headers };
  }

  test("enters by a grant, as its role, and each thing that they ask for is on the org's chain", async () => {
    const guest = await operator();
    expect((await api.send("GET", "/v1/campaigns", { headers: guest.headers })).status).toBe(200);
    expect((await api.send("POST", "/v1/sellers", { body: seller, headers: guest.headers })).json.code).toBe("role_missing");
    expect((await api.send("POST", "/v1/decisions", { body: {}, headers: guest.headers })).status).toBe(422);
    expect((await api.send("POST", "/v1/api_keys", { body: {}, headers: guest.headers })).json.detail).toContain("No operator");
    const { rows } = await api.db.admin(
      "select e.event_type as type, p.facts_text as facts from audit.payload p join audit.entry e using (org_id, seq) where p.org_id = $1 and e.event_type like 'support.%' order by p.seq",
      [org.orgId],
    );
    const told = rows.map(({ type, facts }) => ({ type, ...JSON.parse(String(facts)) }));
    expect(told.map(({ type, operation }) => `${type} ${operation}`)).toEqual([
      "support.acted campaigns.list",
      "support.refused sellers.create",
      "support.acted decisions.dry_run",
      "support.refused api_keys.create",
    ]);
    const actor = { type: "operator", id: publicId("user", guest.userId), grant: publicId("supportGrant", guest.grantId) };
    for (const entry of told) expect(entry.actor).toEqual(actor);
  });

  test("stays outside without a grant, after its end, without a second factor, and when no operator any more", async () => {
    const asked = async (guest: { headers: Record<string, string> }, headers: Record<string, string> = {}) =>
      (await api.send("GET", "/v1/campaigns", { headers: { ...guest.headers, ...headers } })).json.code;
    const guest = await operator();
    expect(await asked(guest, { "dialgate-org": publicId("org", other.orgId) })).toBe("not_found");
    expect(await asked(guest, { "dialgate-support-grant": "sgr_nonsense" })).toBe("not_found");
    // Also where they are a member: what names a grant asks as a guest.
    await makeMember(api.db, org.orgId, guest.userId, "viewer");
    expect(await asked(guest, { "dialgate-support-grant": "sgr_nonsense" })).toBe("not_found");
    await api.db.admin("delete from memberships where user_id = $1", [guest.userId]);
    expect(await asked(await operator({ factor: false }))).toBe("second_factor_missing");
    for (const change of [
      "update support_grants set ended_at = $2 where id = $1",
      "update support_grants set expires_at = $2 where id = $1",
      "update operators set until = $2 where user_id = (select operator_id from support_grants where id = $1)",
      "update operators set since = $2::timestamptz + interval '1 s' where user_id = (select operator_id from support_grants where id = $1)",
    ]) {
      const one = await operator();
      expect((await api.send("GET", "/v1/campaigns", { headers: one.headers })).status).toBe(200);
      await api.db.admin(change, [one.grantId, realNow]);
      expect(await asked(one), change).toBe("not_found");
    }
  });
});

describe("a read of someone's data", () => {
  const noted = async () =>
    (
      await api.db.admin(
        "select p.subject_text as subject, p.facts_text as facts from audit.payload p join audit.entry e using (org_id, seq) where p.org_id = $1 and e.event_type = 'customer_data_accessed' order by p.seq",
        [org.orgId],
      )
    ).rows.map((row) => ({ subject: row["subject"], operation: JSON.parse(row["facts"] as string).operation }));

  test("is written on the org's chain in the request that reads, one entry a page", async () => {
    const before = (await noted()).length;
    const lead = publicId("lead", "019a9b2c-7d00-7000-8000-000000000abc");
    await org.get("/v1/leads");
    await org.get(`/v1/leads/${lead}`);
    await org.get("/v1/campaigns");
    expect((await noted()).slice(before)).toEqual([
      { subject: "leads.list", operation: "leads.list" },
      { subject: lead, operation: "leads.get" },
    ]);
  });

  test("is not read when it cannot be written", async () => {
    await api.db.admin("alter table audit.entry add constraint no_more check (event_type <> 'customer_data_accessed') not valid");
    const answer = await org.get("/v1/leads");
    await api.db.admin("alter table audit.entry drop constraint no_more");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("lead_");
  });
});
