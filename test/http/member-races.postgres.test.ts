/** What happens at once, on a real Postgres, whose transactions meet. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { openTestDatabase } from "../support/database.ts";
import { generous } from "../support/rate-limits.ts";
import { makeMember, makeSession } from "../support/users.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { chainOf, roleOf, signIn, type SignedIn } from "./signed-in.ts";

/** What one person may send, in this file. */
const inviterMax = 4;
let api: Api;
beforeAll(async () => {
  const quotas = { ...generous, invitation_inviter: { ...generous.invitation_inviter, limit: inviterMax } };
  api = await openApi({ quotas }, undefined, undefined, await openTestDatabase({ postgres: true }));
});
afterAll(() => api?.close());

const rounds = process.env["TEST_FULL"] === "1" ? 100 : 20;
const statuses = (answers: readonly { readonly status: number }[]) => answers.map(({ status }) => status).toSorted();
async function ownersOf(orgId: string): Promise<number> {
  const { rows } = await api.db.admin("select count(*) as n from memberships where org_id = $1 and role = 'owner'", [orgId]);
  return Number(rows[0]?.["n"]);
}
async function houseOf(owners: number): Promise<{ orgId: string; owners: SignedIn[] }> {
  const { orgId } = await api.seed();
  const people = await Promise.all(Array.from({ length: owners }, () => signIn(api, { orgId, role: "owner" })));
  return { orgId, owners: people };
}
const leave = (one: SignedIn) => one.send("DELETE", `/v1/members/${one.id}`);

describe("owners who go at once", () => {
  test("by leaving: all but one, and whoever is last is told so", async () => {
    let refused = 0;
    for (let round = 0; round < rounds; round += 1) {
      const { orgId, owners } = await houseOf(2 + (round % 2));
      const answers = await Promise.all(owners.map(leave));
      expect(statuses(answers)).toEqual([...owners.slice(1).map(() => 200), 409]);
      const last = answers.find(({ status }) => status === 409);
      expect(last?.json.errors[0].code).toBe("last_owner");
      expect(await ownersOf(orgId)).toBe(1);
      refused += 1;
    }
    expect(api.faults).toEqual([]);
    console.log(`owners who leave at once: ${rounds} rounds, ${refused} last ones kept, 0 orgs without an owner`);
  });

  test("by taking each other's role: one does it, and is the owner; the other may no more", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { orgId, owners } = await houseOf(2);
      const [one, two] = owners as [SignedIn, SignedIn];
      const answers = await Promise.all([
        one.send("PATCH", `/v1/members/${two.id}`, { role: "admin" }),
        two.send("PATCH", `/v1/members/${one.id}`, { role: "admin" }),
      ]);
      expect(statuses(answers)).toEqual([200, 403]);
      expect(await ownersOf(orgId)).toBe(1);
      const winner = answers[0]?.status === 200 ? one : two;
      expect(await roleOf(api, orgId, winner.userId)).toBe("owner");
    }
    expect(api.faults).toEqual([]);
  });

  test("are kept by the database alone: with its trigger off an org is left without any, as the look above can see", async () => {
    await api.db.admin("alter table memberships disable trigger org_keeps_an_owner");
    const { orgId, owners } = await houseOf(2);
    const answers = await Promise.all(owners.map(leave));
    await api.db.admin("alter table memberships enable trigger org_keeps_an_owner");
    expect(statuses(answers)).toEqual([200, 200]);
    expect(await ownersOf(orgId)).toBe(0);
  });
});

test("an admin who is demoted while they act: nothing of theirs stands on the chain after it", async () => {
  const counted = { before: 0, refused: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const { orgId, owners } = await houseOf(1);
    const admin = await signIn(api, { orgId, role: "admin" });
    const people = await Promise.all([0, 1, 2].map(() => signIn(api, { orgId, role: "viewer" })));
    const acts = people.map((one, at) =>
      at === 0
        ? admin.send("DELETE", `/v1/members/${one.id}`)
        : admin.send("PATCH", `/v1/members/${one.id}`, { role: at === 1 ? "admin" : "member" }),
    );
    const [demoted, ...acted] = await Promise.all([
      owners[0]?.send("PATCH", `/v1/members/${admin.id}`, { role: "viewer" }),
      ...acts,
    ]);
    expect(demoted?.status).toBe(200);
    const chain = await chainOf(api, orgId);
    const end = chain.find(({ type, subject }) => type === "member.role_changed" && subject === admin.id)?.seq ?? 0;
    expect(end).toBeGreaterThan(0);
    const theirs = chain.filter(({ facts }) => facts.actor.id === admin.id);
    expect(theirs.filter(({ seq }) => seq > end)).toEqual([]);
    for (const { status, text } of acted) expect([200, 403], text).toContain(status);
    counted.before += acted.filter(({ status }) => status === 200).length;
    counted.refused += acted.filter(({ status }) => status === 403).length;
  }
  console.log(`an admin demoted while acting, ${rounds} rounds: ${JSON.stringify(counted)}, 0 after it`);
  expect(api.faults).toEqual([]);
  expect(counted.before).toBeGreaterThan(0);
  expect(counted.refused).toBeGreaterThan(0);
});

