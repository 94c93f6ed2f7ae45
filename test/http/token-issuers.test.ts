/** Token issuers as their owner registers, changes and revokes them, and what each change does to the next request. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { type Json, mintToken, type Signer, signerOf, type TestIssuer } from "../support/tokens.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { tryToken } from "./hostile-tokens.ts";
import { openTokenGround, registered, scopesOfTests, type TokenGround } from "./token-ground.ts";
import { type Caller, realNow } from "./api.ts";

let ground: TokenGround;
let org: Caller;
beforeAll(async () => {
  ground = await openTokenGround();
  ({ org } = ground);
}, 60_000);
afterAll(() => ground.close());

const token = (issuer: TestIssuer, over: Parameters<typeof mintToken>[2] = {}) => mintToken(issuer, ground.now, over);
const status = async (issuer: TestIssuer, over: Parameters<typeof mintToken>[2] = {}) =>
  (await tryToken(ground, token(issuer, over))).status;
const as = (issuer: TestIssuer, over: Parameters<typeof mintToken>[2] = {}) => ({
  authorization: `Bearer ${token(issuer, over)}`,
});
const body = (signer: Signer, more: Json = {}): Json => ({
  name: "CRM", issuer: "https://crm.acme-solar.com", alg: signer.alg, scopes: scopesOfTests,
  ...(signer.secret === null ? { public_key: signer.jwk } : { secret: signer.secret }), ...more,
}); // prettier-ignore
const row = async (id: string) =>
  (await ground.api.db.admin("select to_jsonb(i) as row from token_issuers i where id = $1", [uuidOf("tokenIssuer", id)])).rows[0]?.["row"] as Json; // prettier-ignore
/** Audit entries about it, oldest first. */
const entries = async (id: string) => {
  const all: { type: string; subject: string; facts: string }[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { json }: { json: { data: typeof all; next_cursor: string | null } } = await org.get(`/v1/audit?limit=100${cursor && `&cursor=${cursor}`}`); // prettier-ignore
    all.push(...json.data);
    cursor = json.next_cursor;
  }
  return all.filter(({ subject }) => subject === id).map(({ type, facts }) => ({ type, facts: JSON.parse(facts) as Json }));
};

