import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Role, roles } from "../../src/domain/access/operations.ts";
import { mayChange } from "../../src/domain/members/may-change.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { makeMember, makeSession } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, forbidEntry, mailsQueued, roleOf, signIn, type SignedIn, told } from "./signed-in.ts";
import { registered } from "./token-ground.ts";

let api: Api;
let org: Caller;
let other: Caller;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  other = await api.seed({ name: "Other" });
  await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterAll(() => api?.close());

const seller = { registered_name: "Acme Solar LLC" };
const inOrg = (role: Role, more: { factor?: boolean } = {}) => signIn(api, { orgId: org.orgId, role, ...more });
const rotationDue = async (userId: string) =>
  (await api.db.admin("select bool_and(rotation_due) as due from sessions where user_id = $1", [userId])).rows[0]?.["due"];

/**
 * Who may make what of whom, in words of its own and not by the code's rule: for each who acts and whom it is about, the answer
 * to a role of `owner`, `admin`, `member`, `viewer`, to removing, and to making them an owner in one's place.
 */
const table: Readonly<Record<string, readonly number[]>> = {
  "owner → owner": [200, 200, 200, 200, 200, 409],
  "owner → admin": [200, 200, 200, 200, 200, 200],
  "owner → member": [200, 200, 200, 200, 200, 200],
  "owner → viewer": [200, 200, 200, 200, 200, 200],
  "owner → self": [200, 200, 200, 200, 200, 409],
  "admin → owner": [403, 403, 403, 403, 403, 403],
  "admin → admin": [403, 200, 200, 200, 200, 403],
  "admin → member": [403, 200, 200, 200, 200, 403],
  "admin → viewer": [403, 200, 200, 200, 200, 403],
  "admin → self": [403, 200, 200, 200, 200, 403],
  "member → owner": [403, 403, 403, 403, 403, 403],
  "member → admin": [403, 403, 403, 403, 403, 403],
  "member → member": [403, 403, 403, 403, 403, 403],
  "member → viewer": [403, 403, 403, 403, 403, 403],
  "member → self": [403, 403, 403, 403, 200, 403],
  "viewer → owner": [403, 403, 403, 403, 403, 403],
  "viewer → admin": [403, 403, 403, 403, 403, 403],
  "viewer → member": [403, 403, 403, 403, 403, 403],
  "viewer → viewer": [403, 403, 403, 403, 403, 403],
  "viewer → self": [403, 403, 403, 403, 200, 403],
};
const wants = ["owner", "admin", "member", "viewer", "gone", "make_owner"] as const;

