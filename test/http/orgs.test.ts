import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { createOrg } from "../../src/domain/orgs/create-org.ts";
import { type AuditEntry, verifyChain } from "../../src/lib/audit-chain.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { tenantTables } from "../isolation/tenants.ts";
import { testPeppers } from "../support/peppers.ts";
import { makeSession } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, forbidEntry, roleOf, signIn, type SignedIn } from "./signed-in.ts";

let api: Api;
let seeded: Caller;
beforeAll(async () => {
  api = await openApi();
  seeded = await api.seed();
});
afterAll(() => api?.close());

const make = (by: SignedIn, body: unknown, headers: Record<string, string> = {}) => by.send("POST", "/v1/orgs", body, headers);
const orgOf = (answer: { json: { id: string } }) => uuidOf("org", answer.json.id) ?? "";
async function rowCounts(orgId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of await tenantTables(api.db.admin)) {
    const { rows } = await api.db.admin(`select count(*) as n from ${name} where org_id = $1`, [orgId]);
    if (Number(rows[0]?.["n"]) > 0) counts[name] = Number(rows[0]?.["n"]);
  }
  return counts;
}

describe("an organisation that somebody makes", () => {
  test("is theirs, a test one with a clock at the present, and works", async () => {
    const person = await signIn(api);
    const elsewhere = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow);
    const made = await make(person, { name: "  Acme Solar  " });
    expect([made.status, made.json]).toEqual([201, { id: made.json.id, object: "organisation", name: "Acme Solar", livemode: false, role: "owner", created_at: realNow }]);
    expect(await roleOf(api, orgOf(made), person.userId)).toBe("owner");
    const me = (await person.send("GET", "/v1/me")).json.organisations;
    expect(me).toMatchObject([{ id: made.json.id, name: "Acme Solar", role: "owner" }]);
    expect((await person.send("GET", "/v1/test_clock")).json).toMatchObject({ now: realNow, status: "ready" });
    expect((await person.send("POST", "/v1/sellers", { registered_name: "Acme Solar LLC" })).status).toBe(201);
    const key = await person.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["leads:write"] });
    expect(key.json.secret).toMatch(/^dg_test_/);
    expect((await api.send("GET", "/v1/test_clock", { headers: elsewhere.headers })).headers.get("set-cookie")).toContain("dgs_");
    expect((await api.db.admin("select rotation_due from sessions where user_id = $1", [person.userId])).rows).toEqual([{ rotation_due: false }, { rotation_due: false }]);
  }); // prettier-ignore

  test("has what a seeded one has, by the same verb, and begins its own chain", async () => {
    const person = await signIn(api);
    const made = orgOf(await make(person, { name: "Like the seed" }));
    const [mine, theirs] = [await rowCounts(made), await rowCounts(seeded.orgId)];
    expect(theirs["public.api_keys"]).toBe(1);
    // A person in place of a key; that they were added is an entry of its own.
    expect(mine).toEqual({
      ...Object.fromEntries(Object.entries(theirs).filter(([name]) => name !== "public.api_keys")),
      "public.memberships": 1,
      "audit.entry": 2,
      "audit.payload": 2,
    });
    for (const [orgId, actor] of [[made, { type: "user", id: person.id }], [seeded.orgId, { type: "job", id: "seed" }]] as const)
      expect((await chainOf(api, orgId))[0]).toMatchObject({ seq: 1, type: "org.created", subject: publicId("org", orgId), facts: { livemode: false, actor } });
    const canary = await api.deps.system.asOrg(made, { type: "job", id: "test" }, "req", realNow).rows<{ found: boolean }>({ name: "canary", text: "select app.canary_found() as found", params: [] });
    expect(canary).toEqual([{ found: true }]);
    const { json } = await person.send("GET", "/v1/audit?limit=100");
    const report = await verifyChain(json.data as AuditEntry[], { org: made, head: json.head });
    expect(report.faults).toEqual([]);
  }); // prettier-ignore

  test("is whole or not there", async () => {
    const person = await signIn(api);
    const orgs = async () => Number((await api.db.admin("select count(*) as n from orgs")).rows[0]?.["n"]);
    const before = await orgs();
    const allow = await forbidEntry(api, "member.added");
    expect((await make(person, { name: "Half" })).status).toBe(500);
    await allow();
    expect(await orgs()).toBe(before);
    expect((await person.send("GET", "/v1/me")).json.organisations).toEqual([]);
    expect((await make(person, { name: "Whole" })).status).toBe(201);
    expect(await orgs()).toBe(before + 1);
    api.faults.length = 0;
  });

  test("is made once by one Idempotency-Key", async () => {
    const person = await signIn(api);
    const once = { "idempotency-key": "one-org" };
    const [first, again] = [await make(person, { name: "Once" }, once), await make(person, { name: "Once" }, once)];
    expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([201, first.text, "true"]);
    expect((await person.send("GET", "/v1/me")).json.organisations).toHaveLength(1);
    expect((await make(person, { name: "Twice" }, once)).json.code).toBe("idempotency_key_reused");
  });

  test("has a name that shows as one, and hostile ones are kept as what they are", async () => {
    const person = await signIn(api);
    for (const name of ["", "   ", "a\nb", "a\u0000b", "a\u0007", "\u202eevil", "a\u2066b", "x".repeat(101), 7, null, "\ud800"]) {
      const answer = await make(person, { name });
      expect([answer.status, answer.json.code], JSON.stringify(name)).toEqual([422, "invalid_request"]);
      expect(answer.json.errors[0].pointer).toBe("/name");
    }
    for (const body of [{}, { name: "a", livemode: "yes" }, { name: "a", org_id: seeded.orgId }, []])
      expect((await make(person, body)).status, JSON.stringify(body)).toBe(422);
    for (const name of ["'; drop table orgs; --", "<script>alert(1)</script>", "${jndi:x}", "__proto__", "Ω≈ç√ 株式会社 🏠", "مؤسسة", "..", "null"]) {
      const answer = await make(person, { name });
      expect([answer.status, answer.json.name]).toEqual([201, name]);
    }
    expect(api.faults).toEqual([]);
  }); // prettier-ignore

  test("is made by people alone", async () => {
    expect((await seeded.post("/v1/orgs", { name: "By a key" })).json.code).toBe("people_only");
    expect((await api.send("POST", "/v1/orgs", { body: { name: "By nobody" } })).status).toBe(401);
  });

  test("is one of at most twenty of an owner; those that one is only a member of do not count", async () => {
    const person = await signIn(api);
    const member = await signIn(api);
    for (let count = 0; count < 20; count += 1) {
      const made = await make(person, { name: `Org ${count}` });
      expect(made.status).toBe(201);
      await api.db.admin("insert into memberships (org_id, user_id, role, created_at) values ($1, $2, 'admin', now())", [
        orgOf(made),
        member.userId,
      ]);
    }
    const refused = await make(person, { name: "One more" });
    expect([refused.status, refused.json.errors[0].code]).toEqual([409, "too_many_orgs"]);
    expect((await person.send("GET", "/v1/me")).json.organisations).toHaveLength(20);
    expect((await make(member, { name: "Mine" })).status).toBe(201);
  });
});

