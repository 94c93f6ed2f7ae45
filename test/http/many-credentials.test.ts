/** As many credentials as somebody makes who wants them not to be ended. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../support/world.ts";
import { issuersReach, keysReach } from "../../src/db/queries/credentials.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { signerOf } from "../support/tokens.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { chainOf, signIn, type SignedIn } from "./signed-in.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());

const handing = ["sellers:read", "api_keys:write", "token_issuers:write"];
async function ownerOfNew(): Promise<SignedIn> {
  const { orgId } = await api.seed();
  return signIn(api, { orgId, role: "owner" });
}
const orgOf = async (who: SignedIn): Promise<string> =>
  String((await api.db.admin("select org_id::text as id from memberships where user_id = $1", [who.userId])).rows[0]?.["id"]);
/** Keys of the org that work, or have ended; each made by the one before it, the first by a key that is there. */
const addKeys = async (who: SignedIn, count: number, more: { sponsor?: string; madeBy?: string; ended?: boolean } = {}) => {
  const ids = Array.from({ length: count }, newId);
  await api.db.admin(
    `insert into api_keys (org_id, id, name, secret_hash, scopes, created_at, sponsor_id, made_by, revoked_at)
     select $1, u.id, 'Of many', decode(md5(u.id::text) || md5(u.id::text), 'hex'), '{sellers:read}', $3::timestamptz - interval '2 days', $4,
       case when $5::uuid is not null then coalesce(lag(u.id) over (order by u.place), $5) end, case when $6 then $3::timestamptz end
     from unnest($2::uuid[]) with ordinality u (id, place)`,
    [await orgOf(who), ids, realNow, more.sponsor ?? null, more.madeBy ?? null, more.ended === true],
  );
  return ids;
};
const living = async (who: SignedIn) =>
  Number(
    (
      await api.db.admin("select count(*) as n from api_keys where org_id = $1 and name = 'Of many' and revoked_at is null", [
        await orgOf(who),
      ])
    ).rows[0]?.["n"],
  );
const made = async (who: SignedIn) =>
  (await who.send("POST", "/v1/api_keys", { name: "CRM", scopes: handing })).json as {
    readonly id: string;
    readonly secret: string;
  };
const uuid = (id: string): string => uuidOf("apiKey", id) ?? "";

test("a leaked key ends with all that came of it, by however many steps and however many there are", async () => {
  const owner = await ownerOfNew();
  const [leaked, other] = [await made(owner), await made(owner)];
  const ended = await addKeys(owner, 30_000, { madeBy: uuid(leaked.id), ended: true });
  await addKeys(owner, 12_000, { madeBy: ended.at(-1) as string });
  const stays = await addKeys(owner, 1_000, { madeBy: uuid(other.id) });
  const chain = (await chainOf(api, await orgOf(owner))).length;
  const answer = await owner.send("POST", `/v1/api_keys/${leaked.id}/leaked`, {});
  expect([answer.status, answer.json["came"].length, await living(owner)]).toEqual([200, 12_000, stays.length]);
  expect((await chainOf(api, await orgOf(owner))).length).toBe(chain + 12_001);
}, 60_000);

