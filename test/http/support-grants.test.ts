import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OperationId, operations as ruled } from "../../src/domain/access/operations.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { readDocument } from "../hostile/operations.ts";
import { signerOf } from "../support/tokens.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, forbidEntry, mailsQueued, roleOf, signIn, type SignedIn, told } from "./signed-in.ts";

let api: Api;
let org: Caller;
let other: Caller;
let owner: SignedIn;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  other = await api.seed({ name: "Other" });
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterAll(() => api?.close());

const seller = { registered_name: "Acme Solar LLC" };
async function operator(more: { factor?: boolean } = {}): Promise<SignedIn> {
  const person = await signIn(api, more);
  await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [person.userId, realNow]);
  return person;
}
const wanted = (more: Record<string, unknown> = {}) => ({
  org_id: publicId("org", org.orgId),
  reason: "Ticket 4711",
  role: "viewer",
  minutes: 60,
  ...more,
});
const open = (by: SignedIn, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  by.send("POST", "/v1/support_grants", wanted(more), headers);
/** What the operator sends from inside. */
const inside = (grantId: string, orgId = org.orgId) => ({
  "dialgate-org": publicId("org", orgId),
  "dialgate-support-grant": grantId,
});

describe("a support grant", () => {
  test("lets in a session that goes on under another token when that is due", async () => {
    const guest = await operator();
    const { json } = await open(guest);
    await api.db.admin("update sessions set rotation_due = true where id = $1", [guest.session.id]);
    const seen = await guest.send("GET", "/v1/sellers", undefined, inside(json.id));
    const cookie = seen.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect([seen.status, cookie.split("=")[0]]).toEqual([200, "__Host-dialgate-session"]);
    const again = await guest.send("GET", "/v1/sellers", undefined, { ...inside(json.id), cookie });
    expect([again.status, again.headers.get("set-cookie")]).toEqual([200, null]);
    // Also where what it asks for is refused.
    await api.db.admin("update sessions set rotation_due = true where id = $1", [guest.session.id]);
    const refused = await guest.send("POST", "/v1/sellers", seller, { ...inside(json.id), cookie });
    expect([refused.status, refused.headers.get("set-cookie")]).toEqual([403, expect.stringContaining("dgs_")]);
  });

  test("notes each request that was refused, as what it was: nobody's data was read, and nothing of what was sent is kept", async () => {
    const guest = await operator();
    const { json: grant } = await open(guest, { role: "member" });
    const words = encodeURIComponent("Ada Lovelace +13035550142 ".repeat(50));
    const refused: readonly (readonly [string, string, unknown?, Record<string, string>?])[] = [
      ["GET", "/v1/leads?limit=abc"], ["GET", "/v1/leads?limit=%00"], ["GET", "/v1/calls?limit=1e400"], ["GET", "/v1/leads?limit=1&limit=2"],
      ["GET", `/v1/leads?limit=5&cursor=${words}`], ["GET", `/v1/leads?status=${words}`], ["GET", "/v1/leads?foo=1"],
      ["POST", "/v1/leads/search", { nope: 1 }], ["POST", "/v1/suppressions/lookup", { phones: [] }],
      ["POST", "/v1/suppressions/lookup", { phones: ["+13035550142"] }, { "idempotency-key": "\u0001" }],
    ];
    for (const [method, path, body, headers] of refused) {
      const before = (await chainOf(api, org.orgId)).length;
      const answer = await guest.send(method, path, body, { ...inside(grant.id), ...headers });
      expect([422, 400], path).toContain(answer.status);
      const entries = (await chainOf(api, org.orgId)).slice(before);
      expect(entries.map(({ type }) => type), path).toEqual(["support.acted"]);
      expect(Object.keys(entries[0]?.facts ?? {}).toSorted(), path).toEqual(["actor", "operation", "request_id"]);
    }
    expect((await owner.send("GET", `/v1/support_grants/${grant.id}`)).json.requests).toBe(refused.length);
    // As it is where something is read.
    const before = (await chainOf(api, org.orgId)).length;
    expect((await guest.send("GET", "/v1/leads?limit=5", undefined, inside(grant.id))).status).toBe(200);
    const read = (await chainOf(api, org.orgId)).slice(before);
    expect(read).toMatchObject([{ type: "customer_data_accessed", facts: { limit: 5 } }, { type: "support.acted" }]);
  }); // prettier-ignore

  test("lets nobody act any more whose own term has ended", async () => {
    const guest = await operator();
    const { json } = await open(guest);
    expect((await guest.send("GET", "/v1/sellers", undefined, inside(json.id))).status).toBe(200);
    await api.db.admin("update operators set until = $2 where user_id = $1", [guest.userId, realNow]);
    expect((await guest.send("GET", "/v1/sellers", undefined, inside(json.id))).status).toBe(404);
  });

  test("is opened with a reason: on the org's chain, by mail to each owner, and shown to the org", async () => {
    const second = await signIn(api, { orgId: org.orgId, role: "owner" });
    const admin = await signIn(api, { orgId: org.orgId, role: "admin" });
    const guest = await operator();
    const opened = await open(guest);
    expect(opened.status).toBe(201);
    expect(opened.json).toEqual({ id: opened.json.id, object: "support_grant", operator: guest.id, operator_email: guest.email, operator_name: null, role: "viewer", reason: "Ticket 4711", status: "open", created_at: realNow, expires_at: addSeconds(realNow, 3600), ended_at: null });
    expect((await chainOf(api, org.orgId)).at(-1)).toMatchObject({
      type: "support.opened",
      subject: opened.json.id,
      facts: { role: "viewer", reason: "Ticket 4711", expires_at: addSeconds(realNow, 3600), actor: { type: "operator", id: guest.id, grant: opened.json.id } },
    });
    expect(api.woken).toContainEqual({ orgId: "", work: "mail" });
    for (const { email } of [owner, second]) {
      const letter = (await api.mailbox.read(email)).at(-1);
      expect(letter?.subject).toBe("Support has opened access to “Acme Solar”");
      expect(letter?.text).toContain("2026-11-20 10:00 UTC");
      expect(letter?.text).toContain("“Ticket 4711”");
      expect(letter?.text).toContain(`${guest.email}, an operator of Dialgate, can act as viewer`);
    }
    expect(await api.mailbox.read(admin.email)).toEqual([]);
    const viewer = await signIn(api, { orgId: org.orgId, role: "viewer" });
    const shown = await viewer.send("GET", `/v1/support_grants/${opened.json.id}`);
    expect(shown.json).toMatchObject({ status: "open", reason: "Ticket 4711", requests: 0, last_operation: null, last_acted_at: null });
    // Whoever is inside is known by more than an id, by the name of the moment.
    await guest.send("PATCH", "/v1/me", { name: "Ada Lovelace" });
    const named = { id: opened.json.id, operator_email: guest.email, operator_name: "Ada Lovelace" };
    expect((await org.get("/v1/support_grants")).json.data[0]).toMatchObject(named);
    expect((await viewer.send("GET", `/v1/support_grants/${opened.json.id}`)).json).toMatchObject(named);
    await open(guest);
    expect((await api.mailbox.read(owner.email)).at(-1)?.text).toContain(`“Ada Lovelace” (${guest.email}), an operator`);
  }); // prettier-ignore

  test("is ended by what its mail says, word by word", async () => {
    const guest = await operator();
    const { id } = (await open(guest)).json;
    const text = (await api.mailbox.read(owner.email)).at(-1)?.text ?? "";
    const [, path, orgId = ""] = /DELETE (\/v1\/support_grants\/\w+), with the header Dialgate-Org: (\w+)\./.exec(text) ?? [];
    expect([path, orgId]).toEqual([`/v1/support_grants/${id}`, publicId("org", org.orgId)]);
    expect((await guest.send("GET", "/v1/campaigns", undefined, inside(id))).status).toBe(200);
    const ended = await owner.send("DELETE", path ?? "", undefined, { "dialgate-org": orgId });
    expect([ended.status, ended.json.status]).toEqual([200, "ended"]);
    expect((await guest.send("GET", "/v1/campaigns", undefined, inside(id))).status).toBe(404);
  });

  test("shows how much was done by it, and what last; each request is on the org's chain, also what came to nothing", async () => {
    const guest = await operator();
    const { id } = (await open(guest, { role: "member" })).json;
    const another = (await open(guest)).json.id as string;
    const before = (await chainOf(api, org.orgId)).length;
    expect((await guest.send("GET", "/v1/campaigns", undefined, inside(id))).status).toBe(200);
    const made = await guest.send("POST", "/v1/sellers", seller, inside(id));
    expect(made.status).toBe(201);
    expect((await guest.send("POST", "/v1/suppressions", { phones: ["+13035550142"] }, inside(id))).status).toBe(201);
    const absent = `/v1/invitations/${publicId("invitation", api.deps.newId())}`;
    expect((await guest.send("POST", `/v1/campaigns/${publicId("campaign", api.deps.newId())}/pause`, {}, inside(id))).status).toBe(404);
    expect((await guest.send("GET", absent, undefined, inside(id))).json.code).toBe("role_missing");
    const entries = (await chainOf(api, org.orgId)).slice(before);
    expect(entries.filter(({ type }) => type === "support.acted").map(({ subject }) => subject)).toEqual(["campaigns.list", "sellers.create", "suppressions.create", "campaigns.pause"]);
    for (const { facts } of entries) expect(facts.actor).toEqual({ type: "operator", id: guest.id, grant: id });
    expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(["seller.created", "suppression.created"]));
    const shown = (await owner.send("GET", `/v1/support_grants/${id}`)).json;
    // The one that was refused too: an owner asks what was tried.
    expect(shown).toMatchObject({ requests: 5, last_operation: "invitations.get" });
    expect(Math.abs(Date.parse(shown.last_acted_at) - Date.now())).toBeLessThan(60_000);
    expect((await owner.send("GET", `/v1/support_grants/${another}`)).json.requests).toBe(0);
    expect((await guest.send("GET", "/v1/campaigns", undefined, inside(another))).status).toBe(200);
    const listed = (await owner.send("GET", "/v1/support_grants?limit=100")).json.data as { id: string; requests: number }[];
    expect([id, another].map((one) => listed.find((grant) => grant.id === one)?.requests)).toEqual([5, 1]);
  }); // prettier-ignore

  test("notes what was refused because the session has lost its factor, and lets nothing through by that", async () => {
    const guest = await operator();
    const { id } = (await open(guest)).json;
    const asked = async (headers = inside(id)) => {
      const before = (await chainOf(api, org.orgId)).length;
      const answers = [await guest.send("GET", "/v1/leads", undefined, headers), await guest.send("POST", "/v1/sellers", seller, headers)];
      return { codes: answers.map(({ json }) => json.code), entries: (await chainOf(api, org.orgId)).slice(before) };
    };
    await api.db.admin("update sessions set factor_at = null where user_id = $1", [guest.userId]);
    const lost = await asked();
    expect(lost.codes).toEqual(["second_factor_missing", "second_factor_missing"]);
    const refused = (operation: string, reason: string) => ({ type: "support.refused", subject: operation, facts: { operation, reason, actor: { type: "operator", id: guest.id, grant: id } } });
    expect(lost.entries).toMatchObject([refused("leads.list", "second_factor_missing"), refused("sellers.create", "second_factor_missing")]);
    expect((await owner.send("GET", `/v1/support_grants/${id}`)).json).toMatchObject({ requests: 2, last_operation: "sellers.create" });
    await api.db.admin("update sessions set stage = 'factor_due' where user_id = $1", [guest.userId]);
    const due = await asked();
    expect(due.codes).toEqual(["second_factor_due", "second_factor_due"]);
    expect(due.entries).toMatchObject([refused("leads.list", "second_factor_due"), refused("sellers.create", "second_factor_due")]);
    // Without a grant that lives there is no guest, and nobody writes on the chain.
    await owner.send("DELETE", `/v1/support_grants/${id}`);
    expect((await asked()).entries).toEqual([]);
    expect((await asked(inside(publicId("supportGrant", api.deps.newId())))).entries).toEqual([]);
  }); // prettier-ignore

  test("notes no path that is no id: whom somebody looked for by number is on no chain", async () => {
    const guest = await operator();
    const { id } = (await open(guest)).json;
    const before = (await chainOf(api, org.orgId)).length;
    for (const path of [encodeURIComponent("+13035550142"), "dana@people.test", "lead_13035550142"])
      expect((await guest.send("GET", `/v1/leads/${path}`, undefined, inside(id))).status, path).toBe(404);
    const entries = (await chainOf(api, org.orgId)).slice(before);
    const noted = ["customer_data_accessed", "support.acted"].map((type) => ({ type, subject: "leads.get" }));
    expect(entries).toMatchObject([...noted, ...noted, ...noted]);
    expect(JSON.stringify(entries)).not.toMatch(/3035550142|dana@/);
  });

  test("writes no more than its role may, and gives nobody access that outlasts it, whatever the role", async () => {
    const guest = await operator();
    const viewer = (await open(guest)).json.id as string;
    expect((await guest.send("POST", "/v1/sellers", seller, inside(viewer))).json.code).toBe("role_missing");
    const admin = (await open(guest, { role: "admin" })).json.id as string;
    expect((await guest.send("POST", "/v1/sellers", seller, inside(admin))).status).toBe(201);
    const member = await signIn(api, { orgId: org.orgId, role: "viewer" });
    const key = (await owner.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["leads:read"] })).json;
    const trusted = { name: "CRM", issuer: "https://crm.example", alg: "EdDSA", scopes: ["leads:read"], public_key: signerOf("EdDSA").jwk };
    const issuer = (await owner.send("POST", "/v1/token_issuers", trusted)).json;
    const retell = { vendor: "retell", name: "Main", config: { agent_id: "agent_2", from_number: "+12085550101" }, credential: { api_key: "support-grants" } };
    const connection = (await owner.send("POST", "/v1/connections", retell)).json;
    for (const [method, path, body] of [
      ["POST", "/v1/api_keys", { name: "back door", scopes: ["leads:read"] }],
      ["POST", `/v1/api_keys/${key.id}/rotate`, {}],
      ["DELETE", `/v1/api_keys/${key.id}`, undefined],
      ["DELETE", `/v1/token_issuers/${issuer.id}`, undefined],
      ["DELETE", `/v1/connections/${connection.id}`, undefined],
      ["POST", "/v1/consent_events", { kind: "lift", phone: "+13035550142", by: "support", reason: "x" }],
      ["POST", `/v1/stop_checks/${publicId("person", api.deps.newId())}/judge`, { verdict: "clear" }],
      ["POST", "/v1/imports", { file_name: "leads.csv" }],
      ["PUT", `/v1/imports/${publicId("import", api.deps.newId())}/file`, undefined],
      ["POST", "/v1/leads/batch", { leads: [] }],
      ["POST", "/v1/calls", { lead_id: publicId("lead", api.deps.newId()) }],
      ...["launch", "resume", "enrol"].map((verb) => ["POST", `/v1/campaigns/${publicId("campaign", api.deps.newId())}/${verb}`, {}] as const),
      ["PATCH", `/v1/campaigns/${publicId("campaign", api.deps.newId())}`, { max_concurrency: 9 }],
      ["POST", `/v1/halts/${publicId("halt", api.deps.newId())}/end`, {}],
      ["POST", `/v1/incidents/${publicId("incident", api.deps.newId())}/close`, { note: "x" }],
      ["POST", "/v1/leads", { phone: "+13035550142" }],
      ["PATCH", `/v1/leads/${publicId("lead", api.deps.newId())}`, { state: "NY" }],
      ["PATCH", `/v1/sellers/${publicId("seller", api.deps.newId())}`, { trade_names: ["Acme"] }],
      ["POST", "/v1/token_issuers", { name: "back door", issuer: "https://x.example", alg: "HS256", scopes: ["leads:read"], secret: "A".repeat(43) }],
      ["POST", "/v1/invitations", { email: "operator@people.test", role: "admin" }],
      ["PATCH", `/v1/members/${member.id}`, { role: "admin" }],
      ["DELETE", `/v1/members/${member.id}`, undefined],
      ["POST", `/v1/members/${member.id}/make_owner`, undefined],
      ["PATCH", "/v1/policy", { max_concurrency: 7 }],
      ["PATCH", `/v1/connections/${publicId("connection", api.deps.newId())}`, { calls_per_second: 9 }],
      ["POST", "/v1/connections", { vendor: "retell", name: "back door" }],
      ["POST", "/v1/dnc_acknowledgements", { lists: ["national"], by: "x" }],
    ] as const) {
      const answer = await guest.send(method, path, body, inside(admin));
      expect([answer.status, answer.json.code, answer.json.errors], `${method} ${path}`).toMatchObject([403, "role_missing", [{ pointer: "", code: "no_operator" }]]);
    }
    expect(await roleOf(api, org.orgId, member.userId)).toBe("viewer");
    const { rows } = await api.db.admin("select count(*) as n from api_keys where org_id = $1 and name = 'back door'", [org.orgId]);
    expect(Number(rows[0]?.["n"])).toBe(0);
    for (const [path, status] of [[`/v1/api_keys/${key.id}`, "active"], [`/v1/token_issuers/${issuer.id}`, "active"], [`/v1/connections/${connection.id}`, "active"]] as const)
      expect((await owner.send("GET", path)).json.status, path).toBe(status);
  }); // prettier-ignore

  test.each(["viewer", "member", "admin"] as const)("says by GET /v1/me what it allows as %s, and that is what it allows", async (role) => {
    const guest = await operator();
    const { id } = (await open(guest, { role })).json;
    const me = await guest.send("GET", "/v1/me", undefined, inside(id));
    expect(me.json).toMatchObject({ user: { id: guest.id }, organisations: [{ id: publicId("org", org.orgId), name: "Acme Solar", livemode: false, role, scopes: null }] });
    expect((await chainOf(api, org.orgId)).at(-1)).toMatchObject({ type: "support.acted", subject: "me.get", facts: { actor: { type: "operator", grant: id } } });
    const said: string[] = me.json.organisations[0].operations;
    const allowed: string[] = [];
    for (const { id: operation, method, path, parameters } of (await readDocument(api.deps)).operations) {
      if (!(operation in ruled) || ruled[operation as OperationId].role === null) continue;
      const example = String(parameters.find(({ name }) => name === "id")?.schema?.example);
      const answer = await guest.send(method, path.replace("{id}", example), undefined, { ...inside(id), "content-type": "application/json" });
      expect(answer.status, `${operation}: ${answer.text}`).not.toBe(401);
      if (answer.json?.code !== "role_missing") allowed.push(operation);
    }
    expect(said).toEqual(allowed.toSorted());
    expect(said).toContain("leads.list");
    expect(me.json.organisations[0].operations_on_oneself).toEqual(role === "admin" ? [] : ["support_grants.end"]);
    expect((await guest.send("DELETE", `/v1/support_grants/${id}`, undefined, inside(id))).status).toBe(200);
    expect(said.includes("members.update")).toBe(false);
  }); // prettier-ignore

  test("is told by GET /v1/me to nobody whom it does not let in", async () => {
    const [guest, colleague] = [await operator(), await operator()];
    const { id } = (await open(guest)).json;
    const me = (by: SignedIn, headers: Record<string, string> = inside(id)) => by.send("GET", "/v1/me", undefined, headers);
    expect((await me(guest, {})).json.organisations).toEqual([]);
    expect((await me(guest, { "dialgate-support-grant": id })).json).toMatchObject({ code: "org_required" });
    const never = told(await me(guest, inside(publicId("supportGrant", api.deps.newId()))));
    expect(never.status).toBe(404);
    for (const answer of [await me(colleague), await me(guest, inside(id, other.orgId)), await me(owner)]) expect(told(answer)).toEqual(never);
    await api.db.admin("update sessions set factor_at = null where id = $1", [guest.session.id]);
    expect((await me(guest)).json).toMatchObject({ second_factor_at: null, organisations: [] });
    await api.db.admin("update sessions set factor_at = $2 where id = $1", [guest.session.id, realNow]);
    expect((await me(guest)).json.organisations).toHaveLength(1);
    await owner.send("DELETE", `/v1/support_grants/${id}`);
    expect(told(await me(guest))).toEqual(never);
  }); // prettier-ignore

  test("is opened by operators alone: everyone else is told that there is no such organisation, byte for byte", async () => {
    const guest = await operator();
    const missing = { org_id: publicId("org", api.deps.newId()) };
    const never = told(await open(guest, missing));
    expect([never.status, JSON.parse(never.text).detail]).toEqual([404, "There is no such organisation."]);
    const former = await operator();
    await api.db.admin("update operators set until = $2 where user_id = $1", [former.userId, realNow]);
    const future = await operator();
    await api.db.admin("update operators set since = $2 where user_id = $1", [future.userId, addSeconds(realNow, 1)]);
    for (const nobody of [await signIn(api), owner, former, future]) {
      expect(told(await open(nobody))).toEqual(never);
      expect(told(await open(nobody, missing))).toEqual(never);
    }
    const platform = { org_id: publicId("org", "00000000-0000-0000-0000-000000000000") };
    expect(told(await open(guest, platform))).toEqual(never);
    const { rows } = await api.db.admin("select count(*) as n from support_grants where operator_id = any ($1)", [
      [guest.userId, former.userId, future.userId, owner.userId],
    ]);
    expect(Number(rows[0]?.["n"])).toBe(0);
    expect((await open(guest)).status).toBe(201);
  });

  test("takes a second factor, says nothing more to whoever has shown none, and is no key's matter", async () => {
    const without = told(await open(await operator({ factor: false })));
    expect([without.status, JSON.parse(without.text).code]).toEqual([403, "second_factor_missing"]);
    expect(told(await open(await signIn(api, { factor: false })))).toEqual(without);
    expect((await org.post("/v1/support_grants", wanted())).json.code).toBe("people_only");
  });

  test("has a reason, a role below owner and at most eight hours, or the field is named", async () => {
    const guest = await operator();
    for (const [field, value] of [
      ["reason", ""], ["reason", "   "], ["reason", "x".repeat(301)], ["reason", null], ["role", "owner"], ["role", "root"],
      ["minutes", 0], ["minutes", 481], ["minutes", 1.5], ["minutes", "60"], ["minutes", -1], ["org_id", "org_nonsense"], ["org_id", ""], ["until", realNow],
    ] as const) {
      const answer = await open(guest, { [field]: value });
      expect([answer.status, answer.json.code, answer.json.errors[0].pointer], `${field} ${value}`).toEqual([422, "invalid_request", `/${field}`]);
    }
    expect((await open(guest, { minutes: 480 })).json.expires_at).toBe(addSeconds(realNow, 8 * 3600));
    const hostile = "<b>x</b> Bcc: a@evil.example https://evil.example";
    expect((await open(guest, { reason: "x\nBcc: a@evil.example" })).json.errors).toMatchObject([{ pointer: "/reason" }]);
    const opened = await open(guest, { reason: hostile });
    expect([opened.status, opened.json.reason]).toEqual([201, hostile]);
    const letter = (await api.mailbox.read(owner.email)).at(-1);
    expect(letter?.html).not.toContain("<b>");
    expect(letter?.text).not.toMatch(/evil\.example|\nBcc/);
  }); // prettier-ignore

  test("is ended at once by owner, admin or its operator, and by nobody else", async () => {
    const asked = async (guest: SignedIn, id: string) => (await guest.send("GET", "/v1/campaigns", undefined, inside(id))).status;
    for (const role of ["owner", "admin", "member", "viewer"] as const) {
      const guest = await operator();
      const id = (await open(guest)).json.id as string;
      const person = await signIn(api, { orgId: org.orgId, role, factor: false });
      const ended = await person.send("DELETE", `/v1/support_grants/${id}`);
      const may = role === "owner" || role === "admin";
      expect([ended.status, ended.json.status ?? ended.json.code], role).toEqual(may ? [200, "ended"] : [403, 403]);
      expect(await asked(guest, id), role).toBe(may ? 404 : 200);
      if (!may) continue;
      expect((await chainOf(api, org.orgId)).at(-1)).toMatchObject({ type: "support.ended", subject: id, facts: { actor: { type: "user", id: person.id } } });
      const again = await person.send("DELETE", `/v1/support_grants/${id}`);
      expect([again.status, again.json.ended_at]).toEqual([200, ended.json.ended_at]);
      expect((await chainOf(api, org.orgId)).filter((one) => one.type === "support.ended" && one.subject === id)).toHaveLength(1);
    }
    const [guest, colleague] = [await operator(), await operator()];
    const [mine, theirs] = [(await open(guest)).json.id as string, (await open(colleague)).json.id as string];
    expect((await guest.send("DELETE", `/v1/support_grants/${theirs}`, undefined, inside(mine))).json.code).toBe("role_missing");
    expect((await guest.send("DELETE", `/v1/support_grants/${mine}`, undefined, inside(theirs))).status).toBe(404);
    expect((await guest.send("DELETE", `/v1/support_grants/${mine}`, undefined, inside(mine))).json.status).toBe("ended");
    expect(await asked(guest, mine)).toBe(404);
    expect(await asked(colleague, theirs)).toBe(200);
    expect((await org.delete(`/v1/support_grants/${theirs}`)).json.code).toBe("people_only");
  }); // prettier-ignore

  test("that ran out was ended by nobody: it stays as it is, and no entry says otherwise", async () => {
    const guest = await operator();
    const id = (await open(guest)).json.id as string;
    await api.db.admin("update support_grants set expires_at = $2 where operator_id = $1", [guest.userId, realNow]);
    for (const [by, path] of [[owner, "/v1/support_grants"], [guest, "/v1/me/support_grants"]] as const) {
      const asked = await by.send("DELETE", `${path}/${id}`);
      expect([asked.status, asked.json.status, asked.json.ended_at]).toEqual([200, "expired", null]);
    }
    expect((await chainOf(api, org.orgId)).filter((one) => one.type === "support.ended" && one.subject === id)).toEqual([]);
  }); // prettier-ignore

  test("is found and ended by its operator without a word of where, also by one who is none any more", async () => {
    const [guest, colleague] = [await operator(), await operator()];
    const third = await api.seed({ name: "Third" });
    const there = { org_id: publicId("org", third.orgId), reason: "Ticket 4712" };
    const [first, second] = [(await open(guest)).json.id as string, (await open(guest, there)).json.id as string];
    const theirs = (await open(colleague)).json.id as string;
    const listed = (await guest.send("GET", "/v1/me/support_grants")).json;
    expect([listed.has_more, listed.next_cursor]).toEqual([false, null]);
    expect(listed.data).toMatchObject([
      { id: second, operator: guest.id, operator_email: guest.email, status: "open", reason: "Ticket 4712", organisation: { id: publicId("org", third.orgId), name: "Third" } },
      { id: first, status: "open", organisation: { id: publicId("org", org.orgId), name: "Acme Solar" } },
    ]);
    const end = (by: SignedIn, id: string) => by.send("DELETE", `/v1/me/support_grants/${id}`);
    const never = told(await end(guest, publicId("supportGrant", api.deps.newId())));
    expect(never.status).toBe(404);
    for (const by of [guest, owner, await signIn(api)]) expect(told(await end(by, theirs))).toEqual(never);
    await api.db.admin("update operators set until = $2 where user_id = $1", [guest.userId, addSeconds(realNow, -1)]);
    const ended = await end(guest, second);
    expect([ended.status, ended.json]).toMatchObject([200, { id: second, status: "ended", operator_email: guest.email }]);
    expect((await chainOf(api, third.orgId)).at(-1)).toMatchObject({ type: "support.ended", subject: second, facts: { actor: { type: "operator", id: guest.id, grant: second } } });
    const length = (await chainOf(api, third.orgId)).length;
    expect((await end(guest, second)).json.ended_at).toBe(ended.json.ended_at);
    expect(await chainOf(api, third.orgId)).toHaveLength(length);
    expect((await guest.send("GET", "/v1/me/support_grants")).json.data).toMatchObject([{ id: second, status: "ended" }, { id: first, status: "open" }]);
    expect((await (await signIn(api)).send("GET", "/v1/me/support_grants")).json.data).toEqual([]);
  }); // prettier-ignore

  test("lets nobody into another org, and another org's is answered like a missing one", async () => {
    const guest = await operator();
    const id = (await open(guest, { role: "admin" })).json.id as string;
    expect((await guest.send("GET", "/v1/campaigns", undefined, inside(id, other.orgId))).status).toBe(404);
    const stranger = await signIn(api, { orgId: other.orgId, role: "owner" });
    for (const method of ["GET", "DELETE"]) {
      const never = told(await stranger.send(method, `/v1/support_grants/${publicId("supportGrant", api.deps.newId())}`));
      expect(never.status).toBe(404);
      expect(told(await stranger.send(method, `/v1/support_grants/${id}`))).toEqual(never);
      expect(told(await stranger.send(method, "/v1/support_grants/sgr_nonsense"))).toEqual(never);
    }
    expect((await stranger.send("GET", "/v1/support_grants")).json.data).toEqual([]);
    expect((await owner.send("GET", `/v1/support_grants/${id}`)).json.status).toBe("open");
  });

  test("commits with its mails and its entry, or nothing of it does, and once by one Idempotency-Key", async () => {
    const guest = await operator();
    const grants = async () =>
      Number(
        (await api.db.admin("select count(*) as n from support_grants where operator_id = $1", [guest.userId])).rows[0]?.["n"],
      );
    const mails = await mailsQueued(api);
    const allow = await forbidEntry(api, "support.opened");
    expect((await open(guest)).status).toBe(500);
    await allow();
    expect([await grants(), await mailsQueued(api)]).toEqual([0, mails]);
    api.faults.length = 0;
    const once = { "idempotency-key": "one-grant" };
    const [first, again] = [await open(guest, {}, once), await open(guest, {}, once)];
    expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([201, first.text, "true"]);
    expect(await grants()).toBe(1);
  });

  test("is listed page by page, newest first", async () => {
    const guest = await operator();
    const mine = [];
    for (let count = 0; count < 3; count += 1) mine.push((await open(guest)).json.id as string);
    const first = await owner.send("GET", "/v1/support_grants?limit=2");
    const second = await owner.send("GET", `/v1/support_grants?limit=2&cursor=${first.json.next_cursor}`);
    const ids = [...first.json.data, ...second.json.data].map((one: { id: string }) => one.id);
    expect(ids.slice(0, 3)).toEqual(mine.toReversed());
  });
});