describe("a live organisation", () => {
  test("takes a second factor, and a build with every gate and pack: this one makes none", async () => {
    const without = await signIn(api, { factor: false });
    expect((await make(without, { name: "Live", livemode: true })).json.code).toBe("second_factor_missing");
    expect((await make(without, { name: "Test", livemode: false })).status).toBe(201);
    const person = await signIn(api);
    const refused = await make(person, { name: "Live", livemode: true });
    expect([refused.status, refused.json.errors[0].code]).toEqual([409, "live_not_open"]);
    const account = (await seeded.get("/v1/account")).json;
    expect([...account.missing_gates, ...account.missing_rule_packs].length).toBeGreaterThan(0);
    const { rows } = await api.db.admin("select count(*) as live from orgs where livemode and org_id <> app.platform()");
    expect(Number(rows[0]?.["live"])).toBe(0);
  });

  test("that a whole build makes has no test clock, and its keys are live ones", async () => {
    const person = await signIn(api);
    const transport = neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
    const system = new SystemDb(transport, api.deps.newId, testPeppers);
    const own = system.asVisitor("req_test", realNow);
    // A visitor has shown no factor.
    expect(await createOrg(own, person.userId, { name: "Live", livemode: true }, realNow, [])).toEqual({ ok: false, refusal: "second_factor_missing" });
    const token = person.session.headers["cookie"]?.split("=")[1] ?? "";
    const proof = { id: person.session.id, userId: person.userId, hash: await api.deps.hashApiKey(token) };
    const demand = { scope: null, roles: [], factor: false };
    const asPerson = system.asPerson(proof, ["open"], demand, { requestId: "req_test", realNow, country: null, network: null });
    const made = await createOrg(asPerson, person.userId, { name: "Live", livemode: true }, realNow, []);
    expect(made).toMatchObject({ ok: true, value: { livemode: true } });
    expect((await person.send("GET", "/v1/test_clock")).status).toBe(404);
    expect((await person.send("GET", "/v1/account")).json).toMatchObject({ livemode: true, now: realNow });
    const key = await person.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["leads:write"] });
    expect(key.json.secret).toMatch(/^dg_live_/);
  }); // prettier-ignore
});

