import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Role, roles } from "../../src/domain/access/operations.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { openBrowser } from "../support/browser.ts";
import { makeMember, makeSession } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, forbidEntry, mailsQueued, roleOf, signIn, type SignedIn, told } from "./signed-in.ts";

let api: Api;
let org: Caller;
let owner: SignedIn;
let clock = realNow;
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  org = await api.seed();
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterEach(() => {
  clock = realNow;
});
afterAll(() => api?.close());

let addresses = 0;
const address = () => `invited-${(addresses += 1)}@people.test`;
const invite = (by: SignedIn, email: string, role: Role = "member", headers: Record<string, string> = {}) =>
  by.send("POST", "/v1/invitations", { email, role }, headers);
/** The token in the newest mail to the address. */
async function tokenTo(email: string): Promise<string> {
  const text = (await api.mailbox.read(email)).filter(({ subject }) => subject.startsWith("Invitation")).at(-1)?.text ?? "";
  const token = /https:\/\/api\.dialgate\.test\/auth\/invitation#(dgi_[A-Za-z0-9_-]{43})\n/.exec(text)?.[1];
  if (token === undefined) throw new Error(`no invitation in: ${text}`);
  return token;
}
const accept = (by: SignedIn, token: string, headers: Record<string, string> = {}) =>
  by.send("POST", "/v1/invitations/accept", { token }, headers);
/** An organisation of its own, and whoever founded it. */
async function housed(by?: SignedIn) {
  const founder = by ?? (await signIn(api));
  const org: string = (await founder.send("POST", "/v1/orgs", { name: "A house" })).json.id;
  return { org, invites: (email: string) => invite(founder, email, "viewer", { "dialgate-org": org }) };
}
const statusOf = async (id: string) => (await owner.send("GET", `/v1/invitations/${id}`)).json.status;

