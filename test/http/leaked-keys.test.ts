import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Statement, Transport } from "../../src/db/transport.ts";
import { uuidOf } from "../../src/lib/ids.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { githubLeaks } from "../../src/providers/leaks/github.ts";
import { signerOf } from "../support/tokens.ts";
import { parseEnv } from "../../src/env.ts";
import { type Api, type Caller, openApi, orgNow } from "./api.ts";
import { chainOf, forbidEntry, mailsQueued, signIn, type SignedIn, told } from "./signed-in.ts";

const github = generateKeyPairSync("ec", { namedCurve: "P-256" });
const identifier = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d";
const spki = github.publicKey.export({ format: "der", type: "spki" }).toString("base64");

let api: Api;
let org: Caller;
let owner: SignedIn;
let sent: Statement[] = [];
const watched = (inner: Transport): Transport => ({
  batch: (statements) => (sent.push(...statements), inner.batch(statements)),
  transaction: (work) => inner.transaction((run) => work((statement) => (sent.push(statement), run(statement)))),
});
beforeAll(async () => {
  api = await openApi({ leakSigner: githubLeaks(new Map([[identifier, spki]])) }, undefined, watched);
  org = await api.seed();
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterEach(() => {
  sent = [];
});
afterAll(() => api?.close());

const report = (body: unknown, headers: Record<string, string> = {}) =>
  api.send("POST", "/leaked_keys", {
    raw: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
const newKey = async () =>
  (await owner.send("POST", "/v1/api_keys", { name: "CRM", scopes: ["sellers:read"] })).json as { id: string; secret: string };
interface Made {
  readonly id: string;
  readonly secret: string;
}
const handing = ["sellers:read", "api_keys:write", "token_issuers:write"];
const as = (who: SignedIn | Made, method: string, path: string, body?: unknown) =>
  "send" in who
    ? who.send(method, path, body)
    : api.send(method, path, { key: who.secret, ...(body === undefined ? {} : { body }) });
const keyOf = async (maker: SignedIn | Made, scopes: readonly string[]) =>
  (await as(maker, "POST", "/v1/api_keys", { name: "CRM", scopes })).json as Made;
const rotated = async (who: SignedIn | Made, { id }: Made) =>
  (await as(who, "POST", `/v1/api_keys/${id}/rotate`, {})).json as Made;
const works = async (secret: string) => (await api.send("GET", "/v1/sellers", { key: secret })).status === 200;
const received = (count: number) => ({ object: "list", data: Array.from({ length: count }, () => ({ result: "received" })) }); // prettier-ignore

describe("a report of leaked keys", () => {
  test("revokes each key that it shows whole, tells the owners by mail and stands on the org's chain", async () => {
    const key = await newKey();
    const second = await signIn(api, { orgId: org.orgId, role: "owner" });
    expect(await works(key.secret)).toBe(true);
    const url = "https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/ada.txt";
    const answer = await report([{ token: key.secret, type: "dialgate_api_key", url, source: "content" }]);
    expect([answer.status, answer.json]).toEqual([200, received(1)]);
    expect(await works(key.secret)).toBe(false);
    expect((await owner.send("GET", `/v1/api_keys/${key.id}`)).json.status).toBe("revoked");
    const entry = (await chainOf(api, org.orgId)).at(-1);
    expect(entry).toMatchObject({ type: "api_key.leaked", subject: key.id, facts: { reported_by: "unsigned", found_on: "github.com", actor: { type: "visitor" } } });
    expect(JSON.stringify(entry)).not.toContain("octocat");
    for (const { email } of [owner, second]) {
      const letter = (await api.mailbox.read(email)).at(-1);
      expect(letter?.subject).toBe("An API key of “Acme Solar” was leaked and is revoked");
      expect(letter?.text).toContain(`“CRM” (${key.id})`);
    }
    expect(api.woken).toContainEqual({ orgId: "", work: "mail" });
  }); // prettier-ignore

  test("revokes whatever came of the key, by whatever steps, and nothing that a person made or rotated", async () => {
    const leaked = await keyOf(owner, handing);
    const next = await rotated(leaked, leaked);
    const last = await rotated(next, next);
    const child = await keyOf(leaked, handing);
    const grandchild = await keyOf(child, ["sellers:read"]);
    const another = await keyOf(owner, ["sellers:read"]);
    const taken = await rotated(leaked, another);
    const byOwner = await rotated(owner, taken);
    const rescued = await rotated(owner, grandchild);
    const came = [next, last, child, grandchild, taken];
    const stay = [byOwner, rescued, another, await keyOf(owner, ["sellers:read"])];
    for (const { secret } of [leaked, ...came, ...stay]) expect(await works(secret)).toBe(true);
    expect((await report([{ token: leaked.secret }])).status).toBe(200);
    expect(await Promise.all([leaked, ...came].map(({ secret }) => works(secret)))).toEqual([false, false, false, false, false, false]);
    expect(await Promise.all(stay.map(({ secret }) => works(secret)))).toEqual([true, true, true, true]);
    const entries = (await chainOf(api, org.orgId)).slice(-6);
    expect(entries.map(({ type, subject }) => [type, subject])).toEqual([
      ["api_key.leaked", leaked.id],
      ...came.map(({ id }) => id).toSorted().map((id) => ["api_key.revoked", id]),
    ]);
    expect(entries.at(-1)?.facts).toMatchObject({ why: "it came of a key that was leaked", leaked: leaked.id });
    const letter = (await api.mailbox.read(owner.email)).at(-1);
    expect(letter?.subject).toBe("An API key of “Acme Solar” was leaked and is revoked");
    for (const { id } of [leaked, ...came]) expect(letter?.text).toContain(`(${id})`);
    for (const { id } of stay) expect(letter?.text).not.toContain(id);
    expect(letter?.text).toContain("nobody can tell them apart");
  }); // prettier-ignore

  test("comes of a person too, who has no more than the key's id: what came of it ends with it, and is named", async () => {
    const suspect = await keyOf(owner, handing);
    const child = await keyOf(suspect, ["sellers:read"]);
    const stays = await keyOf(owner, ["sellers:read"]);
    // What has run out is ended already, and stays so.
    const over = await keyOf(suspect, ["sellers:read"]);
    await api.db.admin("update api_keys set expires_at = $2 where id = $1", [uuidOf("apiKey", over.id), orgNow]);
    const issuer = await as(suspect, "POST", "/v1/token_issuers", { name: "CRM", issuer: "https://crm.test", alg: "HS256", scopes: ["sellers:read"], secret: signerOf("HS256").secret });
    const path = `/v1/api_keys/${suspect.id}/leaked`;
    // Revoking alone leaves them; what was found out later is mended then.
    expect((await owner.send("DELETE", `/v1/api_keys/${suspect.id}`)).status).toBe(200);
    expect(await Promise.all([suspect, child].map(({ secret }) => works(secret)))).toEqual([false, true]);
    expect((await api.send("POST", path, { key: (await keyOf(owner, handing)).secret, body: {} })).json).toMatchObject({ status: 403, type: expect.stringContaining("people-only") });
    const done = await owner.send("POST", path, {});
    expect(done.json).toMatchObject({ id: suspect.id, status: "revoked", came: [child.id, issuer.json.id].map((id) => ({ id, name: "CRM" })) });
    expect(await Promise.all([child, stays].map(({ secret }) => works(secret)))).toEqual([false, true]);
    expect((await owner.send("GET", `/v1/token_issuers/${issuer.json.id}`)).json).toMatchObject({ status: "revoked" });
    expect((await owner.send("GET", `/v1/api_keys/${over.id}`)).json).toMatchObject({ status: "expired" });
    const entries = (await chainOf(api, org.orgId)).filter(({ facts }) => facts["leaked"] === suspect.id || facts["reported_by"] === "member");
    expect(entries.map(({ type }) => type).toSorted()).toEqual(["api_key.leaked", "api_key.revoked", "token_issuer.revoked"]);
    expect((await api.mailbox.read(owner.email)).at(-1)?.text).toContain(`(${child.id})`);
    const before = (await chainOf(api, org.orgId)).length;
    expect((await owner.send("POST", path, {})).json).toMatchObject({ status: "revoked", came: [] });
    expect((await chainOf(api, org.orgId)).length).toBe(before);
    const [stranger, outsider] = [await signIn(api, { orgId: (await api.seed()).orgId, role: "owner" }), await signIn(api, { orgId: org.orgId, role: "member" })];
    expect([(await stranger.send("POST", path, {})).status, (await outsider.send("POST", path, {})).status]).toEqual([404, 403]);
  }); // prettier-ignore

  test("ends the token issuers whose key, name or subjects it was the last to set, with their secrets", async () => {
    const leaked = await keyOf(owner, handing);
    const issuerOf = async (maker: SignedIn | Made, body: object = {}) =>
      (await as(maker, "POST", "/v1/token_issuers", { name: "CRM", issuer: "https://crm.test", alg: "HS256", scopes: ["sellers:read"], secret: signerOf("HS256").secret, ...body })).json as { id: string }; // prettier-ignore
    const set = async (who: SignedIn | Made, { id }: { id: string }, body: object) =>
      expect((await as(who, "PATCH", `/v1/token_issuers/${id}`, body)).status).toBe(200);
    const made = await issuerOf(leaked);
    const madeByChild = await issuerOf(await keyOf(leaked, handing));
    const ended: { id: string }[] = [made, madeByChild];
    const staying: { id: string }[] = [];
    for (const change of [() => ({ secret: signerOf("HS256").secret }), () => ({ subjects: ["x"] }), () => ({ issuer: "https://other.test" })]) {
      const [back, kept] = [await issuerOf(owner), await issuerOf(owner)];
      await set(leaked, back, change());
      await set(owner, back, { name: "of the owner, as is the rest" });
      ended.push(back);
      await set(leaked, kept, change());
      await set(owner, kept, change());
      staying.push(kept);
    }
    const keyIsTheirs = await issuerOf(leaked);
    await set(owner, keyIsTheirs, { issuer: "https://mine.test", subjects: ["x"] });
    ended.push(keyIsTheirs);
    // Registered by the key, and since then set by its owner in all but one, or in all.
    const anew = { secret: () => signerOf("HS256").secret, subjects: () => ["x"], issuer: () => "https://mine.test" };
    for (const left of [...Object.keys(anew), null]) {
      const one = await issuerOf(leaked);
      await set(owner, one, Object.fromEntries(Object.entries(anew).flatMap(([field, value]) => (field === left ? [] : [[field, value()]]))));
      (left === null ? staying : ended).push(one);
    }
    const onlyNamed = await issuerOf(owner);
    await set(leaked, onlyNamed, { name: "Other" });
    staying.push(onlyNamed);
    expect((await report([{ token: leaked.secret }])).status).toBe(200);
    const state = async ({ id }: { id: string }) => (await owner.send("GET", `/v1/token_issuers/${id}`)).json.status;
    expect(await Promise.all(ended.map(state))).toEqual(ended.map(() => "revoked"));
    expect(await Promise.all(staying.map(state))).toEqual(staying.map(() => "active"));
    const { rows } = await api.db.admin("select count(*)::int as n from token_issuers where org_id = $1 and revoked_at is not null and sealed is not null", [org.orgId]);
    expect(rows).toEqual([{ n: 0 }]);
    const entries = await chainOf(api, org.orgId);
    const letter = (await api.mailbox.read(owner.email)).at(-1)?.text ?? "";
    for (const { id } of ended) {
      expect(entries.filter(({ type, subject }) => type === "token_issuer.revoked" && subject === id)).toHaveLength(1);
      expect(letter).toMatch(new RegExp(`the token issuer “(CRM|of the owner, as is the rest)” \\(${id}\\)`));
    }
  }); // prettier-ignore

  test("is not escaped by revoking or running out the key by what it made", async () => {
    const leaked = await keyOf(owner, handing);
    const child = await keyOf(leaked, handing);
    expect((await as(child, "DELETE", `/v1/api_keys/${leaked.id}`)).status).toBe(200);
    expect((await report([{ token: leaked.secret }])).status).toBe(200);
    expect(await works(child.secret)).toBe(false);
    const over = await keyOf(owner, handing);
    const next = (await as(over, "POST", `/v1/api_keys/${over.id}/rotate`, { overlap_seconds: 0 })).json as Made;
    expect([await works(over.secret), await works(next.secret)]).toEqual([false, true]);
    expect((await report([{ token: over.secret }])).status).toBe(200);
    expect(await works(next.secret)).toBe(false);
    const length = (await chainOf(api, org.orgId)).length;
    for (const { secret } of [leaked, over]) await report([{ token: secret }]);
    expect((await chainOf(api, org.orgId)).length).toBe(length);
  });

  test("says the same of a key that is there, one that is not, and one that was revoked before", async () => {
    const [known, revoked] = [await newKey(), await newKey()];
    await owner.send("DELETE", `/v1/api_keys/${revoked.id}`);
    const unknown = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(3)).clear;
    const mails = await mailsQueued(api);
    const chain = (await chainOf(api, org.orgId)).length;
    const answers = [];
    for (const token of [unknown, revoked.secret, known.secret, known.secret]) answers.push(told(await report([{ token }])));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await works(known.secret)).toBe(false);
    // Once, and not again for who was told already.
    expect((await chainOf(api, org.orgId)).length).toBe(chain + 1);
    expect(await mailsQueued(api)).toBe(mails + 2);
  });

  test("asks no database for what was never a key, and one question for a hundred that could be", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const near = [`${key.secret.slice(0, -1)}${key.secret.endsWith("0") ? "1" : "0"}`, key.secret.slice(0, -1), `${key.secret} `, key.secret.toUpperCase(), "", "x", "dg_test_", owner.session.headers["cookie"]?.split("=")[1] ?? ""];
    sent = [];
    const nonsense = await report(near.map((token) => ({ token })));
    expect(nonsense.json.data).toEqual(near.map(() => ({ result: "not_a_key" })));
    expect(sent).toEqual([]);
    expect(await works(key.secret)).toBe(true);
    const many = Array.from({ length: 98 }, (_, at) => ({ token: mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(at)).clear }));
    sent = [];
    const mixed = await report([{ token: "nonsense" }, ...many.slice(1), { token: key.secret }, { token: other.secret }]);
    expect(mixed.json.data).toEqual([{ result: "not_a_key" }, ...many.slice(1).map(() => ({ result: "received" })), { result: "received" }, { result: "received" }]);
    expect(sent.filter(({ name }) => name === "door.api_key")).toHaveLength(1);
    expect(sent.filter(({ name }) => name === "app.bind_leaked_key")).toHaveLength(2);
    expect([await works(key.secret), await works(other.secret)]).toEqual([false, false]);
  }); // prettier-ignore

  test("needs the whole key: its id, or another secret behind the same id, revokes nothing", async () => {
    const key = await newKey();
    const { rows } = await api.db.admin("select id from api_keys where name = 'CRM' order by id desc limit 1");
    const forged = mintApiKey(String(rows[0]?.["id"]), false, new Uint8Array(32).fill(9)).clear;
    expect(forged.slice(0, 30)).toBe(key.secret.slice(0, 30));
    expect((await report([{ token: forged }])).json).toEqual(received(1));
    expect(await works(key.secret)).toBe(true);
    // Nor does it hide the true one that stands behind it.
    expect((await report([{ token: forged }, { token: key.secret }])).json).toEqual(received(2));
    expect(await works(key.secret)).toBe(false);
  });

  test("of GitHub is known by its signature, and without a valid one still revokes", async () => {
    const cases = [
      ["github", (raw: Buffer) => sign("sha256", raw, github.privateKey), identifier],
      ["unsigned", () => sign("sha256", Buffer.from("[]"), github.privateKey), identifier],
      ["unsigned", (raw: Buffer) => sign("sha256", raw, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey), identifier],
      ["unsigned", (raw: Buffer) => sign("sha256", raw, github.privateKey), "unknown"],
      ["unsigned", () => Buffer.from("3006020101020101", "hex"), identifier],
      ["unsigned", () => Buffer.from("30820000", "hex"), identifier],
      ["unsigned", () => Buffer.alloc(0), identifier],
      ["unsigned", (raw: Buffer) => sign("sha256", raw, { key: github.privateKey, dsaEncoding: "ieee-p1363" }), identifier],
    ] as const;
    for (const [by, sealed, name] of cases) {
      const key = await newKey();
      const raw = JSON.stringify([{ token: key.secret, type: "dialgate_api_key", url: "not a url" }]);
      const signature = sealed(Buffer.from(raw)).toString("base64");
      const answer = await report(raw, { "github-public-key-identifier": name, "github-public-key-signature": signature });
      expect(answer.status).toBe(200);
      expect(await works(key.secret)).toBe(false);
      expect((await chainOf(api, org.orgId)).at(-1)?.facts).toMatchObject({ reported_by: by, found_on: null });
    }
    // Signatures differ in length: each integer of them may begin with a zero, or lack one.
    const signer = githubLeaks(new Map([[identifier, spki]]));
    const lengths = new Set<number>();
    for (let count = 0; count < 300; count += 1) {
      const raw = new Uint8Array(Buffer.from(`[${count}]`));
      const signature = sign("sha256", raw, github.privateKey);
      lengths.add(signature.length);
      const headers = new Headers({ "github-public-key-identifier": identifier, "github-public-key-signature": signature.toString("base64") });
      expect(await signer(raw, headers)).toBe("github");
    }
    expect(lengths.size).toBeGreaterThan(2);
  }); // prettier-ignore

  test("that cannot be done in one organisation is done in the others, and says that it was not done", async () => {
    const other = await api.seed();
    const stranger = await signIn(api, { orgId: other.orgId, role: "owner" });
    const [theirs, own, second] = [await keyOf(stranger, handing), await newKey(), await newKey()];
    await api.db.admin(`alter table audit.entry add constraint forbidden check (org_id <> '${other.orgId}') not valid`);
    expect((await report([{ token: own.secret }, { token: theirs.secret }, { token: second.secret }])).status).toBe(500);
    await api.db.admin("alter table audit.entry drop constraint forbidden");
    expect(await Promise.all([own, second].map(({ secret }) => works(secret)))).toEqual([false, false]);
    expect((await report([{ token: theirs.secret }])).status).toBe(200);
    expect(await works(theirs.secret)).toBe(false);
    api.faults.length = 0;
  });

  test("commits with its mail and its entry, or the key still works", async () => {
    const key = await newKey();
    const mails = await mailsQueued(api);
    const allow = await forbidEntry(api, "api_key.leaked");
    expect((await report([{ token: key.secret }])).status).toBe(500);
    await allow();
    expect([await works(key.secret), await mailsQueued(api)]).toEqual([true, mails]);
    expect((await report([{ token: key.secret }])).status).toBe(200);
    expect(await works(key.secret)).toBe(false);
    api.faults.length = 0;
  });

  test("of a form that is none is refused with the field named, and nothing breaks", async () => {
    for (const [body, pointer] of [
      [[], ""], [{}, ""], ["null", ""], [[{}], "/0/token"], [[{ token: 7 }], "/0/token"], [[null], "/0"],
      [Array.from({ length: 101 }, () => ({ token: "x" })), ""], [[{ token: "x".repeat(200_001) }], "/0/token"], [[{ token: "x", url: 7 }], "/0/url"],
    ] as const) {
      const answer = await report(body);
      expect([answer.status, answer.json.code], JSON.stringify(body).slice(0, 80)).toEqual([422, "invalid_request"]);
      expect(answer.json.errors[0].pointer.replace(/^\$$/, "")).toBe(pointer);
    }
    expect((await report("{")).json.code).toBe("malformed_json");
    expect((await report([{ token: "x" }], { "content-type": "text/plain" })).status).toBe(415);
    for (const url of ["javascript:alert(1)", "https://user:pass@host.example/x", "http://[::1]/", "\u202e", "https://ünïcode.example/", `https://host.example/${"%20".repeat(60_000)}`])
      expect((await report([{ token: "x", url }])).status).toBe(200);
    expect(api.faults).toEqual([]);
  }); // prettier-ignore

  test("finds keys of an org whose clock stands elsewhere, and of one without owners", async () => {
    const bare = await api.seed({ name: "Bare", now: orgNow });
    const mails = await mailsQueued(api);
    expect((await report([{ token: bare.apiKey }])).status).toBe(200);
    expect((await bare.get("/v1/sellers")).status).toBe(401);
    expect(await mailsQueued(api)).toBe(mails);
  });
});

test("the keys of GitHub are read from the environment as they are published", () => {
  const read = (text: string) => parseEnv({ ENVIRONMENT: "development", GITHUB_LEAK_KEYS: text }).GITHUB_LEAK_KEYS;
  const pem = createPublicKey(createPrivateKey(github.privateKey.export({ format: "pem", type: "pkcs8" }))).export({ format: "pem", type: "spki" });
  const published = String(pem).split("\n").slice(1, -2).join("");
  expect(published).toBe(spki);
  for (const wrong of ["x", `${identifier}:${spki}:x`, `:${spki}`, `${identifier}: `]) expect(() => read(wrong)).toThrow(/GITHUB_LEAK_KEYS: /);
  expect(() => read(`${identifier}:${published}`)).not.toThrow(/GITHUB_LEAK_KEYS/);
}); // prettier-ignore