describe("how members get in", () => {
  test("is shown to owners and admins, and to what they answer for, and to nobody else", async () => {
    const house = await api.seed({ name: "Reviewed" });
    const as = (role: Role) => signIn(api, { orgId: house.orgId, role });
    const [owner, admin, member, viewer] = [await as("owner"), await as("admin"), await as("member"), await as("viewer")];
    const at = "2026-11-19T08:00:00Z";
    await api.db.admin("update users set last_sign_in_at = $2 where id = $1", [admin.userId, at]);
    const addTotp = (userId: string, confirmed: string | null) =>
      api.db.admin("insert into totp_factors (user_id, id, sealed, created_at, confirmed_at, last_step) values ($1, gen_random_uuid(), '{}', now(), $2, 0)", [userId, confirmed]);
    await addTotp(admin.userId, at);
    // One that was begun and never confirmed opens nothing.
    await addTotp(member.userId, null);
    const shown = async (headers: Readonly<Record<string, string>>) => {
      const listed = (await api.send("GET", "/v1/members", { headers })).json.data as Record<string, unknown>[];
      for (const one of listed) expect((await api.send("GET", `/v1/members/${String(one["id"])}`, { headers })).json).toEqual(one);
      return Object.fromEntries(listed.map((one) => [one["id"], [one["second_factor"], one["last_signed_in_at"]]]));
    };
    const all = { [owner.id]: [false, null], [admin.id]: [true, at], [member.id]: [false, null], [viewer.id]: [false, null] };
    const none = Object.fromEntries(Object.keys(all).map((id) => [id, [null, null]]));
    const { id, secret } = (await admin.send("POST", "/v1/api_keys", { name: "review", scopes: ["members:read"] })).json;
    const byKey = { authorization: `Bearer ${secret}` };
    for (const who of [owner.session.headers, admin.session.headers, byKey]) expect(await shown(who)).toEqual(all);
    for (const who of [member.session.headers, viewer.session.headers]) expect(await shown(who)).toEqual(none);
    // Nobody answers for a key that was not made by somebody.
    const bare = await house.post("/v1/api_keys", { name: "bare", scopes: ["members:read"] });
    for (const nobodys of [house.apiKey, bare.json.secret as string])
      expect(await shown({ authorization: `Bearer ${nobodys}` })).toEqual(none);
    // A guest with an admin's grant is no admin.
    const guest = await signIn(api);
    await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [guest.userId, realNow]);
    const orgHeader = { "dialgate-org": publicId("org", house.orgId) };
    const asAdmin = { org_id: orgHeader["dialgate-org"], reason: "Ticket 4711", role: "admin", minutes: 60 };
    const grant = (await guest.send("POST", "/v1/support_grants", asAdmin)).json.id as string;
    expect(await shown({ ...guest.session.headers, ...orgHeader, "dialgate-support-grant": grant })).toEqual(none);
    // The key shows what whoever answers for it would see.
    const changed = await owner.send("PATCH", `/v1/members/${admin.id}`, { role: "viewer" });
    expect(changed.json).toMatchObject({ second_factor: true, last_signed_in_at: at, credentials: [{ id, effect: "limited" }] });
    expect(await shown(byKey)).toEqual(none);
    const left = await admin.send("DELETE", `/v1/members/${admin.id}`);
    expect([left.status, left.json.second_factor, left.json.last_signed_in_at]).toEqual([200, null, null]);
  }); // prettier-ignore
});

describe("who may change whom to what", () => {
  test("every cell is decided here: each role on each role and on itself", () => {
    const cells = roles.flatMap((actor) => [...roles, "self"].map((target) => `${actor} → ${target}`));
    expect(Object.keys(table).toSorted()).toEqual(cells.toSorted());
  });

  test.each(Object.entries(table))("%s", async (cell, expected) => {
    const [actorRole, targetRole] = cell.split(" → ") as [Role, Role | "self"];
    for (const [at, wanted] of wants.entries()) {
      const actor = await inOrg(actorRole);
      const target = targetRole === "self" ? actor : await inOrg(targetRole);
      const before = { actor: await roleOf(api, org.orgId, actor.userId), target: await roleOf(api, org.orgId, target.userId) };
      const path = `/v1/members/${target.id}`;
      const answer = await (wanted === "gone"
        ? actor.send("DELETE", path)
        : wanted === "make_owner"
          ? actor.send("POST", `${path}/make_owner`)
          : actor.send("PATCH", path, { role: wanted }));
      expect(answer.status, `${cell} to ${wanted}: ${answer.text}`).toBe(expected[at]);
      const after = { actor: await roleOf(api, org.orgId, actor.userId), target: await roleOf(api, org.orgId, target.userId) };
      if (answer.status !== 200) {
        expect(after, `${cell} to ${wanted}`).toEqual(before);
        expect(["role_missing", "conflict"]).toContain(answer.json.code);
        continue;
      }
      expect(after.target, `${cell} to ${wanted}`).toBe(wanted === "gone" ? null : wanted === "make_owner" ? "owner" : wanted);
      if (wanted === "make_owner") expect(after.actor).toBe("admin");
      else if (target !== actor) expect(after.actor).toBe(before.actor);
    }
  });

  test("the code's rule says the same of members and of newcomers", () => {
    for (const actor of roles)
      for (const from of [null, ...roles])
        for (const to of [null, ...roles]) {
          const touchesOwner = from === "owner" || to === "owner";
          const expected = actor === "owner" ? true : actor === "admin" ? !touchesOwner : false;
          expect(mayChange(actor, from, to), `${actor}: ${from} to ${to}`).toBe(expected);
        }
  });
});