describe("an issuer", () => {
  test("is registered with one algorithm and one key, and told with the audience that its tokens carry", async () => {
    const signer = signerOf("ES256");
    const made = await org.post("/v1/token_issuers", body(signer, { public_key: { ...signer.jwk, kid: "k1", use: "sig" } }));
    expect(made.status, made.text).toBe(201);
    expect(made.json).toEqual({
      id: expect.stringMatching(/^iss_/),
      object: "token_issuer",
      name: "CRM",
      issuer: "https://crm.acme-solar.com",
      audience: `https://api.dialgate.test/${made.json.id}`,
      alg: "ES256",
      key_from: "public_key",
      public_key: { ...signer.jwk, kid: "k1" },
      jwks_url: null,
      key_set: null,
      subjects: null,
      scopes: scopesOfTests,
      status: "active",
      version: 1,
      not_before: null,
      created_at: realNow,
      expires_at: null,
      revoked_at: null,
      sponsor_id: null,
      effective_scopes: scopesOfTests,
      limited_by_sponsor: false,
      last_used_at: null,
    });
    expect((await org.get(`/v1/token_issuers/${made.json.id}`)).json).toEqual(made.json);
    expect((await org.get("/v1/token_issuers")).json.data[0]).toEqual(made.json);
    const [entry] = await entries(made.json.id);
    expect(entry).toMatchObject({
      type: "token_issuer.created",
      facts: { alg: "ES256", key_from: "public_key", scopes: scopesOfTests, actor: { type: "api_key" } },
    });
  });

  test("keeps a secret sealed: it is in no answer, no audit entry and no column, and opens for verifying alone", async () => {
    const signer = signerOf("HS256");
    const made = await org.post("/v1/token_issuers", body(signer), { "idempotency-key": "hs-1" });
    expect(made.json).toMatchObject({ key_from: "secret", public_key: null, jwks_url: null });
    expect((await org.post("/v1/token_issuers", body(signer), { "idempotency-key": "hs-1" })).json).toEqual(made.json);
    const kept = await row(made.json.id);
    expect(Object.keys((kept["sealed"] as { wrapped: Json }).wrapped)).toEqual(["verify"]);
    const issuer: TestIssuer = { ...ground.issuers.HS256, id: made.json.id, audience: made.json.audience, signer };
    expect(await status(issuer)).toBe(200);
    const secret = signer.secret ?? "";
    const everywhere = await ground.api.db.admin(
      "select (select jsonb_agg(to_jsonb(i)) from token_issuers i)::text || (select jsonb_agg(to_jsonb(k)) from idempotency_keys k)::text || (select jsonb_agg(to_jsonb(p)) from audit.payload p)::text as text",
    );
    const said = String(everywhere.rows[0]?.["text"]) + JSON.stringify((await org.get(`/v1/token_issuers/${made.json.id}`)).json);
    expect(said).toContain(uuidOf("tokenIssuer", made.json.id));
    expect(said).not.toContain(secret);
    expect(said).not.toContain(Buffer.from(secret, "base64url").toString("hex"));
    await org.delete(`/v1/token_issuers/${made.json.id}`);
    expect((await row(made.json.id))["sealed"]).toBeNull();
  });

  const ed = signerOf("EdDSA");
  const rs = signerOf("RS256");
  test.each<[string, Json, string, string]>([
    ["no key", body(ed, { public_key: undefined }), "", "key_wanted"],
    ["two keys", body(ed, { secret: "a".repeat(43) }), "", "one_key_wanted"],
    ["a key of another algorithm", body(ed, { alg: "RS256" }), "/public_key", "key_of_another_type"],
    ["a public key as a secret's", body(rs, { alg: "HS256" }), "/public_key", "key_of_another_type"],
    ["a secret as a key's", body(ed, { public_key: undefined, secret: signerOf("HS256").secret }), "/secret", "key_of_another_type"],
    ["a secret of 31 bytes", body(signerOf("HS256"), { secret: Buffer.alloc(31, 7).toString("base64url") }), "/secret", "key_too_small"],
    ["a secret of equal bytes", body(signerOf("HS256"), { secret: Buffer.alloc(32, 0x41).toString("base64url") }), "/secret", "key_weak"],
    ["a key that anyone can sign for", body(ed, { public_key: { kty: "OKP", crv: "Ed25519", x: `AQ${"A".repeat(41)}` } }), "/public_key", "key_weak"],
    ["a private key", body(ed, { public_key: ed.privateKey?.export({ format: "jwk" }) }), "/public_key", "key_private"],
    ["a point that is on no curve", body(signerOf("ES256"), { public_key: { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) } }), "/public_key", "key_malformed"],
    ["a key set for a secret", body(ed, { alg: "HS256", public_key: undefined, jwks_url: "https://idp.acme-solar.com/jwks.json", subjects: null }), "/jwks_url", "key_of_another_type"],
    ["a key set without a word on subjects", body(rs, { public_key: undefined, jwks_url: "https://idp.acme-solar.com/jwks.json" }), "/subjects", "required"],
    ["no subject at all", body(ed, { subjects: [] }), "/subjects", "too_small"],
    ["an algorithm that is none", body(ed, { alg: "none" }), "/alg", "unknown_value"],
    ["an algorithm of a family", body(ed, { alg: "PS256" }), "/alg", "unknown_value"],
    ["a scope that makes keys", body(ed, { scopes: ["api_keys:write"] }), "/scopes/0", "unknown_value"],
    ["a scope that makes issuers", body(ed, { scopes: ["token_issuers:write"] }), "/scopes/0", "unknown_value"],
    ["an end that has passed", body(ed, { expires_at: "2026-11-20T08:59:59Z" }), "/expires_at", "expires_in_past"],
    ["an issuer with a line break", body(ed, { issuer: "https://a\nb" }), "/issuer", "invalid"],
  ])("%s is refused by name", async (_, wanted, pointer, code) => {
    const before = (await ground.api.db.admin("select count(*) from token_issuers")).rows;
    const refused = await org.post("/v1/token_issuers", wanted);
    expect(refused.json, refused.text).toMatchObject({ status: 422, errors: [{ pointer, code }] });
    expect(refused.text).not.toContain(String(ed.privateKey?.export({ format: "jwk" })["d"]));
    expect((await ground.api.db.admin("select count(*) from token_issuers")).rows).toEqual(before);
  }); // prettier-ignore

  test.each([
    ["a public key for HS256", body(rs, { alg: "HS256" }), /no public key or key set\.$/],
    ["a key set for HS256", body(ed, { alg: "HS256", public_key: undefined, jwks_url: "https://idp.acme-solar.com/jwks.json", subjects: null }), /no public key or key set\.$/],
    ["a secret for EdDSA", body(ed, { public_key: undefined, secret: signerOf("HS256").secret }), /Ed25519, or a key set\.$/],
    ["another key for RS256", body(ed, { alg: "RS256" }), /RSA key, or a key set\. What a key says of itself/],
  ])("%s is refused in words that apply to it", async (_, wanted, words) => {
    const refused = await org.post("/v1/token_issuers", wanted);
    expect(refused.json.errors[0]).toMatchObject({ code: "key_of_another_type", detail: expect.stringMatching(words) });
  }); // prettier-ignore

  test("made by a key that ends, ends with it or sooner; a later end is refused, and its subjects are kept once", async () => {
    const [sooner, ends, later] = ["2026-11-20T10:59:59Z", "2026-11-20T11:00:00Z", "2026-11-20T11:00:01Z"];
    const scopes = [...scopesOfTests, "token_issuers:write"];
    const { secret } = (await org.post("/v1/api_keys", { name: "brief", scopes, expires_at: ends })).json;
    const as = { authorization: `Bearer ${secret}` };
    const issuers = async () => (await ground.api.db.admin("select count(*) from token_issuers")).rows;
    const made = [];
    for (const more of [{}, { expires_at: null }, { expires_at: ends }, { expires_at: sooner }])
      made.push((await org.post("/v1/token_issuers", body(ed, more), as)).json);
    expect(made.map(({ expires_at }) => expires_at)).toEqual([ends, ends, ends, sooner]);
    // Their entries tell the end that they got, not the one that was asked for.
    for (const { id, expires_at } of made) {
      const [entry] = (await org.get(`/v1/audit?subject=${id}`)).json.data;
      expect(JSON.parse(entry.facts)).toMatchObject({ expires_at });
    }
    const before = await issuers();
    expect((await org.post("/v1/token_issuers", body(ed, { expires_at: later }), as)).json.errors).toMatchObject([
      { pointer: "/expires_at", code: "expires_too_late", detail: expect.stringContaining(ends) },
    ]);
    expect(await issuers()).toEqual(before);
    const named = (await org.post("/v1/token_issuers", body(ed, { subjects: ["b", "a", "b"] }))).json;
    expect(named.subjects).toEqual(["b", "a"]);
    const renamed = await org.patch(`/v1/token_issuers/${named.id}`, { subjects: ["c", "c"] });
    expect(renamed.json.subjects).toEqual(["c"]);
  });

  test.each<[string, Json, readonly (readonly [pointer: string, detail: RegExp])[]]>([
    ["an empty key", body(signerOf("ES256"), { public_key: { kty: "EC" } }), [["/public_key/crv", /^Required: P-256\.$/], ["/public_key/x", /32 bytes/], ["/public_key/y", /32 bytes/]]],
    ["no member at all", body(ed, { public_key: {} }), [["/public_key/kty", /^Required: OKP\.$/], ["/public_key/crv", /Ed25519/], ["/public_key/x", /32 bytes/]]],
    ["half an RSA key", body(rs, { public_key: { kty: "RSA", n: rs.jwk?.["n"] } }), [["/public_key/e", /AQAB/]]],
    ["an RSA key for a curve", body(signerOf("ES256"), { public_key: { kty: "RSA" } }), [["/public_key", /^ES256 takes a public key of P-256, /]]],
    ["a private key that lacks the rest", body(signerOf("ES256"), { public_key: { kty: "EC", d: "AAAA" } }), [["/public_key", /private key/]]],
    ["a short secret", body(signerOf("HS256"), { secret: "c2hvcnQ" }), [["/secret", /^A secret is 32 to 128 bytes in base64url, without padding\.$/]]],
    ["a secret that is no base64url", body(signerOf("HS256"), { secret: "a secret that was thought up by someone" }), [["/secret", /^A secret is 32 to 128 bytes/]]],
    ["a short RSA key", body(rs, { public_key: generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }) }), [["/public_key", /^An RSA key has 2,048 to 4,096 bits\.$/]]],
    ["a secret for RSA", body(rs, { public_key: undefined, secret: signerOf("HS256").secret }), [["/secret", /^RS256 takes a public RSA key, or a key set\./]]],
  ])("%s is told what is lacking, for the algorithm at hand", async (_, wanted, faults) => {
    const { errors } = (await org.post("/v1/token_issuers", wanted)).json as { errors: { pointer: string; detail: string }[] };
    expect(errors.map(({ pointer }) => pointer)).toEqual(faults.map(([pointer]) => pointer));
    for (const [at, [, detail]] of faults.entries()) expect(errors[at]?.detail).toMatch(detail);
  }); // prettier-ignore

  test("a key that replaces another is told the same, for the issuer's own algorithm", async () => {
    const { id } = await registered(org, signerOf("ES256"));
    const patched = await org.patch(`/v1/token_issuers/${id}`, { public_key: { kty: "EC", crv: "P-256" } });
    expect(patched.json.errors.map((one: { pointer: string }) => one.pointer)).toEqual(["/public_key/x", "/public_key/y"]);
  });

  test("gets no scope that its maker lacks, and no longer life", async () => {
    const ends = addSeconds(realNow, 600);
    const small = (await org.post("/v1/api_keys", { name: "x", scopes: ["sellers:read", "token_issuers:write", "token_issuers:read"], expires_at: ends })).json; // prettier-ignore
    const key = { authorization: `Bearer ${small.secret}` };
    const refused = await org.post("/v1/token_issuers", body(ed, { scopes: ["sellers:write"] }), key);
    expect(refused.json.errors[0]).toMatchObject({ pointer: "/scopes", code: "scope_not_held" });
    const made = await org.post("/v1/token_issuers", body(ed, { scopes: ["sellers:read"] }), key);
    expect(made.json).toMatchObject({ scopes: ["sellers:read"], expires_at: ends });
    // Nor by giving another's issuer a key of its own.
    const { id } = await registered(org, ed);
    const patch = (change: Json) => ground.api.send("PATCH", `/v1/token_issuers/${id}`, { key: small.secret, body: change });
    for (const change of [
      { public_key: signerOf("EdDSA").jwk },
      { subjects: ["me"] },
      { issuer: "https://mine.example" },
      { scopes: [...scopesOfTests, "audit:read"] },
    ]) {
      // By the field that was sent, and with the scopes that are lacking.
      const { errors } = (await patch(change)).json;
      const told = {
        pointer: `/${Object.keys(change)[0]}`,
        code: "scope_not_held",
        detail: expect.stringContaining("sellers:write"),
      };
      expect(errors, JSON.stringify(change)).toMatchObject(
        change.scopes === undefined ? [told] : [{ ...told, detail: expect.stringContaining("audit:read") }],
      );
    }
    expect((await patch({ name: "y", subjects: null, issuer: "https://mine.example" })).json.errors.map((one: Json) => one["pointer"])).toEqual(["/issuer", "/subjects"]); // prettier-ignore
    expect((await patch({ scopes: ["sellers:read"] })).json).toMatchObject({
      scopes: ["sellers:read"],
      version: 1,
      expires_at: null,
    });
    expect((await patch({ public_key: signerOf("EdDSA").jwk })).json).toMatchObject({ version: 2, expires_at: ends });
  });
});