describe("an invitation", () => {
  test("goes by mail, and whoever signs in by that address becomes a member once", async () => {
    const email = address();
    const made = await invite(owner, email, "admin");
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ object: "invitation", email, role: "admin", status: "open", invited_by: owner.id });
    expect(made.text).not.toContain("dgi_");
    expect(api.woken).toContainEqual({ orgId: "", work: "mail" });
    const token = await tokenTo(email);
    const guest = await signIn(api, { email });
    const elsewhere = await makeSession(api.db, api.deps.hashApiKey, guest.userId, realNow);
    const joined = await accept(guest, token);
    expect(joined.status).toBe(200);
    // Each of their sessions goes on under another token: they may more than before.
    expect((await api.send("GET", "/v1/campaigns", { headers: elsewhere.headers })).headers.get("set-cookie")).toContain("dgs_");
    expect(joined.json).toEqual({
      object: "membership",
      organisation: { id: publicId("org", org.orgId), name: "Acme Solar", livemode: false },
      role: "admin",
    });
    expect(await roleOf(api, org.orgId, guest.userId)).toBe("admin");
    expect((await guest.send("GET", "/v1/members")).status).toBe(200);
    expect(await statusOf(made.json.id)).toBe("accepted");
    const entries = (await chainOf(api, org.orgId)).slice(-3);
    expect(entries.map(({ type, subject, facts }) => [type, subject, facts["role"], facts.actor.id])).toEqual([
      ["invitation.created", made.json.id, "admin", owner.id],
      ["member.added", guest.id, "admin", guest.id],
      ["invitation.accepted", made.json.id, "admin", guest.id],
    ]);
    expect((await accept(guest, token)).status).toBe(404);
  });

  test("waits for its inviter's others, and for nobody else's mails", async () => {
    const inviter = await signIn(api, { orgId: org.orgId, role: "admin" });
    for (let n = 0; n < 3; n += 1) expect((await invite(inviter, address())).status).toBe(201);
    const { rows } = await api.db.admin("select round(extract(epoch from turn_at - created_at) / 60) as turns from mails where sealed is not null order by created_at desc, id desc limit 3");
    expect(rows.map(({ turns }) => Number(turns))).toEqual([2, 1, 0]);
    await api.mailbox.read();
  }); // prettier-ignore

  test("is stored as a hash of 256 bits: its token is in no table, and in the mail alone", async () => {
    const email = address();
    await invite(owner, email);
    const dump = async () => {
      const { rows } = await api.db.admin("select table_schema || '.' || table_name as name from information_schema.tables where table_schema in ('public', 'audit') and table_type = 'BASE TABLE'");
      let all = "";
      for (const { name } of rows) all += JSON.stringify((await api.db.admin(`select to_jsonb(t) as row from ${name} t`)).rows);
      return all;
    };
    const queued = await dump();
    const token = await tokenTo(email);
    for (const text of [queued, await dump()]) {
      expect(text).toContain(email);
      expect(text).not.toContain(token);
      expect(text).not.toContain(token.slice(4));
    }
    const { rows } = await api.db.admin("select octet_length(token_hash) as bytes, token_hash = sha256(convert_to($2, 'UTF8')) as fits from invitations where email = $1", [email, token]);
    expect(rows).toEqual([{ bytes: 32, fits: true }]);
  }); // prettier-ignore

  test("that does not hold has one answer, whatever it does not hold for, byte for byte", async () => {
    const answers = [];
    const guest = async () => {
      const email = address();
      const made = await invite(owner, email);
      return { email, id: made.json.id as string, token: await tokenTo(email), person: await signIn(api, { email }) };
    };
    const used = await guest();
    expect((await accept(used.person, used.token)).status).toBe(200);
    // A member now: their session goes on under another cookie, whatever they ask.
    await used.person.send("GET", "/v1/me");
    answers.push(await accept(used.person, used.token));
    const revoked = await guest();
    expect((await owner.send("DELETE", `/v1/invitations/${revoked.id}`)).json.status).toBe("revoked");
    answers.push(await accept(revoked.person, revoked.token));
    const replaced = await guest();
    expect((await invite(owner, replaced.email, "viewer")).status).toBe(201);
    answers.push(await accept(replaced.person, replaced.token));
    const others = await guest();
    answers.push(await accept(await signIn(api), others.token));
    answers.push(await accept(owner, others.token));
    const late = await guest();
    clock = "2026-11-27T09:00:00Z" as Instant;
    await api.db.admin("update sessions set last_seen_at = $1, ends_at = $1::timestamptz + interval '1 hour' where user_id = $2", [clock, late.person.userId]);
    answers.push(await accept(late.person, late.token));
    clock = realNow;
    for (const token of [`dgi_${"A".repeat(43)}`, "dgi_", "x", "dgi_../../etc/passwd", `${others.token} `, `dgs_${"A".repeat(43)}`])
      answers.push(await accept(others.person, token));
    const gone = await guest();
    await api.db.admin("delete from memberships where user_id = $1", [gone.person.userId]);
    const inviter = await signIn(api, { orgId: org.orgId, role: "admin" });
    const email = address();
    await invite(inviter, email);
    await api.db.admin("update memberships set role = 'member' where user_id = $1", [inviter.userId]);
    answers.push(await accept(await signIn(api, { email }), await tokenTo(email)));
    expect(answers).toHaveLength(13);
    for (const answer of answers) expect(told(answer)).toEqual(told(answers[0] as never));
    expect(answers[0]?.status).toBe(404);
    // The control: the token that was for someone else holds for them.
    expect((await accept(others.person, others.token)).status).toBe(200);
    for (const { person } of [revoked, replaced, late]) expect(await roleOf(api, org.orgId, person.userId)).toBeNull();
  }); // prettier-ignore

  test("a second before its end it holds, and at its end it does not", async () => {
    const [first, second] = [address(), address()];
    for (const [email, at, status] of [[first, "2026-11-27T08:59:59Z", 200], [second, "2026-11-27T09:00:00Z", 404]] as const) {
      await invite(owner, email);
      const token = await tokenTo(email);
      const person = await signIn(api, { email });
      clock = at as Instant;
      await api.db.admin("update sessions set last_seen_at = $1, ends_at = $1::timestamptz + interval '1 hour' where user_id = $2", [at, person.userId]);
      expect((await accept(person, token)).status).toBe(status);
      clock = realNow;
    }
  }); // prettier-ignore

  test("neither raises nor lowers whoever is a member already, and is used up", async () => {
    for (const [held, invited] of [["viewer", "admin"], ["admin", "viewer"], ["owner", "member"]] as const) {
      const email = address();
      await invite(owner, email, invited);
      const person = await signIn(api, { email });
      await makeMember(api.db, org.orgId, person.userId, held);
      const token = await tokenTo(email);
      const before = (await chainOf(api, org.orgId)).length;
      const joined = await accept(person, token);
      expect([joined.status, joined.json.role]).toEqual([200, held]);
      expect(await roleOf(api, org.orgId, person.userId)).toBe(held);
      // One entry: nobody was added.
      expect((await chainOf(api, org.orgId)).slice(before)).toMatchObject([{ type: "invitation.accepted", facts: { role: invited, had: held } }]);
      expect((await accept(person, token)).status).toBe(404);
    }
  }); // prettier-ignore

  test("brings back no credential that somebody left behind", async () => {
    const email = address();
    await invite(owner, email, "admin");
    const person = await signIn(api, { email, orgId: org.orgId, role: "admin" });
    const made = await person.send("POST", "/v1/api_keys", { name: "left", scopes: ["sellers:read"] });
    const use = async () => (await api.send("GET", "/v1/sellers", { key: made.json.secret })).status;
    expect(await use()).toBe(200);
    // As if the key had been made while its maker was being removed.
    await api.db.admin("delete from memberships where user_id = $1", [person.userId]);
    expect(await use()).toBe(401);
    expect((await accept(person, await tokenTo(email))).status).toBe(200);
    expect(await use()).toBe(401);
    expect((await person.send("GET", `/v1/api_keys/${made.json.id}`)).json.status).toBe("revoked");
  });

  test("gives no role that its inviter could not give when it is accepted", async () => {
    const cases: readonly [given: Role, by: Role, later: Role | null, status: number][] = [
      ["owner", "owner", "owner", 200],
      ["owner", "owner", "admin", 404],
      ["admin", "owner", "admin", 200],
      ["admin", "admin", "member", 404],
      ["viewer", "admin", "viewer", 404],
      ["viewer", "admin", null, 404],
    ];
    for (const [given, by, later, status] of cases) {
      const inviter = await signIn(api, { orgId: org.orgId, role: by });
      const email = address();
      expect((await invite(inviter, email, given)).status).toBe(201);
      const token = await tokenTo(email);
      const path = `/v1/members/${inviter.id}`;
      const moved = await (later === null ? owner.send("DELETE", path) : owner.send("PATCH", path, { role: later }));
      expect(moved.status).toBe(200);
      const person = await signIn(api, { email });
      expect((await accept(person, token)).status, `${given} by ${by}, then ${later}`).toBe(status);
      expect(await roleOf(api, org.orgId, person.userId)).toBe(status === 200 ? given : null);
    }
  });

  test("is revoked with what its inviter loses, on the chain and in the list, and does not come back with them", async () => {
    const cases: readonly [by: Role, later: Role | null, revoked: readonly Role[]][] = [
      ["owner", "admin", ["owner"]],
      ["owner", "member", ["owner", "admin", "member", "viewer"]],
      ["admin", "owner", []],
      ["admin", "viewer", ["admin", "member", "viewer"]],
      ["admin", null, ["admin", "member", "viewer"]],
      ["owner", null, ["owner", "admin", "member", "viewer"]],
    ];
    for (const [by, later, revoked] of cases) {
      const name = `${by}, then ${later}`;
      const inviter = await signIn(api, { orgId: org.orgId, role: by });
      const given: { id: string; role: Role; email: string; token: string }[] = [];
      for (const role of roles.filter((one) => by === "owner" || one !== "owner")) {
        const email = address();
        const { id } = (await invite(inviter, email, role)).json;
        given.push({ id, role, email, token: await tokenTo(email) });
      }
      // One that was accepted and one that has expired stay what they are; someone else's stays open.
      const [used, late, others] = [await invite(inviter, address(), "viewer"), await invite(inviter, address(), "viewer"), await invite(owner, address(), "viewer")];
      await api.db.admin("update invitations set accepted_at = $2 where id = $1", [uuidOf("invitation", used.json.id), clock]);
      await api.db.admin("update invitations set expires_at = $2 where id = $1", [uuidOf("invitation", late.json.id), clock]);
      const before = (await chainOf(api, org.orgId)).length;
      const path = `/v1/members/${inviter.id}`;
      const moved = await (later === null ? inviter.send("DELETE", path) : owner.send("PATCH", path, { role: later }));
      expect(moved.status, moved.text).toBe(200);
      const ids = given.filter(({ role }) => revoked.includes(role)).map(({ id }) => id).toSorted();
      expect(moved.json.invitations, name).toEqual(ids);
      const entries = (await chainOf(api, org.orgId)).slice(before).filter(({ type }) => type === "invitation.revoked");
      expect(entries.map(({ subject }) => subject).toSorted(), name).toEqual(ids);
      for (const { facts } of entries) expect(facts["why"]).toMatch(later === null ? /is a member no more/ : /may not give that role/);
      for (const { id, role } of given) expect(await statusOf(id), `${name}: ${role}`).toBe(revoked.includes(role) ? "revoked" : "open");
      expect([await statusOf(used.json.id), await statusOf(late.json.id), await statusOf(others.json.id)]).toEqual(["accepted", "expired", "open"]);
      // As before, or higher.
      await makeMember(api.db, org.orgId, inviter.userId, "owner");
      for (const { email, role, token } of given)
        expect((await accept(await signIn(api, { email }), token)).status, `${name}: ${role}`).toBe(revoked.includes(role) ? 404 : 200);
    }
  }, 60_000); // prettier-ignore

  test("is not brought back by its inviter, who is removed by an owner, invited again and the same admin as before", async () => {
    const inviter = await signIn(api, { orgId: org.orgId, role: "admin" });
    const email = address();
    const { id } = (await invite(inviter, email, "member")).json;
    const token = await tokenTo(email);
    expect((await owner.send("DELETE", `/v1/members/${inviter.id}`)).json.invitations).toEqual([id]);
    expect((await invite(owner, inviter.email, "admin")).status).toBe(201);
    expect((await accept(inviter, await tokenTo(inviter.email))).json.role).toBe("admin");
    expect((await accept(await signIn(api, { email }), token)).status).toBe(404);
    expect(await statusOf(id)).toBe("revoked");
    expect((await invite(inviter, email, "member")).status).toBe(201);
  });

  test("to be an owner is revoked when its inviter hands ownership on", async () => {
    const house = await api.seed({ name: "Handed on" });
    const founder = await signIn(api, { orgId: house.orgId, role: "owner" });
    const heir = await signIn(api, { orgId: house.orgId, role: "viewer" });
    const [owning, viewing] = [(await invite(founder, address(), "owner")).json.id, (await invite(founder, address(), "viewer")).json.id];
    expect((await founder.send("POST", `/v1/members/${heir.id}/make_owner`)).status).toBe(200);
    const listed = (await founder.send("GET", "/v1/invitations")).json.data as { id: string; status: string }[];
    expect(listed.map(({ id, status }) => [id, status])).toEqual([[viewing, "open"], [owning, "revoked"]]);
    expect((await chainOf(api, house.orgId)).at(-1)).toMatchObject({ type: "invitation.revoked", subject: owning });
  }); // prettier-ignore

  test("replaces the open one of its address, and tells so on the chain", async () => {
    const email = address();
    const [first, second] = [await invite(owner, email, "viewer"), await invite(owner, `  ${email.toUpperCase()} `, "member")];
    expect(second.json.email).toBe(email);
    expect([await statusOf(first.json.id), await statusOf(second.json.id)]).toEqual(["revoked", "open"]);
    // Each is found by its own id, from its beginning to its end.
    const told = async (id: string) =>
      ((await owner.send("GET", `/v1/audit?subject=${id}`)).json.data as { type: string; facts: string }[]).map(
        ({ type, facts }) => ({
          type,
          facts: JSON.parse(facts) as unknown,
        }),
      );
    expect(await told(first.json.id)).toMatchObject([
      { type: "invitation.created", facts: { replaces: [] } },
      { type: "invitation.revoked", facts: { why: "another took its place", actor: { id: owner.id } } },
    ]);
    expect(await told(second.json.id)).toMatchObject([{ type: "invitation.created", facts: { replaces: [first.json.id] } }]);
    const person = await signIn(api, { email });
    expect((await accept(person, await tokenTo(email))).json.role).toBe("member");
  });

  test("does not replace one that its maker could not give: it stays open, until it has expired", async () => {
    const [email, admin] = [address(), await signIn(api, { orgId: org.orgId, role: "admin" })];
    const { id } = (await invite(owner, email, "owner")).json;
    const [chain, mails] = [(await chainOf(api, org.orgId)).length, await mailsQueued(api)];
    const refused = await invite(admin, email, "viewer");
    expect([refused.status, refused.json.code, refused.json.errors]).toMatchObject([
      403,
      "role_missing",
      [{ pointer: "/email", code: "owner_invited" }],
    ]);
    expect(refused.json.detail).toContain("an owner replaces it");
    expect([await statusOf(id), (await chainOf(api, org.orgId)).length, await mailsQueued(api)]).toEqual(["open", chain, mails]);
    expect((await invite(owner, email, "admin")).status).toBe(201);
    expect((await invite(admin, email, "viewer")).status).toBe(201);
    await invite(owner, email, "owner");
    await api.db.admin("update invitations set expires_at = $2 where email = $1", [email, clock]);
    expect((await invite(admin, email, "viewer")).status).toBe(201);
  });

  test("that has expired gives its place up without a revocation", async () => {
    const email = address();
    const { id } = (await invite(owner, email, "viewer")).json;
    await api.db.admin("update invitations set expires_at = $2 where email = $1", [email, clock]);
    // Nor is it revoked by hand.
    expect((await owner.send("DELETE", `/v1/invitations/${id}`)).json).toMatchObject({ status: "expired", revoked_at: null });
    expect((await invite(owner, email, "viewer")).status).toBe(201);
    expect((await owner.send("GET", `/v1/invitations/${id}`)).json).toMatchObject({ status: "expired", revoked_at: null });
    const told = (await owner.send("GET", `/v1/audit?subject=${id}`)).json.data as { type: string }[];
    expect(told.map(({ type }) => type)).toEqual(["invitation.created"]);
  });

  test("is given by owners and admins with a second factor, and owner by owners alone", async () => {
    const admin = await signIn(api, { orgId: org.orgId, role: "admin" });
    const refused = await invite(admin, address(), "owner");
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([403, "role_missing", "This takes the role owner."]);
    expect((await invite(admin, address(), "admin")).status).toBe(201);
    expect((await invite(owner, address(), "owner")).status).toBe(201);
    for (const role of ["member", "viewer"] as const) {
      const low = await signIn(api, { orgId: org.orgId, role });
      expect((await invite(low, address(), "viewer")).json.code).toBe("role_missing");
      expect((await low.send("GET", "/v1/invitations")).json.code).toBe("role_missing");
    }
    const without = await signIn(api, { orgId: org.orgId, role: "owner", factor: false });
    expect((await invite(without, address())).json.code).toBe("second_factor_missing");
    const byKey = (await org.post("/v1/invitations", { email: address(), role: "viewer" })).json;
    expect([byKey.code, byKey.detail]).toEqual([
      "people_only",
      "Only a person who is signed in may do this, and no key or token.",
    ]);
    const member = await signIn(api, { orgId: org.orgId, role: "member" });
    const again = await invite(owner, member.email);
    expect([again.status, again.json.errors[0]]).toMatchObject([409, { pointer: "/email", code: "already_member" }]);
  });

  test("commits with its mail and its entry, or nothing of it does; so does its acceptance", async () => {
    const email = address();
    const count = async () => Number((await api.db.admin("select count(*) as n from invitations where email = $1", [email])).rows[0]?.["n"]);
    const mails = await mailsQueued(api);
    const allowCreated = await forbidEntry(api, "invitation.created");
    expect((await invite(owner, email)).status).toBe(500);
    await allowCreated();
    expect([await count(), await mailsQueued(api)]).toEqual([0, mails]);
    expect((await invite(owner, email)).status).toBe(201);
    expect([await count(), await mailsQueued(api)]).toEqual([1, mails + 1]);
    const [person, token] = [await signIn(api, { email }), await tokenTo(email)];
    const allowAdded = await forbidEntry(api, "invitation.accepted");
    expect((await accept(person, token)).status).toBe(500);
    await allowAdded();
    expect(await roleOf(api, org.orgId, person.userId)).toBeNull();
    expect((await accept(person, token)).status).toBe(200);
    api.faults.length = 0;
  }); // prettier-ignore

  test("is made and accepted once by one Idempotency-Key", async () => {
    const email = address();
    const mails = await mailsQueued(api);
    const key = { "idempotency-key": "one-invitation" };
    const [first, again] = [await invite(owner, email, "member", key), await invite(owner, email, "member", key)];
    expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([201, first.text, "true"]);
    expect(await mailsQueued(api)).toBe(mails + 1);
    expect((await invite(owner, address(), "member", key)).json.code).toBe("idempotency_key_reused");
    const [person, token] = [await signIn(api, { email }), await tokenTo(email)];
    const once = { "idempotency-key": "one-acceptance" };
    const [joined, replayed] = [await accept(person, token, once), await accept(person, token, once)];
    expect([joined.status, replayed.status, replayed.text]).toEqual([200, 200, joined.text]);
    expect((await accept(person, token)).status).toBe(404);
  });

  test("that is refused for a role or a quota leaves its Idempotency-Key free", async () => {
    const [email, admin] = [address(), await signIn(api, { orgId: org.orgId, role: "admin" })];
    expect((await invite(owner, email, "owner")).status).toBe(201);
    const refusedFor = { role: { "idempotency-key": "too-high" }, quota: { "idempotency-key": "too-many" } };
    expect((await invite(admin, email, "viewer", refusedFor.role)).json.code).toBe("role_missing");
    expect((await invite(owner, email, "admin")).status).toBe(201);
    for (let n = 3; n <= 5; n += 1) expect((await (await housed()).invites(email)).status).toBe(201);
    expect((await invite(owner, email, "admin", refusedFor.quota)).json.code).toBe("rate_limited");
    await api.db.admin("update invitations set created_at = created_at - interval '2 days' where email = $1", [email]);
    expect((await invite(admin, email, "viewer", refusedFor.role)).status).toBe(201);
    expect((await invite(owner, email, "admin", refusedFor.quota)).status).toBe(201);
  });

  test("is refused for what is no address, with the field named and nothing sent", async () => {
    const mails = await mailsQueued(api);
    for (const email of [
      "", " ", "a", "a@", "@b.example", "a@b", "a@b@c.example", "a b@c.example", "a@c.example, b@d.example", "a@c.example;b@d.example",
      "a@c.example\nBcc: b@d.example", "a@c.example\u0000", "<a@c.example>", "Dana <a@c.example>", "a@c.example\u202e", "ａ@c.example",
      "a@[127.0.0.1]", "a@127.0.0.1", "javascript:alert(1)@c.example", `${"a".repeat(65)}@c.example`, `a@${"b".repeat(250)}.example`, "ada\u212a@c.example",
    ]) {
      const answer = await invite(owner, email);
      expect([answer.status, answer.json.code], JSON.stringify(email)).toEqual([422, "invalid_request"]);
      expect(answer.json.errors[0].pointer).toBe("/email");
      if (email.length > 3) expect(answer.text).not.toContain(email.slice(0, 12));
    }
    expect(await mailsQueued(api)).toBe(mails);
  }); // prettier-ignore

  test("of an organisation or by a person with a hostile name is a harmless mail", async () => {
    const names = ["<img src=x onerror=alert(1)>", "evil.example/login", "Acme\u200b", "{{7*7}} ${7*7}", "Acme\" <b@evil.example>", "a".repeat(100)];
    for (const name of names) {
      const founder = await signIn(api);
      const made = await founder.send("POST", "/v1/orgs", { name });
      expect(made.status, name).toBe(201);
      await api.db.admin("update users set name = $2 where id = $1", [founder.userId, name]);
      const email = address();
      const inviting = await founder.send("POST", "/v1/invitations", { email, role: "viewer" }, { "dialgate-org": made.json.id });
      expect(inviting.status, inviting.text).toBe(201);
      const [letter] = await api.mailbox.read(email);
      expect(letter?.subject).not.toMatch(/[\r\n<>]{2}|\n/);
      expect(letter?.html).not.toContain("<img src=x");
      expect(letter?.html.match(/https?:\/\/[^\s"<]+/g)?.every((url) => url.startsWith("https://api.dialgate.test"))).toBe(true);
      expect(letter?.text).not.toContain("evil.example");
    }
  }); // prettier-ignore

  test("is limited: five a day to one address and a hundred an organisation, with Retry-After to the second", async () => {
    const founder = await signIn(api);
    const made = await founder.send("POST", "/v1/orgs", { name: "Spammers" });
    const named = { "dialgate-org": made.json.id as string };
    const email = address();
    for (let time = 0; time < 5; time += 1) expect((await invite(founder, email, "viewer", named)).status).toBe(201);
    const mails = await mailsQueued(api);
    const sixth = await invite(founder, email, "viewer", named);
    expect([sixth.status, sixth.json.code, sixth.headers.get("retry-after")]).toEqual([429, "rate_limited", "86400"]);
    // Revoking helps nobody past it, and the quota's own page says so.
    const open = (await founder.send("GET", "/v1/invitations", undefined, named)).json.data[0].id as string;
    expect((await founder.send("DELETE", `/v1/invitations/${open}`, undefined, named)).json.status).toBe("revoked");
    expect((await invite(founder, email, "viewer", named)).json.errors).toMatchObject([{ code: "invitation_address" }]);
    const { codes } = (await api.send("GET", "/errors/rate-limited")).json as { codes: { code: string; cause: string }[] };
    for (const code of ["invitation_address", "invitation_inviter"])
      expect(codes.find((one) => one.code === code)?.cause).toContain("Revoked and replaced ones count too");
    expect((await invite(founder, address(), "viewer", named)).status).toBe(201);
    await api.db.admin(
      `insert into invitations (org_id, id, email, role, token_hash, invited_by, created_at, expires_at, revoked_at)
         select org_id, gen_random_uuid(), 'x' || n || '@people.test', 'viewer', sha256(n::text::bytea), invited_by, created_at - interval '23 hours', expires_at, created_at
         from (select * from invitations where email = $1 limit 1) i, generate_series(1, 94) n`,
      [email],
    );
    const full = await invite(founder, address(), "viewer", named);
    expect([full.status, full.headers.get("retry-after")]).toEqual([429, "3600"]);
    expect(full.headers.get("ratelimit-policy")).toBe('"invitation_org";q=100;w=86400');
    expect(full.json.errors).toMatchObject([{ pointer: "", code: "invitation_org" }]);
    expect(await mailsQueued(api)).toBe(mails + 1);
  });

  test("is limited over all organisations: an address takes five a day from whomever, and each is told as by its own five", async () => {
    const houses = await Promise.all([1, 2, 3].map(() => housed()));
    const email = address();
    // From one organisation and one person, from several of one person, from several people: known here or not.
    for (const house of [houses[0], houses[0], houses[1], houses[1], houses[2]]) expect((await house?.invites(email))?.status).toBe(201);
    const mails = await mailsQueued(api);
    const [elsewhere, ...others] = await Promise.all([housed(), ...houses].map(async (house) => (await house).invites(email)));
    const own = await housed();
    const ownAddress = address();
    for (let time = 0; time < 5; time += 1) await own.invites(ownAddress);
    const answered = ({ status, json, headers }: Awaited<ReturnType<typeof invite>>) => ({
      status, document: { ...json, instance: null }, limit: headers.get("ratelimit"), policy: headers.get("ratelimit-policy"), wait: headers.get("retry-after"),
    });
    const byOwn = answered(await own.invites(ownAddress));
    for (const answer of [elsewhere, ...others]) expect(answered(answer as never)).toEqual(byOwn);
    expect(byOwn).toMatchObject({
      status: 429, wait: "86400", policy: '"invitation_address";q=5;w=86400', limit: '"invitation_address";r=0;t=86400',
      document: { code: "rate_limited", errors: [{ pointer: "/email", code: "invitation_address" }] },
    });
    expect(await mailsQueued(api)).toBe(mails + 5);
    // One that was accepted was welcome: it counts no more.
    await signIn(api, { email });
    await api.db.admin("update invitations set accepted_at = $2 where email = $1 and org_id = $3", [email, clock, uuidOf("org", houses[2]?.org ?? "")]);
    expect((await (await housed()).invites(email)).status).toBe(201);
    expect((await (await housed()).invites(email)).status).toBe(429);
  }); // prettier-ignore

  test("is limited by who invites, over all of their organisations", async () => {
    const founder = await signIn(api);
    const [one, two] = [await housed(founder), await housed(founder)];
    expect((await one.invites(address())).status).toBe(201);
    await api.db.admin(
      `insert into invitations (org_id, id, email, role, token_hash, invited_by, created_at, expires_at, revoked_at)
         select org_id, gen_random_uuid(), 'y' || n || '@people.test', 'viewer', sha256(n::text::bytea), invited_by, created_at - interval '1 hour', expires_at, created_at
         from invitations, generate_series(1, 99) n where org_id = $1`,
      [uuidOf("org", one.org)],
    );
    const refused = await two.invites(address());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, String(23 * 3600)]);
    expect(refused.headers.get("ratelimit-policy")).toBe('"invitation_inviter";q=100;w=86400');
    expect(refused.json.errors).toMatchObject([{ pointer: "", code: "invitation_inviter" }]);
    expect((await (await housed()).invites(address())).status).toBe(201);
    // One that was accepted was welcome: it counts no more.
    await api.db.admin("update invitations set revoked_at = null, accepted_at = created_at where org_id = $1 and email = 'y1@people.test'", [uuidOf("org", one.org)]);
    expect((await two.invites(address())).status).toBe(201);
    expect((await two.invites(address())).status).toBe(429);
    // Nor does one of the day before.
    await api.db.admin("update invitations set created_at = created_at - interval '1 day' where org_id = $1 and email = 'y2@people.test'", [uuidOf("org", one.org)]);
    expect((await two.invites(address())).status).toBe(201);
    expect((await two.invites(address())).status).toBe(429);
  }); // prettier-ignore

  test("that several quotas refuse is told by the one that refuses longest", async () => {
    const founder = await signIn(api);
    const house = await housed(founder);
    const email = address();
    for (let time = 0; time < 5; time += 1) expect((await house.invites(email)).status).toBe(201);
    const filled = async (hours: number) => {
      await api.db.admin(
        `insert into invitations (org_id, id, email, role, token_hash, invited_by, created_at, expires_at, revoked_at)
           select org_id, gen_random_uuid(), 'z' || n || '@people.test', 'viewer', sha256(n::text::bytea), invited_by, created_at - make_interval(hours => $2), expires_at, created_at
           from invitations, generate_series(1, 95) n where org_id = $1 and revoked_at is null`,
        [uuidOf("org", house.org), hours],
      );
      const { status, json, headers } = await house.invites(email);
      return [status, json.errors[0].code, headers.get("retry-after")];
    };
    // Of the address the oldest of five is new; of the organisation and of its one inviter a hundred were sent, the oldest hours ago.
    expect(await filled(5)).toEqual([429, "invitation_address", "86400"]);
    await api.db.admin("update invitations set created_at = created_at - interval '10 hours' where email = $1", [email]);
    expect(await filled(-10)).toEqual([429, "invitation_org", String(24 * 3600 - 5 * 3600)]);
  });

  test("of another org is answered like a missing one, and so is its revocation", async () => {
    const founder = await signIn(api);
    const made = await founder.send("POST", "/v1/orgs", { name: "Elsewhere" });
    const named = { "dialgate-org": made.json.id as string };
    const foreign = (await invite(founder, address(), "viewer", named)).json.id as string;
    for (const method of ["GET", "DELETE"]) {
      const never = told(await owner.send(method, `/v1/invitations/${publicId("invitation", api.deps.newId())}`));
      expect(never.status).toBe(404);
      expect(told(await owner.send(method, `/v1/invitations/${foreign}`))).toEqual(never);
      expect(told(await owner.send(method, "/v1/invitations/inv_nonsense"))).toEqual(never);
    }
    expect((await founder.send("GET", `/v1/invitations/${foreign}`, undefined, named)).json.status).toBe("open");
    const listed = (await owner.send("GET", "/v1/invitations?limit=100")).json.data as { id: string }[];
    expect(listed.map(({ id }) => id)).not.toContain(foreign);
  });
});