describe("the last owner", () => {
  test("cannot leave nor be demoted, and with another owner can", async () => {
    const alone = await api.seed({ name: "Alone" });
    const owner = await signIn(api, { orgId: alone.orgId, role: "owner" });
    const before = { mails: await mailsQueued(api), chain: (await chainOf(api, alone.orgId)).length };
    for (const answer of [
      await owner.send("DELETE", `/v1/members/${owner.id}`),
      await owner.send("PATCH", `/v1/members/${owner.id}`, { role: "admin" }),
      await owner.send("PATCH", `/v1/members/${owner.id}`, { role: "viewer" }),
    ]) {
      expect([answer.status, answer.json.code, answer.json.errors[0].code]).toEqual([409, "conflict", "last_owner"]);
      expect(await roleOf(api, alone.orgId, owner.userId)).toBe("owner");
    }
    expect({ mails: await mailsQueued(api), chain: (await chainOf(api, alone.orgId)).length }).toEqual(before);
    expect(api.faults).toEqual([]);
    await signIn(api, { orgId: alone.orgId, role: "owner" });
    expect((await owner.send("DELETE", `/v1/members/${owner.id}`)).status).toBe(200);
    expect((await owner.send("GET", "/v1/members")).status).toBe(404);
  });

  test("hands ownership on in one transaction, which both are told of by mail", async () => {
    const alone = await api.seed({ name: "Handed on" });
    const owner = await signIn(api, { orgId: alone.orgId, role: "owner" });
    const heir = await signIn(api, { orgId: alone.orgId, role: "viewer" });
    const invite = async (role: Role) =>
      (await owner.send("POST", "/v1/invitations", { email: `${role}-to-be@people.test`, role })).json.id as string;
    const [lost, kept] = [await invite("owner"), await invite("admin")];
    const made = await owner.send("POST", `/v1/members/${heir.id}/make_owner`);
    expect([made.status, made.json]).toEqual([200, { ...made.json, id: heir.id, object: "member", role: "owner", invitations: [lost] }]);
    expect(await roleOf(api, alone.orgId, owner.userId)).toBe("admin");
    const entries = (await chainOf(api, alone.orgId)).slice(-4);
    expect(entries.map(({ type, subject, facts }) => [type, subject, facts["from"], facts["to"]])).toEqual([
      ["org.ownership_transferred", heir.id, undefined, undefined],
      ["member.role_changed", heir.id, "viewer", "owner"],
      ["member.role_changed", owner.id, "owner", "admin"],
      ["invitation.revoked", lost, undefined, undefined],
    ]);
    expect(entries[0]?.facts).toMatchObject({ former: owner.id, actor: { type: "user", id: owner.id } });
    for (const [person, role, changed] of [
      [heir, "owner", `You were viewer, until ${owner.email} changed that at 2026-11-20 09:00 UTC`],
      [owner, "admin", "You were owner, until you changed that in a session of yours at 2026-11-20 09:00 UTC"],
    ] as const) {
      const text = (await api.mailbox.read(person.email)).at(-1)?.text;
      expect(text).toContain(`you are now ${role}. ${changed}`);
      // Oneself is nobody to be asked: who is the only owner asks whoever handed it on.
      expect(text).toContain(person === owner ? `ask an owner of the organisation (${heir.email}).` : `ask ${owner.email}.`);
      expect(await rotationDue(person.userId)).toBe(true);
    }
    const statusOf = async (id: string) => (await heir.send("GET", `/v1/invitations/${id}`)).json.status;
    expect([await statusOf(lost), await statusOf(kept)]).toEqual(["revoked", "open"]);
    expect((await owner.send("POST", `/v1/members/${heir.id}/make_owner`)).json.code).toBe("role_missing");
  }); // prettier-ignore
});