test("an issuer's key that is replaced by whoever lives longer lives no longer for it", async () => {
  const expires_at = addSeconds(realNow, 600);
  const made = (await org.post("/v1/token_issuers", body(signerOf("EdDSA"), { expires_at }))).json;
  const scopes = [...scopesOfTests, "token_issuers:write"];
  const { secret } = (await org.post("/v1/api_keys", { name: "longer", scopes, expires_at: addSeconds(realNow, 900) })).json;
  for (const [at, key] of [undefined, secret as string].entries()) {
    const change = { public_key: signerOf("EdDSA").jwk };
    const send = { body: change, key: key ?? org.apiKey };
    const patched = await ground.api.send("PATCH", `/v1/token_issuers/${made.id}`, send);
    expect(patched.json).toMatchObject({ version: at + 2, expires_at });
  }
});

describe("the instant before which an issuer's tokens are refused", () => {
  test("is moved forward by whoever may change it, and back or away by one alone who holds what it may", async () => {
    const { id } = await registered(org, signerOf("EdDSA"));
    const ends = addSeconds(realNow, 600);
    const key = async (scopes: readonly string[]) =>
      (await org.post("/v1/api_keys", { name: "x", scopes: [...scopes, "token_issuers:write"], expires_at: ends })).json.secret;
    const [weak, strong] = [await key(["sellers:read"]), await key(scopesOfTests)];
    const since = (notBefore: string | null, by: string) =>
      ground.api.send("PATCH", `/v1/token_issuers/${id}`, { key: by, body: { not_before: notBefore } });
    for (const later of [realNow, addSeconds(realNow, 60), addSeconds(realNow, 60)])
      expect((await since(later, weak)).json).toMatchObject({ not_before: later, version: 1, expires_at: null });
    for (const earlier of [addSeconds(realNow, 59), null])
      expect((await since(earlier, weak)).json.errors, String(earlier)).toMatchObject([{ pointer: "/not_before", code: "scope_not_held" }]);
    // Nor together with fewer scopes than it has, as far as they are not held.
    const fewer = { not_before: null, scopes: ["leads:read"] };
    const both = await ground.api.send("PATCH", `/v1/token_issuers/${id}`, { key: weak, body: fewer });
    expect(both.json.errors[0].code).toBe("scope_not_held");
    // And who does it answers for it, for no longer than they last.
    expect((await since(null, strong)).json).toMatchObject({ not_before: null, version: 1, expires_at: ends });
    const [owner, other] = [await makePerson(ground.api.db), await makePerson(ground.api.db)];
    const patched = async (userId: string, change: Json) => {
      await makeMember(ground.api.db, org.orgId, userId, "owner");
      const session = await makeSession(ground.api.db, ground.api.deps.hashApiKey, userId, realNow, { factor: true, org: org.orgId });
      return ground.api.send("PATCH", `/v1/token_issuers/${id}`, { headers: { ...session.headers }, body: change });
    };
    expect((await patched(owner.userId, { not_before: realNow })).json.sponsor_id).toBeNull();
    expect((await patched(other.userId, { not_before: null })).json.sponsor_id).toBe(publicId("user", other.userId));
  }); // prettier-ignore
});