describe("an invitation", () => {
  const inviting = async (owner: SignedIn, role = "member") => {
    const email = `raced-${api.deps.newId()}@people.test`;
    const made = await owner.send("POST", "/v1/invitations", { email, role });
    if (made.status !== 201) throw new Error(made.text);
    const text = (await api.mailbox.read(email)).at(-1)?.text ?? "";
    return { email, id: made.json.id as string, token: /#(dgi_\S+)/.exec(text)?.[1] ?? "" };
  };

  test("that is accepted fifty times at once makes one membership, once", async () => {
    for (let round = 0; round < 3; round += 1) {
      const { orgId, owners } = await houseOf(1);
      const { email, token } = await inviting(owners[0] as SignedIn);
      const guest = await signIn(api, { email });
      const sessions = await Promise.all(
        Array.from({ length: 50 }, () => makeSession(api.db, api.deps.hashApiKey, guest.userId, realNow)),
      );
      // Each was used long enough ago for its use to be written down.
      await api.db.admin("update sessions set last_seen_at = last_seen_at - interval '5 minutes' where user_id = $1", [
        guest.userId,
      ]);
      const answers = await Promise.all(
        sessions.map(({ headers }) => api.send("POST", "/v1/invitations/accept", { body: { token }, headers: { ...headers } })),
      );
      expect(statuses(answers)).toEqual([200, ...Array.from({ length: 49 }, () => 404)]);
      expect(await roleOf(api, orgId, guest.userId)).toBe("member");
      expect((await chainOf(api, orgId)).filter(({ type }) => type === "member.added")).toHaveLength(1);
    }
    expect(api.faults).toEqual([]);
  });

  test("that is accepted and revoked, or replaced, at once: one of the two, whole", async () => {
    const won: Record<string, number> = {};
    for (let round = 0; round < rounds; round += 1) {
      const { orgId, owners } = await houseOf(1);
      const owner = owners[0] as SignedIn;
      const { email, id, token } = await inviting(owner);
      const guest = await signIn(api, { email });
      const replaces = round % 2 === 1;
      const [accepted, other] = await Promise.all([
        guest.send("POST", "/v1/invitations/accept", { token }),
        replaces
          ? owner.send("POST", "/v1/invitations", { email, role: "viewer" })
          : owner.send("DELETE", `/v1/invitations/${id}`),
      ]);
      const status = (await owner.send("GET", `/v1/invitations/${id}`)).json.status;
      const role = await roleOf(api, orgId, guest.userId);
      if (accepted?.status === 200) {
        expect([status, role]).toEqual(["accepted", "member"]);
        expect(replaces ? [409, "already_member"] : [200, "accepted"]).toEqual(
          replaces ? [other?.status, other?.json.errors[0].code] : [other?.status, other?.json.status],
        );
      } else expect([accepted?.status, status, role]).toEqual([404, "revoked", null]);
      const name = accepted?.status === 200 ? "accepted" : "ended";
      won[name] = (won[name] ?? 0) + 1;
    }
    console.log(`accepted beside revoked or replaced, ${rounds} rounds: ${JSON.stringify(won)}`);
    expect(api.faults).toEqual([]);
  });

  test("to one address by many at once: one is open, and no more than five are sent", async () => {
    const { orgId, owners } = await houseOf(3);
    const email = `crowd-${api.deps.newId()}@people.test`;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        (owners[at % 3] as SignedIn).send("POST", "/v1/invitations", { email, role: "viewer" }),
      ),
    );
    expect(statuses(answers)).toEqual([...Array.from({ length: 5 }, () => 201), ...Array.from({ length: 7 }, () => 429)]);
    const { rows } = await api.db.admin("select count(*) as n from invitations where org_id = $1 and revoked_at is null", [
      orgId,
    ]);
    expect(Number(rows[0]?.["n"])).toBe(1);
  });
});