describe("ownership that is handed on by one Idempotency-Key", () => {
  const key = { "idempotency-key": "hand-on" };
  const keysOf = async (userId: string) =>
    (await api.db.admin("select status from idempotency_keys where principal_id = $1", [userId])).rows;
  async function handing() {
    const house = await api.seed({ name: "Handed on" });
    const owner = await signIn(api, { orgId: house.orgId, role: "owner" });
    const heir = await signIn(api, { orgId: house.orgId, role: "member" });
    const hand = (by: SignedIn, headers: Record<string, string> = key) =>
      by.send("POST", `/v1/members/${heir.id}/make_owner`, undefined, headers);
    return { house, owner, heir, hand };
  }

  test("is done once, and a repetition by who is an admin now gets the first answer", async () => {
    const { house, owner, heir, hand } = await handing();
    const first = await hand(owner);
    expect(first.status, first.text).toBe(200);
    const before = { mails: await mailsQueued(api), chain: (await chainOf(api, house.orgId)).length };
    const again = await hand(owner);
    expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([200, first.text, "true"]);
    expect({ mails: await mailsQueued(api), chain: (await chainOf(api, house.orgId)).length }).toEqual(before);
    expect([await roleOf(api, house.orgId, owner.userId), await roleOf(api, house.orgId, heir.userId)]).toEqual(["admin", "owner"]);
    // With another key, or none, they ask for what an owner alone may.
    for (const headers of [{ "idempotency-key": "another" }, {}] as Record<string, string>[])
      expect((await hand(owner, headers)).json).toMatchObject({ status: 403, code: "role_missing", detail: "This takes the role owner." });
    // To another member it is another request.
    const other = await owner.send("POST", `/v1/members/${owner.id}/make_owner`, undefined, key);
    expect(other.json.code).toBe("idempotency_key_reused");
  }); // prettier-ignore

  test("answers nobody by it who lost their place, or never had the role", async () => {
    const { house, owner, heir, hand } = await handing();
    const admin = await signIn(api, { orgId: house.orgId, role: "admin" });
    const before = (await chainOf(api, house.orgId)).length;
    expect((await hand(admin)).json.code).toBe("role_missing");
    expect([await keysOf(admin.userId), (await chainOf(api, house.orgId)).length]).toEqual([[], before]);
    expect((await hand(owner)).status).toBe(200);
    // The key is the owner's: an admin's same one is their own.
    expect((await hand(admin)).json.code).toBe("role_missing");
    expect((await heir.send("PATCH", `/v1/members/${owner.id}`, { role: "member" })).status).toBe(200);
    expect((await hand(owner)).json.code).toBe("role_missing");
    expect((await heir.send("DELETE", `/v1/members/${owner.id}`)).status).toBe(200);
    expect((await hand(owner)).status).toBe(404);
    const unshown = await signIn(api, { orgId: house.orgId, role: "owner", factor: false });
    expect((await hand(unshown)).json.code).toBe("second_factor_missing");
  });

  test("of many at once does it once, and tells nobody that they may not", async () => {
    const { house, owner, hand } = await handing();
    const answers = await Promise.all(Array.from({ length: 8 }, () => hand(owner)));
    const done = answers.filter(({ status, headers }) => status === 200 && headers.get("idempotent-replayed") === null);
    expect(done).toHaveLength(1);
    for (const { status, json, text } of answers.filter((one) => !done.includes(one)))
      expect(status === 200 ? text : json.code).toBe(status === 200 ? done[0]?.text : "idempotency_key_in_flight");
    const entries = (await chainOf(api, house.orgId)).filter(({ type }) => type === "org.ownership_transferred");
    expect(entries).toHaveLength(1);
  });
});