describe("a token", () => {
  test("may do what its issuer may and it asks for, and no more", async () => {
    const issuer = await registered(org, signerOf("EdDSA"), { scopes: ["sellers:read", "sellers:write"] });
    const codeOf = async (path: string, scope?: string) => {
      const answer = await org.get(path, as(issuer, scope === undefined ? {} : { claims: { scope } }));
      return answer.json.code ?? answer.status;
    };
    expect(await codeOf("/v1/sellers")).toBe(200);
    expect(await codeOf("/v1/leads")).toBe("scope_missing");
    expect(await codeOf("/v1/sellers", "sellers:read")).toBe(200);
    expect(await codeOf("/v1/sellers", "openid  sellers:read profile")).toBe(200);
    expect(await codeOf("/v1/sellers", "sellers:write")).toBe("scope_missing");
    expect(await codeOf("/v1/sellers", "")).toBe("scope_missing");
    // What it asks for beyond its issuer it does not get.
    expect(await codeOf("/v1/leads", "leads:read sellers:read")).toBe("scope_missing");
    expect(await codeOf("/v1/sellers", "SELLERS:READ")).toBe("scope_missing");
    const me = await org.get("/v1/me", as(issuer, { claims: { scope: "sellers:read leads:read" } }));
    expect(me.json).toMatchObject({ credential: "token", organisations: [{ scopes: ["sellers:read"] }] });
    const made = await org.post("/v1/sellers", { registered_name: "B" }, as(issuer, { claims: { scope: "sellers:read" } }));
    expect(made.status).toBe(403);
  });

  test("stands in the audit log by its issuer, with whom it is for where the issuer's record says it, and else with a keyed hash", async () => {
    const listed = ["lead-sync", "repo:acme/crm:ref:refs/heads/main"];
    const [open, other] = [await registered(org, signerOf("EdDSA")), await registered(org, signerOf("EdDSA"))];
    const issuer = await registered(org, signerOf("EdDSA"), { subjects: listed });
    const actorOf = async (from: TestIssuer, sub: string) => {
      const made = await org.post("/v1/sellers", { registered_name: "By token" }, as(from, { claims: { sub } }));
      expect(made.status, made.text).toBe(201);
      return (await entries(made.json.id))[0]?.facts["actor"] as { subject: string };
    };
    for (const sub of listed) expect(await actorOf(issuer, sub)).toEqual({ type: "token", id: issuer.id, subject: sub });
    const people = ["tel:415-555-2671", "john.smith", "ssn:078-05-1120", "dana@acme-solar.com", "Dana Reyes", "+13035550142", "Дана", ...listed]; // prettier-ignore
    const hashes = new Set<string>();
    for (const sub of people) {
      const actor = await actorOf(open, sub);
      expect(actor, sub).toEqual({ type: "token", id: open.id, subject: expect.stringMatching(/^hmac:[0-9a-f]{16}$/) });
      expect(await actorOf(open, sub)).toEqual(actor);
      expect((await actorOf(other, sub)).subject).not.toBe(actor.subject);
      hashes.add(actor.subject);
      // By a secret: what anybody can compute of it is not in there.
      const issuerId = uuidOf("tokenIssuer", open.id);
      const digests = [sub, `${issuerId}\n${sub}`, `token subject\n${issuerId}\n${sub}`].map((text) =>
        createHash("sha256").update(text).digest("hex"),
      );
      for (const digest of digests) expect(digest).not.toContain(actor.subject.slice(5));
    }
    expect(hashes.size).toBe(people.length);
    // Parts that no id and no digest has by chance.
    const { rows } = await ground.api.db.admin(
      "select 1 from audit.payload where org_id = $1 and facts_text ~ '(555-2671|john|05-1120|dana@|Dana|5550142|Дана)'", [org.orgId]); // prettier-ignore
    expect(rows).toEqual([]);
    expect((await org.get(`/v1/token_issuers/${issuer.id}`)).json.last_used_at).toBe(realNow);
  });

  test("of one subject does not meet another's Idempotency-Key", async () => {
    const issuer = await registered(org, signerOf("EdDSA"));
    const make = (sub: string, name: string) =>
      org.post("/v1/sellers", { registered_name: name }, { ...as(issuer, { claims: { sub } }), "idempotency-key": "same" });
    const first = await make("one", "One");
    expect((await make("one", "One")).headers.get("idempotent-replayed")).toBe("true");
    const other = await make("two", "Two");
    expect([first.status, other.status]).toEqual([201, 201]);
    expect(other.json.id).not.toBe(first.json.id);
    expect((await make("one", "Other")).json.code).toBe("idempotency_key_reused");
  });

  test("of this organisation is answered the same bytes for another's ids as for ids that never were", async () => {
    const { other, api } = ground;
    const [foreign] = (await other.get("/v1/sellers")).json.data as { id: string }[];
    const issuer = ground.issuers.EdDSA;
    const told = async (method: string, path: string, sent?: unknown) => {
      const answer = await api.send(method, path, { headers: as(issuer), ...(sent === undefined ? {} : { body: sent }) });
      const headers = [...answer.headers].filter(([name]) => name !== "request-id" && name !== "ratelimit");
      return { status: answer.status, headers, text: answer.text.replaceAll(/req_[a-z0-9]{26}/g, "req") };
    };
    const never = publicId("seller", api.deps.newId());
    for (const [method, path, sent] of [["GET", "/v1/sellers/ID"], ["PATCH", "/v1/sellers/ID", { trade_names: ["x"] }]] as const) {
      const [one, none] = [await told(method, path.replace("ID", foreign?.id ?? ""), sent), await told(method, path.replace("ID", never), sent)];
      expect(one.status).toBe(404);
      expect(one).toEqual(none);
    } // prettier-ignore
    const [own] = (await org.get("/v1/sellers")).json.data as { id: string }[];
    expect((await told("GET", `/v1/sellers/${own?.id}`)).status).toBe(200);
    // Nor is another organisation there that the request names; its own is.
    const naming = async (id: string) => {
      const answer = await org.get("/v1/sellers", { ...as(issuer), "dialgate-org": id });
      return { status: answer.status, text: answer.text.replaceAll(/req_[a-z0-9]{26}/g, "req") };
    };
    const unknown = await naming(publicId("org", api.deps.newId()));
    expect(unknown.status).toBe(404);
    expect(await naming(publicId("org", other.orgId))).toEqual(unknown);
    expect(await naming("rubbish")).toEqual(unknown);
    expect((await naming(publicId("org", org.orgId))).status).toBe(200);
  });

  test("is kept nowhere and said nowhere", async () => {
    const issuer = await registered(org, signerOf("EdDSA"));
    const text = token(issuer, { claims: { jti: "canary-jti" } });
    await org.post(
      "/v1/sellers",
      { registered_name: "Canary" },
      { authorization: `Bearer ${text}`, "idempotency-key": "canary" },
    );
    const broken = await org.get("/v1/sellers", { authorization: `Bearer ${text.slice(0, -4)}AAAA` });
    const tables = (await ground.api.db.admin("select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'audit')")).rows; // prettier-ignore
    let looked = 0;
    for (const { name } of tables) {
      const { rows } = await ground.api.db.admin(
        `select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text as text from ${String(name)} t`,
      );
      looked += String(rows[0]?.["text"]).includes("Canary") ? 1 : 0;
      for (const part of [...text.split("."), "canary-jti"]) expect(String(rows[0]?.["text"]), String(name)).not.toContain(part);
    }
    expect(looked).toBeGreaterThan(0);
    expect(broken.status).toBe(401);
    for (const part of text.split(".")) expect(broken.text).not.toContain(part);
    expect(ground.api.faults).toEqual([]);
  });
});

