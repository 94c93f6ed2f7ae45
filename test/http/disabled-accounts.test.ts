/** What a disabled account (`users.disabled_at`, by SQL) leaves behind works no more, and works again when it is enabled. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { realNow } from "./api.ts";
import { chainOf, roleOf, signIn, type SignedIn } from "./signed-in.ts";
import { openTokenGround, registered, type TokenGround } from "./token-ground.ts";

let ground: TokenGround;
let owner: SignedIn;
beforeAll(async () => {
  ground = await openTokenGround();
  owner = await signIn(ground.api, { orgId: ground.org.orgId, role: "owner" });
}, 60_000);
afterAll(() => ground?.close());

const disable = ({ userId }: SignedIn, at: string | null) =>
  ground.api.db.admin("update users set disabled_at = $2 where id = $1", [userId, at]);

describe("of a disabled account", () => {
  test("the keys and token issuers open nothing; those of others do", async () => {
    const person = await signIn(ground.api, { orgId: ground.org.orgId, role: "admin" });
    const keyOf = async (by: SignedIn) =>
      (await by.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] })).json.secret as string;
    const [key, others] = [await keyOf(person), await keyOf(owner)];
    const issuer = await registered(ground.org, signerOf("EdDSA"));
    await ground.api.db.admin("update token_issuers set sponsor_id = $2 where id = $1", [
      uuidOf("tokenIssuer", issuer.id),
      person.userId,
    ]);
    const asked = (path: string) =>
      Promise.all(
        [key, mintToken(issuer, ground.now), others].map(async (secret) => {
          const { status } = await ground.api.send("GET", path, { headers: { authorization: `Bearer ${secret}` } });
          return status;
        }),
      );
    const shown = async () =>
      ((await owner.send("GET", "/v1/api_keys?limit=100")).json.data as { sponsor_id: string; effective_scopes: string[]; limited_by_sponsor: boolean }[])
        .filter((one) => one.sponsor_id === person.id).map((one) => [one.effective_scopes, one.limited_by_sponsor]); // prettier-ignore
    expect(await shown()).toEqual([[["sellers:read"], false]]);
    await disable(person, realNow);
    expect(await shown()).toEqual([[[], true]]);
    await disable(person, null);
    for (const path of ["/v1/sellers", "/v1/me"]) {
      expect(await asked(path)).toEqual([200, 200, 200]);
      await disable(person, realNow);
      expect(await asked(path)).toEqual([401, 401, 200]);
      await disable(person, null);
      expect(await asked(path)).toEqual([200, 200, 200]);
    }
  });

  test("the invitations let nobody in", async () => {
    const inviter = await signIn(ground.api, { orgId: ground.org.orgId, role: "admin" });
    const email = "invited@people.test";
    expect((await inviter.send("POST", "/v1/invitations", { email, role: "viewer" })).status).toBe(201);
    const token = /invitation#(dgi_[A-Za-z0-9_-]{43})\n/.exec((await ground.api.mailbox.read(email))[0]?.text ?? "")?.[1];
    const guest = await signIn(ground.api, { email });
    const accept = async () => (await guest.send("POST", "/v1/invitations/accept", { token })).status;
    await disable(inviter, realNow);
    expect(await accept()).toBe(404);
    await disable(inviter, null);
    expect(await accept()).toBe(200);
  });

  test("a support grant lets the operator in no more", async () => {
    const operator = await signIn(ground.api);
    await ground.api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [operator.userId, realNow]);
    const org = publicId("org", ground.org.orgId);
    const { json } = await operator.send("POST", "/v1/support_grants", { org_id: org, reason: "x", role: "viewer", minutes: 60 });
    const look = async () =>
      (await operator.send("GET", "/v1/sellers", undefined, { "dialgate-org": org, "dialgate-support-grant": json.id })).status;
    expect(await look()).toBe(200);
    await disable(operator, realNow);
    const entries = (await chainOf(ground.api, ground.org.orgId)).length;
    expect(await look()).toBe(401);
    expect((await chainOf(ground.api, ground.org.orgId)).length).toBe(entries);
  });

  test("ownership is not handed to it, and its role is lowered or ended, and not raised", async () => {
    const { orgId } = await ground.api.seed({ name: "Handed on" });
    const [first, heir] = [
      await signIn(ground.api, { orgId, role: "owner" }),
      await signIn(ground.api, { orgId, role: "admin" }),
    ];
    await disable(heir, realNow);
    const refused = [
      await first.send("POST", `/v1/members/${heir.id}/make_owner`),
      await first.send("PATCH", `/v1/members/${heir.id}`, { role: "owner" }),
    ];
    for (const { status, json } of refused) expect([status, json.errors[0].code]).toEqual([409, "member_disabled"]);
    expect([await roleOf(ground.api, orgId, first.userId), await roleOf(ground.api, orgId, heir.userId)]).toEqual([
      "owner",
      "admin",
    ]);
    expect((await first.send("PATCH", `/v1/members/${heir.id}`, { role: "viewer" })).status).toBe(200);
    expect((await first.send("PATCH", `/v1/members/${heir.id}`, { role: "admin" })).status).toBe(409);
    await disable(heir, null);
    expect((await first.send("POST", `/v1/members/${heir.id}/make_owner`)).status).toBe(200);
  });

  test("it is no owner who remains: the last other one neither leaves nor steps down", async () => {
    const { orgId } = await ground.api.seed({ name: "Remaining" });
    const [first, second] = [
      await signIn(ground.api, { orgId, role: "owner" }),
      await signIn(ground.api, { orgId, role: "owner" }),
    ];
    await disable(second, realNow);
    const acts = [
      () => first.send("DELETE", `/v1/members/${first.id}`),
      () => first.send("PATCH", `/v1/members/${first.id}`, { role: "admin" }),
    ];
    for (const act of acts) expect((await act()).json.errors?.[0].code).toBe("last_owner");
    // It may itself be taken away, because somebody remains.
    expect((await first.send("PATCH", `/v1/members/${second.id}`, { role: "viewer" })).status).toBe(200);
    await ground.api.db.admin("update memberships set role = 'owner' where org_id = $1 and user_id = $2", [orgId, second.userId]);
    await disable(second, null);
    for (const act of acts.toReversed()) expect((await act()).status).toBe(200);
  });

  test("what owners are told is not mailed to it, and is to the others", async () => {
    const { orgId } = await ground.api.seed({ name: "Told" });
    const [first, gone] = [
      await signIn(ground.api, { orgId, role: "owner" }),
      await signIn(ground.api, { orgId, role: "owner" }),
    ];
    const leaver = await signIn(ground.api, { orgId, role: "viewer" });
    await disable(gone, realNow);
    expect((await leaver.send("DELETE", `/v1/members/${leaver.id}`)).status).toBe(200);
    const letters = await Promise.all([first, gone].map(({ email }) => ground.api.mailbox.read(email)));
    expect(letters.map(({ length }) => length)).toEqual([1, 0]);
  });
});