describe("a change of a member", () => {
  test("takes a second factor; leaving takes one of owners and admins alone", async () => {
    const viewer = await inOrg("viewer");
    const admin = await inOrg("admin", { factor: false });
    for (const answer of [
      await admin.send("PATCH", `/v1/members/${viewer.id}`, { role: "member" }),
      await admin.send("DELETE", `/v1/members/${viewer.id}`),
      await admin.send("DELETE", `/v1/members/${admin.id}`),
      await (await inOrg("owner", { factor: false })).send("POST", `/v1/members/${viewer.id}/make_owner`),
    ])
      expect([answer.status, answer.json.code]).toEqual([403, "second_factor_missing"]);
    expect([await roleOf(api, org.orgId, viewer.userId), await roleOf(api, org.orgId, admin.userId)]).toEqual([
      "viewer",
      "admin",
    ]);
    const without = await inOrg("member", { factor: false });
    expect((await without.send("DELETE", `/v1/members/${without.id}`)).status).toBe(200);
  });

  test("is on the org's chain by who did it, and its member gets mail and goes on under another token", async () => {
    const [admin, member] = [await inOrg("admin"), await inOrg("member")];
    const changed = await admin.send("PATCH", `/v1/members/${member.id}`, { role: "viewer" });
    expect(changed.json).toMatchObject({ id: member.id, role: "viewer", email: member.email, credentials: [] });
    expect((await chainOf(api, org.orgId)).at(-1)).toMatchObject({
      type: "member.role_changed",
      subject: member.id,
      facts: { from: "member", to: "viewer", actor: { type: "user", id: admin.id } },
    });
    expect(await rotationDue(member.userId)).toBe(true);
    expect(api.woken).toContainEqual({ orgId: "", work: "mail" });
    const letters = await api.mailbox.read(member.email);
    expect(letters.map(({ subject }) => subject)).toEqual(["Your role in “Acme Solar” has changed"]);
    const removed = await admin.send("DELETE", `/v1/members/${member.id}`);
    expect(removed.json).toMatchObject({ id: member.id, role: "viewer" });
    expect((await chainOf(api, org.orgId)).at(-1)).toMatchObject({
      type: "member.removed",
      subject: member.id,
      facts: { role: "viewer", actor: { type: "user", id: admin.id } },
    });
    expect((await api.mailbox.read(member.email)).map(({ subject }) => subject)).toContain(
      "You are no longer a member of “Acme Solar”",
    );
  });

  test.each([
    ["leaves", "viewer", (me: SignedIn) => me.send("DELETE", `/v1/members/${me.id}`)],
    ["steps down", "admin", (me: SignedIn) => me.send("PATCH", `/v1/members/${me.id}`, { role: "viewer" })],
    [
      "hands ownership on",
      "owner",
      async (me: SignedIn) => me.send("POST", `/v1/members/${(await inOrg("viewer")).id}/make_owner`),
    ],
  ] as const)(
    "that %s, as the first request after another change: it is answered, and the session goes on",
    async (_, role, act) => {
      const person = await inOrg(role);
      await api.db.admin("update sessions set rotation_due = true where id = $1", [person.session.id]);
      const answer = await act(person);
      expect(answer.status).toBe(200);
      const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      await api.db.admin("update sessions set previous_until = $2 where id = $1", [person.session.id, realNow]);
      expect((await person.send("GET", "/v1/me")).status).toBe(401);
      expect((await person.send("GET", "/v1/me", undefined, { cookie })).status).toBe(200);
    },
  );

  test.each([
    ["is refused in the org", 403, (me: SignedIn) => me.send("POST", "/v1/sellers", seller)],
    ["names an org that is not theirs", 404, (me: SignedIn) => me.send("GET", "/v1/sellers", undefined, { "dialgate-org": publicId("org", other.orgId) })],
    ["concerns themselves", 200, (me: SignedIn) => me.send("GET", "/v1/sessions")],
    ["takes a second factor", 403, (me: SignedIn) => me.send("POST", "/v1/me/recovery_codes")],
    ["is malformed", 422, (me: SignedIn) => me.send("POST", "/v1/invitations/accept", { nonsense: 1 })],
  ] as const)("is followed by another token, also where the request %s", async (_, status, ask) => {
    const person = await inOrg("viewer", { factor: false });
    await api.db.admin("update sessions set rotation_due = true where id = $1", [person.session.id]);
    const answer = await ask(person);
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect([answer.status, cookie.split("=")[0]], answer.text).toEqual([status, "__Host-dialgate-session"]);
    expect(await rotationDue(person.userId)).toBe(false);
    expect((await person.send("GET", "/v1/me", undefined, { cookie })).headers.get("set-cookie")).toBe(null);
  }); // prettier-ignore

  test("is followed by another token for whoever was removed, wherever they ask next", async () => {
    const owner = await inOrg("owner");
    for (const path of ["/v1/me", "/v1/sellers"]) {
      const person = await inOrg("member");
      const old = await makeSession(api.db, api.deps.hashApiKey, person.userId, realNow, { factor: false, stage: "factor_due" });
      expect((await owner.send("DELETE", `/v1/members/${person.id}`)).status).toBe(200);
      const answer = await person.send("GET", path);
      expect([answer.status, answer.headers.get("set-cookie") === null]).toEqual([path === "/v1/me" ? 200 : 404, false]);
      // Also one that waits for its second factor.
      expect((await api.send("GET", "/v1/me", { headers: { ...old.headers } })).headers.get("set-cookie")).not.toBe(null);
      expect(await rotationDue(person.userId)).toBe(false);
    }
  });

  test("by which somebody leaves is told to them, and to those who are owners then, with what ended", async () => {
    const house = await api.seed({ name: "Left" });
    const people = [];
    for (const role of ["owner", "owner", "admin", "viewer"] as const)
      people.push(await signIn(api, { orgId: house.orgId, role }));
    const [owner, second, admin, viewer] = people as [SignedIn, SignedIn, SignedIn, SignedIn];
    const made = await admin.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] });
    expect(made.status).toBe(201);
    const lettersTo = async ({ email }: SignedIn) => (await api.mailbox.read(email)).map(({ subject }) => subject);
    api.woken.length = 0;
    expect((await admin.send("DELETE", `/v1/members/${admin.id}`)).status).toBe(200);
    expect(api.woken).toContainEqual({ orgId: "", work: "mail" });
    expect(await lettersTo(admin)).toEqual(["You have left “Left”"]);
    for (const one of [owner, second]) {
      expect(await lettersTo(one)).toEqual(["A member has left “Left”"]);
      const text = (await api.mailbox.read(one.email))[0]?.text;
      expect(text).toContain(`(${admin.id}), who was admin, left`);
      expect(text).toContain("1 API key or token issuer that they answered for ended");
    }
    expect(await lettersTo(viewer)).toEqual([]);
    // An owner who leaves is none any more: they get the one letter, those who stay the other.
    expect((await second.send("DELETE", `/v1/members/${second.id}`)).status).toBe(200);
    expect(await lettersTo(second)).toEqual(["A member has left “Left”", "You have left “Left”"]);
    expect(await lettersTo(owner)).toHaveLength(2);
    // Who is removed is told that, and owners, one of whom may have done it, are not.
    expect((await owner.send("DELETE", `/v1/members/${viewer.id}`)).status).toBe(200);
    expect(await lettersTo(viewer)).toEqual(["You are no longer a member of “Left”"]);
    expect((await api.mailbox.read(viewer.email))[0]?.text).toContain(
      `At 2026-11-20 09:00 UTC ${owner.email} removed you from the organisation “Left”, in which you were viewer.`,
    );
    expect((await api.mailbox.read(viewer.email))[0]?.text).toContain(`ask an owner of the organisation (${owner.email}).`);
    expect(await lettersTo(owner)).toHaveLength(2);
  });

  test("that changes nothing writes nothing", async () => {
    const [admin, member] = [await inOrg("admin"), await inOrg("member")];
    const before = { mails: await mailsQueued(api), chain: (await chainOf(api, org.orgId)).length };
    expect((await admin.send("PATCH", `/v1/members/${member.id}`, { role: "member" })).json.role).toBe("member");
    expect({ mails: await mailsQueued(api), chain: (await chainOf(api, org.orgId)).length }).toEqual(before);
  });

  test("commits with its mail and its entry, or nothing of it does", async () => {
    const [owner, member] = [await inOrg("owner"), await inOrg("member")];
    const mails = await mailsQueued(api);
    for (const [type, ask] of [
      ["member.role_changed", () => owner.send("PATCH", `/v1/members/${member.id}`, { role: "viewer" })],
      ["member.removed", () => owner.send("DELETE", `/v1/members/${member.id}`)],
      ["org.ownership_transferred", () => owner.send("POST", `/v1/members/${member.id}/make_owner`)],
    ] as const) {
      const allow = await forbidEntry(api, type);
      expect((await ask()).status, type).toBe(500);
      await allow();
      expect(await roleOf(api, org.orgId, member.userId), type).toBe("member");
      expect(await roleOf(api, org.orgId, owner.userId), type).toBe("owner");
      expect(await mailsQueued(api), type).toBe(mails);
    }
    expect((await owner.send("PATCH", `/v1/members/${member.id}`, { role: "viewer" })).status).toBe(200);
    expect(await mailsQueued(api)).toBe(mails + 1);
    api.faults.length = 0;
  });
});