test("somebody who makes organisations at once owns no more than twenty", async () => {
  const person = await signIn(api);
  const sessions = await Promise.all(
    Array.from({ length: 30 }, () => makeSession(api.db, api.deps.hashApiKey, person.userId, realNow)),
  );
  await api.db.admin("update sessions set last_seen_at = last_seen_at - interval '5 minutes' where user_id = $1", [
    person.userId,
  ]);
  const answers = await Promise.all(
    sessions.map(({ headers }, at) => api.send("POST", "/v1/orgs", { body: { name: `Org ${at}` }, headers: { ...headers } })),
  );
  expect(statuses(answers)).toEqual([...Array.from({ length: 20 }, () => 201), ...Array.from({ length: 10 }, () => 409)]);
  const { rows } = await api.db.admin("select count(*) as n from memberships where user_id = $1", [person.userId]);
  expect(Number(rows[0]?.["n"])).toBe(20);
});

test("a key that is reported leaked by many at once is revoked once, and its owners get one mail", async () => {
  const { orgId, owners } = await houseOf(1);
  const key = (await owners[0]?.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] }))?.json;
  const body = [{ token: key.secret as string }];
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.send("POST", "/leaked_keys", { body })));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers[0]?.status).toBe(200);
  expect((await chainOf(api, orgId)).filter(({ type }) => type === "api_key.leaked")).toHaveLength(1);
  expect((await api.mailbox.read(owners[0]?.email)).filter(({ subject }) => subject.includes("leaked"))).toHaveLength(1);
  expect((await api.send("GET", "/v1/sellers", { key: key.secret })).status).toBe(401);
});

test("a key that is used while its member is removed works before it, and never after", async () => {
  for (let round = 0; round < rounds / 2; round += 1) {
    const { orgId, owners } = await houseOf(1);
    const admin = await signIn(api, { orgId, role: "admin" });
    const key = (await admin.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:write"] })).json;
    const uses = Array.from({ length: 6 }, () =>
      api.send("POST", "/v1/sellers", { key: key.secret, body: { registered_name: "Acme Solar LLC" } }),
    );
    const [removed, ...used] = await Promise.all([owners[0]?.send("DELETE", `/v1/members/${admin.id}`), ...uses]);
    expect(removed?.json.credentials).toEqual([{ object: "api_key", id: key.id, name: "CRM", effect: "ended" }]);
    for (const { status } of used) expect([201, 401]).toContain(status);
    expect((await api.send("POST", "/v1/sellers", { key: key.secret, body: { registered_name: "x" } })).status).toBe(401);
    await makeMember(api.db, orgId, admin.userId, "admin");
    expect((await api.send("POST", "/v1/sellers", { key: key.secret, body: { registered_name: "x" } })).status).toBe(401);
  }
});

test("invitations at once, from as many organisations: no address gets more than its day allows, and nobody sends more", async () => {
  let sent = 0;
  for (let round = 0; round < rounds; round += 1) {
    const houses = await Promise.all(Array.from({ length: 8 }, () => houseOf(1)));
    const email = `bombed-${round}@people.test`;
    const answers = await Promise.all(houses.map(({ owners }) => owners[0]!.send("POST", "/v1/invitations", { email, role: "viewer" })));
    expect(statuses(answers)).toEqual([201, 201, 201, 201, 201, 429, 429, 429]);
    sent += 5;
    // One person in eight organisations, who has sent one or none so far.
    const one = houses[0]!.owners[0]!;
    for (const { orgId } of houses.slice(1)) await makeMember(api.db, orgId, one.userId, "admin");
    const few = await Promise.all(
      houses.map(({ orgId }, at) =>
        one.send("POST", "/v1/invitations", { email: `few-${round}-${at}@people.test`, role: "viewer" }, { "dialgate-org": publicId("org", orgId) }),
      ),
    );
    const { rows } = await api.db.admin("select count(*) as n from invitations where invited_by = $1", [one.userId]);
    expect(few.filter(({ status }) => status === 201).length).toBe(inviterMax - Number(answers[0]?.status === 201));
    expect(Number(rows[0]?.["n"])).toBe(inviterMax);
  }
  expect(api.faults).toEqual([]);
  console.log(`invitations at once: ${rounds} rounds, ${sent} to ${rounds} addresses, none above its quota`);
}); // prettier-ignore