describe("the page of an invitation", () => {
  test("does nothing when it is loaded, nor when its button is pressed by nobody; signed in, the button joins", async () => {
    const email = address();
    const made = await invite(owner, email);
    const token = await tokenTo(email);
    const scanner = openBrowser(api.deps);
    const seen = await scanner.open(`/auth/invitation#${token}`);
    await seen.submit("accept");
    expect(seen.text()).toContain("You are not signed in yet.");
    expect(await statusOf(made.json.id)).toBe("open");
    const person = await signIn(api, { email });
    const browser = openBrowser(api.deps);
    const [name = "", value = ""] = (person.session.headers["cookie"] ?? "").split("=");
    browser.cookies.set(name, value);
    const page = await browser.open(`/auth/invitation#${token}`);
    expect(await statusOf(made.json.id)).toBe("open");
    expect(page.window.location.href).not.toContain("dgi_");
    await page.submit("accept");
    expect(page.text()).toContain("You are in Acme Solar as member.");
    expect(await roleOf(api, org.orgId, person.userId)).toBe("member");
    await Promise.all([seen.close(), page.close()]);
  });

  test("may run nothing but its own script, is framed by nobody and names itself to nobody", async () => {
    const { headers } = await api.send("GET", "/auth/invitation");
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src 'sha256-.*frame-ancestors 'none'/);
    expect([headers.get("referrer-policy"), headers.get("cache-control")]).toEqual(["no-referrer", "no-store"]);
  });
});