describe("what a member loses is lost at the next request", () => {
  /** A member of the role with a session, a key and a token of their own. */
  async function armed(role: Role) {
    const person = await inOrg(role);
    const made = await person.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read", "sellers:write"] });
    const signer = signerOf("EdDSA");
    const asPerson = { post: (path: string, body: unknown) => person.send("POST", path, body) } as Caller;
    const issuer = await registered(asPerson, signer, { name: "Sync" });
    const token = mintToken(issuer, Date.parse(realNow) / 1000);
    const kinds = {
      session: (method: string, path: string, body?: unknown) => person.send(method, path, body),
      key: (method: string, path: string, body?: unknown) =>
        api.send(method, path, { key: made.json.secret, ...(body === undefined ? {} : { body }) }),
      token: (method: string, path: string, body?: unknown) =>
        api.send(method, path, { headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body }) }),
    };
    const ask = async () => {
      const asked: Record<string, [read: number, write: number]> = {};
      for (const [kind, send] of Object.entries(kinds))
        asked[kind] = [(await send("GET", "/v1/sellers")).status, (await send("POST", "/v1/sellers", seller)).status];
      return asked;
    };
    return { person, keyId: made.json.id as string, issuerId: issuer.id, ask };
  }
  const all = (read: number, write: number) => ({ session: [read, write], key: [read, write], token: [read, write] });

  test("with a lower role: session, key and token can do what that role may, and the answer names what shrank", async () => {
    const owner = await inOrg("owner");
    const { person, keyId, issuerId, ask } = await armed("admin");
    expect(await ask()).toEqual(all(200, 201));
    const changed = await owner.send("PATCH", `/v1/members/${person.id}`, { role: "viewer" });
    expect(changed.json.credentials).toEqual([
      { object: "api_key", id: keyId, name: "CRM", effect: "limited" },
      { object: "token_issuer", id: issuerId, name: "Sync", effect: "limited" },
    ]);
    expect(await ask()).toEqual(all(200, 403));
    expect((await owner.send("PATCH", `/v1/members/${person.id}`, { role: "member" })).json.credentials).toEqual([]);
    expect(await ask()).toEqual(all(200, 201));
  });

  test("removed: nothing works, the answer names what ended, and coming back revives no credential", async () => {
    const owner = await inOrg("owner");
    const { person, keyId, issuerId, ask } = await armed("admin");
    expect(await ask()).toEqual(all(200, 201));
    // What had run out before does not end with it.
    const past = await person.send("POST", "/v1/api_keys", { name: "past", scopes: ["leads:read"] });
    await api.db.admin("update api_keys set expires_at = $2::timestamptz - interval '1 second' where id = $1", [
      uuidOf("apiKey", past.json.id),
      realNow,
    ]);
    const removed = await owner.send("DELETE", `/v1/members/${person.id}`);
    expect(removed.json.credentials).toEqual([
      { object: "api_key", id: keyId, name: "CRM", effect: "ended" },
      { object: "token_issuer", id: issuerId, name: "Sync", effect: "ended" },
    ]);
    expect(await ask()).toEqual({ session: [404, 404], key: [401, 401], token: [401, 401] });
    const entries = (await chainOf(api, org.orgId)).slice(-3);
    expect(entries.map(({ type, subject }) => [type, subject])).toEqual([
      ["member.removed", person.id],
      ["api_key.revoked", keyId],
      ["token_issuer.revoked", issuerId],
    ]);
    expect((await owner.send("GET", `/v1/api_keys/${past.json.id}`)).json).toMatchObject({ status: "expired", revoked_at: null });
    await makeMember(api.db, org.orgId, person.userId, "admin");
    expect(await ask()).toEqual({ session: [200, 201], key: [401, 401], token: [401, 401] });
  });

  test("removed: the secret of an issuer of theirs is destroyed, and of another's is not", async () => {
    const owner = await inOrg("owner");
    const admin = await inOrg("admin");
    const signer = signerOf("HS256");
    const of = async (person: typeof owner) =>
      (await registered({ post: (path: string, body: unknown) => person.send("POST", path, body) } as Caller, signer)).id;
    const [theirs, others] = [await of(admin), await of(owner)];
    const sealed = async (id: string) =>
      (await api.db.admin("select sealed from token_issuers where id = $1", [uuidOf("tokenIssuer", id)])).rows[0]?.["sealed"];
    // One that has run out holds its secret still.
    const past = await of(admin);
    await api.db.admin("update token_issuers set expires_at = created_at where id = $1", [uuidOf("tokenIssuer", past)]);
    for (const id of [theirs, past]) expect(await sealed(id)).not.toBeNull();
    expect((await owner.send("DELETE", `/v1/members/${admin.id}`)).status).toBe(200);
    for (const id of [theirs, past]) expect(await sealed(id)).toBeNull();
    expect(await sealed(others)).toMatchObject({ wrapped: expect.anything() });
  });

  test("a key that was rotated before goes on under whoever rotated it", async () => {
    const [owner, admin] = [await inOrg("owner"), await inOrg("admin")];
    const made = await admin.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] });
    const rotated = await owner.send("POST", `/v1/api_keys/${made.json.id}/rotate`, { overlap_seconds: 3600 });
    const removed = await owner.send("DELETE", `/v1/members/${admin.id}`);
    expect(removed.json.credentials.map((one: { id: string }) => one.id)).toEqual([made.json.id]);
    expect((await api.send("GET", "/v1/sellers", { key: made.json.secret })).status).toBe(401);
    expect((await api.send("GET", "/v1/sellers", { key: rotated.json.secret })).status).toBe(200);
  });
});