describe("its name", () => {
  const rename = (
    by: SignedIn,
    id: string,
    body: unknown = { name: " Acme of Colorado " },
    headers: Record<string, string> = {},
  ) => by.send("PATCH", `/v1/orgs/${id}`, body, headers);

  test("is changed by an owner or admin with a second factor, from and to on its chain, and seen by everyone", async () => {
    const person = await signIn(api);
    const [id, another] = [(await make(person, { name: "Acme" })).json.id as string, (await make(person, { name: "Other" })).json.id as string];
    // One is in two: the path says which.
    const renamed = await rename(person, id);
    expect([renamed.status, renamed.json]).toEqual([200, { id, object: "organisation", name: "Acme of Colorado", livemode: false, role: "owner", created_at: realNow }]);
    const entries = await chainOf(api, uuidOf("org", id) ?? "");
    expect(entries.at(-1)).toMatchObject({ type: "org.updated", subject: id, facts: { changed: ["name"], from: { name: "Acme" }, to: { name: "Acme of Colorado" }, actor: { type: "user", id: person.id } } });
    expect((await rename(person, id)).status).toBe(200);
    expect(await chainOf(api, uuidOf("org", id) ?? "")).toHaveLength(entries.length);
    expect((await person.send("GET", "/v1/me")).json.organisations).toMatchObject([{ id, name: "Acme of Colorado" }, { id: another, name: "Other" }]);
    const orgId = uuidOf("org", id) ?? "";
    const admin = await signIn(api, { orgId, role: "admin" });
    expect((await rename(admin, id, { name: "Acme II" })).json).toMatchObject({ name: "Acme II", role: "admin" });
    expect((await rename(await signIn(api, { orgId, role: "admin", factor: false }), id)).json.code).toBe("second_factor_missing");
    expect((await rename(await signIn(api, { orgId, role: "member" }), id)).json.code).toBe("role_missing");
    expect((await seeded.patch(`/v1/orgs/${publicId("org", seeded.orgId)}`, { name: "x" })).json.code).toBe("people_only");
  }); // prettier-ignore

  test("is nobody else's to change, and on one line", async () => {
    const [person, stranger] = [await signIn(api), await signIn(api)];
    const id = (await make(person, { name: "Acme" })).json.id as string;
    const theirs = (await make(stranger, { name: "Theirs" })).json.id as string;
    const missing = publicId("org", api.deps.newId());
    for (const [by, of, headers] of [[stranger, id, {}], [person, missing, {}], [person, "org_nonsense", {}], [person, theirs, { "dialgate-org": id }], [person, id, { "dialgate-org": theirs }]] as const) {
      const answer = await rename(by, of, undefined, headers);
      expect([answer.status, answer.json.detail], of).toEqual([404, "There is no such organisation."]);
    }
    for (const name of ["", "  ", "a\nb", "a\u202eb", "x".repeat(101), null, 7]) {
      const answer = await rename(person, id, { name });
      expect([answer.status, answer.json.errors[0].pointer], String(name)).toEqual([422, "/name"]);
    }
    expect((await person.send("GET", "/v1/me")).json.organisations).toMatchObject([{ id, name: "Acme" }]);
  }); // prettier-ignore
});

test("one's own name is changed, seen by others, and stands on no chain", async () => {
  const [person, other] = [await signIn(api, { orgId: seeded.orgId, role: "viewer" }), await signIn(api, { orgId: seeded.orgId, role: "viewer" })];
  const renamed = await person.send("PATCH", "/v1/me", { name: " Mae Jemison " });
  expect([renamed.status, renamed.json.user]).toMatchObject([200, { id: person.id, email: person.email, name: "Mae Jemison" }]);
  expect((await person.send("GET", "/v1/me")).json).toEqual(renamed.json);
  expect((await other.send("GET", `/v1/members/${person.id}`)).json.name).toBe("Mae Jemison");
  const platform = "00000000-0000-0000-0000-000000000000";
  const entries = (await chainOf(api, platform)).filter(({ type }) => type === "user.updated");
  expect(entries).toMatchObject([{ subject: person.id, facts: { changed: ["name"], actor: { type: "user", id: person.id } } }]);
  expect(JSON.stringify(entries)).not.toContain("Jemison");
  await person.send("PATCH", "/v1/me", { name: "Mae Jemison" });
  expect((await chainOf(api, platform)).filter(({ type }) => type === "user.updated")).toHaveLength(1);
  for (const body of [{ name: "" }, { name: "a\u0007" }, { name: 1 }, {}]) expect((await person.send("PATCH", "/v1/me", body)).json.errors[0].pointer).toBe("/name");
  expect((await person.send("PATCH", "/v1/me", { name: null })).json.user.name).toBeNull();
  expect((await seeded.patch("/v1/me", { name: "x" })).json.code).toBe("people_only");
}); // prettier-ignore

test("what is asked over all organisations is a thousand rows at most, however many are asked for", async () => {
  const person = await signIn(api);
  await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [person.userId, realNow]);
  await api.db.admin(
    `with made as (insert into orgs (org_id, name, livemode, created_at)
        select gen_random_uuid(), 'One of many', false, $2 from generate_series(1, 1001) returning org_id),
      joined as (insert into memberships (org_id, user_id, role, created_at) select m.org_id, $1, 'viewer', $2 from made m)
      insert into support_grants (org_id, id, operator_id, role, reason, created_at, expires_at)
        select m.org_id, gen_random_uuid(), $1, 'viewer', 'test', $2, $2 from made m`,
    [person.userId, realNow],
  );
  const { rows } = await api.db.admin(
    "select (select count(*) from door.user_orgs($1, 5000))::int as orgs, (select count(*) from door.operator_grants($1, null, 5000))::int as grants",
    [person.userId],
  );
  expect(rows).toEqual([{ orgs: 1_000, grants: 1_000 }]);
});