describe("is refused by the very next request, also where its issuer is remembered,", () => {
  /** Let in and remembered; then something happens. */
  const inside = async (more: Json = {}) => {
    const issuer = await registered(org, signerOf("EdDSA"), more);
    expect(await status(issuer)).toBe(200);
    const warm = await tryToken(ground, token(issuer));
    expect(warm).toMatchObject({ status: 200, lookUps: 0 });
    return issuer;
  };
  const patch = async (issuer: TestIssuer, change: Json) => {
    const answer = await org.patch(`/v1/token_issuers/${issuer.id}`, change);
    expect(answer.status, answer.text).toBe(200);
    return answer.json;
  };
  /** The same worker, and one that never saw the issuer before. */
  const everywhere = async (issuer: TestIssuer, expected: number, over: Parameters<typeof mintToken>[2] = {}) => {
    for (const isolate of ["remembers", "remembers", "knows nothing"]) {
      if (isolate === "knows nothing") ground.forgetIssuers();
      const answer = await tryToken(ground, token(issuer, over));
      expect(answer.status, `${isolate}: ${JSON.stringify(answer.json)}`).toBe(expected);
      if (expected !== 200) expect(answer.tenantRows).toBe(0);
    }
  };

  test("when the issuer is revoked", async () => {
    const issuer = await inside();
    const revoked = await org.delete(`/v1/token_issuers/${issuer.id}`);
    expect(revoked.json).toMatchObject({ status: "revoked", revoked_at: realNow });
    await everywhere(issuer, 401);
    expect((await org.delete(`/v1/token_issuers/${issuer.id}`)).json).toEqual(revoked.json);
    expect((await org.patch(`/v1/token_issuers/${issuer.id}`, { name: "x" })).json.errors[0].code).toBe("issuer_ended");
    expect((await entries(issuer.id)).map(({ type }) => type)).toEqual(["token_issuer.created", "token_issuer.revoked"]);
  });

  test("when its key is replaced, and a token of the new key is let in", async () => {
    const issuer = await inside();
    const next = signerOf("EdDSA");
    expect(await patch(issuer, { public_key: next.jwk })).toMatchObject({ version: 2, public_key: next.jwk });
    // The remembered record verifies the old key's signature still: what binds asks for the version, and refuses.
    const first = await tryToken(ground, token(issuer));
    expect(first).toMatchObject({ status: 401, lookUps: 0, tenantRows: 0 });
    expect(first.statements).toEqual(["app.bind_token", "find"]);
    await everywhere(issuer, 401);
    await everywhere({ ...issuer, signer: next }, 200);
    expect((await entries(issuer.id)).at(-1)).toMatchObject({
      type: "token_issuer.updated",
      facts: {
        changed: ["public_key"],
        from: { public_key: issuer.signer.jwk },
        to: { public_key: next.jwk },
        version: 2,
      },
    });
  });

  test("when a secret is replaced by another", async () => {
    const issuer = await registered(org, signerOf("HS256"));
    expect(await status(issuer)).toBe(200);
    const next = signerOf("HS256");
    const weak = await org.patch(`/v1/token_issuers/${issuer.id}`, { secret: Buffer.alloc(32, 0x41).toString("base64url") });
    expect(weak.json).toMatchObject({ status: 422, errors: [{ pointer: "/secret", code: "key_weak" }] });
    expect(await patch(issuer, { secret: next.secret })).toMatchObject({ version: 2, key_from: "secret" });
    await everywhere(issuer, 401);
    await everywhere({ ...issuer, signer: next }, 200);
    // A further version of the record leaves the secret as it was sealed.
    expect(await patch(issuer, { subjects: [issuer.subject] })).toMatchObject({ version: 3 });
    // Who remembers the version of before says so once, though the token is one that the new version takes.
    expect(await tryToken(ground, token({ ...issuer, signer: next }))).toMatchObject({ status: 401, tenantRows: 0 });
    await everywhere({ ...issuer, signer: next }, 200);
    // Another issuer's sealed secret does not open here.
    const foreign = await registered(org, next);
    const uuids = [issuer, foreign].map(({ id }) => uuidOf("tokenIssuer", id));
    await ground.api.db.admin("update token_issuers i set sealed = o.sealed from token_issuers o where i.id = $1 and o.id = $2", uuids); // prettier-ignore
    ground.forgetIssuers();
    expect(await status({ ...issuer, signer: next })).toBe(500);
    expect(ground.api.faults.splice(0)).toMatchObject([{ error: "CredentialUnavailable" }]);
  });

  test("when the issuer speaks for others, or by another name", async () => {
    const issuer = await inside();
    await patch(issuer, { subjects: ["another"] });
    await everywhere(issuer, 401);
    await everywhere({ ...issuer, subject: "another" }, 200);
    await patch(issuer, { issuer: "https://new.acme-solar.com", subjects: null });
    await everywhere(issuer, 401);
    await everywhere({ ...issuer, issuer: "https://new.acme-solar.com" }, 200);
  });

  test("when it was issued before what is taken", async () => {
    const issuer = await inside();
    expect(await patch(issuer, { not_before: addSeconds(realNow, -5) })).toMatchObject({ version: 1 });
    await everywhere(issuer, 401);
    await everywhere(issuer, 200, { claims: { iat: ground.now - 5 } });
  });

  test("when the issuer ends by the real clock", async () => {
    const issuer = await inside({ expires_at: addSeconds(realNow, 30) });
    ground.clock(addSeconds(realNow, 30));
    await everywhere(issuer, 401);
    ground.clock(realNow);
    await everywhere(issuer, 200);
  });

  test("when who answers for it is no member any more; a lower role forbids what it may not", async () => {
    const { admin } = ground.api.db;
    const issuer = await inside();
    const user = ground.api.deps.newId();
    await admin("insert into users (id, email, created_at) values ($1, $2, now())", [user, `${user}@acme-solar.com`]);
    await admin("insert into memberships (org_id, user_id, role, created_at) values ($1, $2, 'member', now())", [
      org.orgId,
      user,
    ]);
    await admin("update token_issuers set sponsor_id = $2 where id = $1", [uuidOf("tokenIssuer", issuer.id), user]);
    await everywhere(issuer, 200);
    const write = () => org.post("/v1/sellers", { registered_name: "Sponsored" }, as(issuer));
    expect((await write()).status).toBe(201);
    await admin("update memberships set role = 'viewer' where org_id = $1 and user_id = $2", [org.orgId, user]);
    expect((await write()).json.code).toBe("role_missing");
    await everywhere(issuer, 200);
    await admin("delete from memberships where org_id = $1 and user_id = $2", [org.orgId, user]);
    await everywhere(issuer, 401);
    expect((await write()).status).toBe(401);
  });

  test("when the person who registered it leaves; whoever replaces the key answers for it from then on", async () => {
    const { api } = ground;
    const signedIn = async () => {
      const { userId } = await makePerson(api.db);
      await makeMember(api.db, org.orgId, userId, "admin");
      const { headers } = await makeSession(api.db, api.deps.hashApiKey, userId, realNow);
      return { userId, send: (method: string, path: string, sent: Json) => api.send(method, path, { body: sent, headers }) };
    };
    const [maker, next] = [await signedIn(), await signedIn()];
    const signer = signerOf("EdDSA");
    const made = await maker.send("POST", "/v1/token_issuers", body(signer));
    expect(made.status, made.text).toBe(201);
    const issuer: TestIssuer = { ...ground.issuers.EdDSA, id: made.json.id, audience: made.json.audience, signer };
    await everywhere(issuer, 200);
    expect((await next.send("PATCH", `/v1/token_issuers/${issuer.id}`, { name: "Renamed" })).status).toBe(200);
    await api.db.admin("delete from memberships where org_id = $1 and user_id = $2", [org.orgId, maker.userId]);
    await everywhere(issuer, 401);
    expect((await next.send("PATCH", `/v1/token_issuers/${issuer.id}`, { public_key: signer.jwk })).json.version).toBe(2);
    await everywhere(issuer, 200);
    await api.db.admin("delete from memberships where org_id = $1 and user_id = $2", [org.orgId, next.userId]);
    await everywhere(issuer, 401);
  });

  test("and fewer scopes count at once, without a new version", async () => {
    const issuer = await inside();
    expect(await patch(issuer, { scopes: ["leads:read"] })).toMatchObject({ version: 1 });
    await everywhere(issuer, 403);
  });

  test("and of two changes at once one is told to look again", async () => {
    const issuer = await inside();
    const [one, other] = await Promise.all([1, 2].map(() => org.patch(`/v1/token_issuers/${issuer.id}`, { public_key: signerOf("EdDSA").jwk }))); // prettier-ignore
    const answers = [one, other].map((answer) => answer?.json.errors?.[0].code ?? answer?.json.version).toSorted();
    expect([[2, "changed_meanwhile"], [2, 3]]).toContainEqual(answers); // prettier-ignore
  });
});