describe("members", () => {
  test("are listed page by page, and got, by people and by keys with the scope", async () => {
    const house = await api.seed({ name: "Listed", scopes: ["members:read"] });
    const people = [];
    for (const role of ["owner", "admin", "member", "viewer", "viewer"] as const)
      people.push(await signIn(api, { orgId: house.orgId, role }));
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await house.get(`/v1/members?limit=2${cursor}`);
      expect(page.status).toBe(200);
      seen.push(...page.json.data.map((one: { id: string }) => one.id));
      cursor = page.json.next_cursor === null ? "" : `&cursor=${page.json.next_cursor}`;
    } while (cursor !== "");
    expect(seen).toEqual(people.map(({ id }) => id).toReversed());
    const [first] = people;
    const got = await people.at(-1)?.send("GET", `/v1/members/${first?.id}`);
    expect(got?.json).toMatchObject({ id: first?.id, object: "member", email: first?.email, name: null, role: "owner" });
    const blind = await api.seed({ name: "Blind", scopes: ["leads:read"] });
    expect((await blind.get("/v1/members")).json.code).toBe("scope_missing");
  });

  test("of another org, of none, and nobody at all are one answer, byte for byte", async () => {
    const owner = await inOrg("owner");
    const stranger = await signIn(api, { orgId: other.orgId, role: "viewer" });
    const outside = await signIn(api);
    const nobody = publicId("user", api.deps.newId());
    for (const ask of [
      (id: string) => owner.send("GET", `/v1/members/${id}`),
      (id: string) => owner.send("PATCH", `/v1/members/${id}`, { role: "viewer" }),
      (id: string) => owner.send("DELETE", `/v1/members/${id}`),
      (id: string) => owner.send("POST", `/v1/members/${id}/make_owner`),
    ]) {
      const never = told(await ask(nobody));
      expect(never.status).toBe(404);
      for (const id of [stranger.id, outside.id, "user_nonsense", publicId("lead", api.deps.newId())])
        expect(told(await ask(id))).toEqual(never);
    }
    expect(await roleOf(api, other.orgId, stranger.userId)).toBe("viewer");
  });

  test("are changed by nobody's key, and by no body that is none", async () => {
    const owner = await inOrg("owner");
    const member = await inOrg("member");
    for (const answer of [
      await org.patch(`/v1/members/${member.id}`, { role: "viewer" }),
      await org.delete(`/v1/members/${member.id}`),
      await org.post(`/v1/members/${member.id}/make_owner`),
    ])
      expect([answer.status, answer.json.code]).toEqual([403, "people_only"]);
    for (const body of [{}, { role: "root" }, { role: null }, { role: "Owner" }, { role: ["viewer"] }, { role: "viewer", owner: true }]) {
      const answer = await owner.send("PATCH", `/v1/members/${member.id}`, body);
      expect([answer.status, answer.json.code], JSON.stringify(body)).toEqual([422, "invalid_request"]);
      expect(answer.json.errors[0].pointer).toMatch(/^\/(role|owner)$/);
    }
    expect(await roleOf(api, org.orgId, member.userId)).toBe("member");
  }); // prettier-ignore
});