test("nor do token issuers by the ten thousand, set by keys that have ended, keep it open", async () => {
  const owner = await ownerOfNew();
  const leaked = await made(owner);
  const ended = await addKeys(owner, 20_000, { madeBy: uuid(leaked.id), ended: true });
  await api.db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, key_set_by, issuer_set_by, subjects_set_by)
     select $1, gen_random_uuid(), 'Of many', 'https://many.test', 'EdDSA', 'https://many.test/keys', '{sellers:read}', $2, null, null, $3
     from generate_series(1, 10001) g`,
    [await orgOf(owner), realNow, ended.at(-1)],
  );
  const answer = await owner.send("POST", `/v1/api_keys/${leaked.id}/leaked`, {});
  expect([answer.status, answer.json["came"].length]).toEqual([200, 10_001]);
}, 60_000);

test("whoever answers for more than are noted at once is removed, and they end", async () => {
  const owner = await ownerOfNew();
  const admin = await signIn(api, { orgId: await orgOf(owner), role: "admin" });
  await addKeys(owner, 10_001, { sponsor: admin.userId });
  expect(await living(owner)).toBe(10_001);
  expect((await owner.send("DELETE", `/v1/members/${admin.id}`)).status).toBe(200);
  expect(await living(owner)).toBe(0);
}, 60_000);

test("a thousand keys work at one time and no more, twice as many while rotations overlap", async () => {
  const owner = await ownerOfNew();
  const [first, ended] = [await made(owner), await made(owner)];
  await owner.send("DELETE", `/v1/api_keys/${ended.id}`);
  const { rows } = await api.db.admin(
    "select count(*) as n from api_keys where org_id = $1 and revoked_at is null", [await orgOf(owner)],
  );
  await addKeys(owner, 999 - Number(rows[0]?.["n"]));
  // What has ended, either way, is none of them.
  await addKeys(owner, 5, { ended: true });
  const [run] = await addKeys(owner, 1);
  await api.db.admin("update api_keys set expires_at = $2 where id = $1", [run, realNow]);
  const last = await made(owner);
  const key = { name: "CRM", scopes: handing };
  const refused = await owner.send("POST", "/v1/api_keys", key);
  expect(refused.json).toMatchObject({ status: 409, errors: [{ code: "too_many" }], detail: expect.stringContaining("1000 API keys") });
  expect((await owner.send("POST", `/v1/api_keys/${first.id}/rotate`, {})).status).toBe(201);
  await addKeys(owner, 998);
  expect((await owner.send("POST", `/v1/api_keys/${last.id}/rotate`, {})).status).toBe(201);
  const [more] = await addKeys(owner, 1);
  expect((await owner.send("POST", `/v1/api_keys/${publicId("apiKey", more as string)}/rotate`, {})).json).toMatchObject({ status: 409, errors: [{ code: "too_many" }], detail: expect.stringContaining("2000 API keys") });
  expect((await chainOf(api, await orgOf(owner))).slice(-2).map(({ type }) => type)).toEqual(["api_key.rotated", "api_key.created"]);
}, 60_000); // prettier-ignore

test("a thousand token issuers are not revoked, and no more", async () => {
  const owner = await ownerOfNew();
  const wanted = { name: "CRM", issuer: "https://crm.test", alg: "HS256", scopes: ["sellers:read"], secret: signerOf("HS256").secret };
  await api.db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, revoked_at, expires_at)
     select $1, gen_random_uuid(), 'Of many', 'https://many.test', 'EdDSA', 'https://many.test/keys', '{sellers:read}', $2::timestamptz - interval '2 days',
       case when g <= 10 then $2::timestamptz end, case when g between 11 and 20 then $2::timestamptz end from generate_series(1, 1009) g`,
    [await orgOf(owner), realNow],
  );
  expect((await owner.send("POST", "/v1/token_issuers", wanted)).status).toBe(201);
  expect((await owner.send("POST", "/v1/token_issuers", wanted)).json).toMatchObject({ status: 409, errors: [{ code: "too_many" }], detail: expect.stringContaining("1000 token issuers") });
  // One that had run out may hold a secret until it is revoked.
  await api.db.admin("update token_issuers set revoked_at = $2 where id = (select id from token_issuers where org_id = $1 and expires_at is not null limit 1)", [await orgOf(owner), realNow]);
  expect((await owner.send("POST", "/v1/token_issuers", wanted)).status).toBe(201);
}, 60_000); // prettier-ignore

test("how many there are is counted by what works and what is new, however many have ended", async () => {
  const owner = await ownerOfNew();
  const leaked = await made(owner);
  await addKeys(owner, 20_000, { madeBy: uuid(leaked.id), ended: true });
  await api.db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, revoked_at)
     select $1, gen_random_uuid(), 'Of many', 'https://many.test', 'EdDSA', 'https://many.test/keys', '{sellers:read}', $2::timestamptz - interval '2 days', $2
     from generate_series(1, 20000) g`,
    [await orgOf(owner), realNow],
  );
  for (const table of ["api_keys", "token_issuers"]) await api.db.admin(`vacuum analyze ${table}`);
  const dayAgo = addSeconds(realNow, -86_400);
  for (const { text, params } of [keysReach(1_000, dayAgo, realNow), keysReach(1_000, null, realNow), issuersReach(1_000, dayAgo), issuersReach(1_000, null)]) {
    const bound = text.replace("(select app.org())", `'${await orgOf(owner)}'`);
    const { rows } = await api.db.admin(`explain (analyze, buffers, format json) ${bound}`, [...params]);
    const [explained] = (rows[0]?.["QUERY PLAN"] ?? []) as { readonly Plan: Record<string, number> }[];
    expect(explained?.Plan["Shared Hit Blocks"], bound).toBeLessThan(50);
  }
}, 60_000); // prettier-ignore

test("to a key what was made within a day counts too; whoever ended what a leaked one made goes on at once", async () => {
  const owner = await ownerOfNew();
  const [leaked, other] = [await made(owner), await made(owner)];
  await addKeys(owner, 1_000, { madeBy: uuid(leaked.id), ended: true });
  await api.db.admin("update api_keys set created_at = $2 where org_id = $1", [await orgOf(owner), realNow]);
  await api.db.admin(
    `insert into token_issuers (org_id, id, name, issuer, alg, jwks_url, scopes, created_at, revoked_at)
     select $1, gen_random_uuid(), 'Of many', 'https://many.test', 'EdDSA', 'https://many.test/keys', '{sellers:read}', $2, $2 from generate_series(1, 1000) g`,
    [await orgOf(owner), realNow],
  );
  const asks = [
    ["/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] }],
    ["/v1/token_issuers", { name: "CRM", issuer: "https://crm.test", alg: "HS256", scopes: ["sellers:read"], secret: signerOf("HS256").secret }],
  ] as const;
  for (const [path, body] of asks) {
    expect((await api.send("POST", path, { key: other.secret, body })).json).toMatchObject({ status: 409, errors: [{ code: "too_many" }] });
    expect((await owner.send("POST", path, body)).status).toBe(201);
  }
}, 60_000); // prettier-ignore