test("a change that changes nothing is answered and writes nothing", async () => {
  const issuer = await registered(org, signerOf("EdDSA"));
  const before = await row(issuer.id);
  expect((await org.patch(`/v1/token_issuers/${issuer.id}`, {})).json).toMatchObject({ version: 1 });
  expect(await row(issuer.id)).toEqual(before);
  expect(await entries(issuer.id)).toHaveLength(1);
  expect((await org.patch(`/v1/token_issuers/${issuer.id}`, { alg: "RS256" })).json.errors[0].code).toBe("unknown_field");
  expect((await ground.other.get(`/v1/token_issuers/${issuer.id}`)).status).toBe(404);
});

test("a token from a new network is told although what it asked for is refused", async () => {
  const { api, org } = ground;
  const issuer = await registered(org, signerOf("EdDSA"));
  const from = (address: string) =>
    api.send("POST", "/v1/halts", {
      key: mintToken(issuer, ground.now),
      body: { reason: "org_halted", note: "x" },
      headers: { "cf-connecting-ip": address, "idempotency-key": api.deps.newId() },
    });
  for (const address of ["192.0.2.1", "198.51.100.1"]) expect((await from(address)).json.code).toBe("scope_missing");
  const { data } = (await org.get(`/v1/audit?limit=100&type=credential.new_network&subject=${issuer.id}`)).json;
  expect(data.map(({ facts }: { facts: string }) => JSON.parse(facts).networks)).toEqual([["198.51.100.0/24"]]);
});
