import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { publicId } from "../../src/lib/ids.ts";
import { scopes } from "../../src/domain/access/scopes.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { testPeppers } from "../support/peppers.ts";

let api: Api;
let acme: Caller;
let other: Caller;
beforeAll(async () => {
  api = await openApi();
  acme = await api.seed();
  other = await api.seed({ name: "Borealis" });
});
afterAll(() => api.close());

const seller = { registered_name: "Acme Solar LLC" };
const requests = () => api.db.endpoint.requests().total;

describe("who calls", () => {
  test("a key that was never issued is refused before the database is asked", async () => {
    const before = requests();
    const damaged = `${acme.apiKey.slice(0, -1)}${acme.apiKey.endsWith("0") ? "1" : "0"}`;
    for (const key of [
      "",
      "dg_test_short",
      damaged,
      `${acme.apiKey} `.repeat(40),
      acme.apiKey.replace("dg_test", "dg_prod"),
      "ü",
    ]) {
      const answer = await api.send("GET", "/v1/sellers", { headers: { authorization: `Bearer ${encodeURIComponent(key)}` } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(answer.json).toMatchObject({ code: "unauthorized", status: 401, instance: answer.headers.get("request-id") });
    }
    expect((await api.send("GET", "/v1/sellers")).status).toBe(401);
    expect(requests()).toBe(before);
  });

  test("the scheme is read in any case, and no other is taken", async () => {
    const asked = async (authorization: string) =>
      (await api.send("GET", "/v1/sellers", { headers: { authorization: `${authorization}${acme.apiKey}` } })).status;
    for (const scheme of ["Bearer ", "bearer ", "BEARER   "]) expect(await asked(scheme), scheme).toBe(200);
    for (const scheme of ["", "Basic ", "Token ", "Bearer", "Bearer x "]) expect(await asked(scheme), scheme).toBe(401);
  });

  test("a well-formed key that is unknown, or has another secret, is refused by the database's answer", async () => {
    const unknown = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(3));
    const wrongSecret = mintApiKey(acme.keyId, false, new Uint8Array(32).fill(3));
    for (const { clear } of [unknown, wrongSecret])
      expect((await api.send("GET", "/v1/sellers", { key: clear })).json.code).toBe("unauthorized");
  });

  test("an expired and a revoked key are refused", async () => {
    const expired = await api.seed({ expiresAt: "2026-11-20T09:00:00Z" as never });
    expect((await expired.get("/v1/account")).status).toBe(401);
    const revoked = await api.seed();
    expect((await revoked.get("/v1/account")).status).toBe(200);
    await api.db.admin("update api_keys set revoked_at = now() where id = $1", [revoked.keyId]);
    expect((await revoked.get("/v1/account")).status).toBe(401);
  });

  test("a key without the route's scope is refused on every route, and nothing is written", async () => {
    const reader = await api.seed({ scopes: ["leads:read"] });
    const refused = await reader.post("/v1/sellers", seller);
    expect(refused.json).toMatchObject({
      code: "scope_missing",
      status: 403,
      detail: "The API key or token lacks the scope sellers:write.",
    });
    expect((await api.db.admin("select 1 from sellers where org_id = $1", [reader.orgId])).rows).toEqual([]);
    expect((await reader.get("/v1/leads")).status).toBe(200);
  });

  test("each scope opens only what it names", async () => {
    for (const scope of scopes.filter((name) => name.endsWith(":read"))) {
      const one = await api.seed({ scopes: [scope] });
      expect((await one.get("/v1/sellers")).status, scope).toBe(scope === "sellers:read" ? 200 : 403);
    }
  });

  test("a fault of the request is told only to a caller who was proved", async () => {
    const unknown = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(4)).clear;
    expect((await api.send("POST", "/v1/sellers", { key: unknown, body: { nonsense: 1 } })).status).toBe(401);
    expect(
      (await api.send("POST", "/v1/sellers", { key: unknown, raw: "{", headers: { "content-type": "application/json" } })).status,
    ).toBe(401);
    expect((await api.send("GET", "/v1/sellers?limit=0", { key: unknown })).status).toBe(401);
    expect((await api.send("GET", "/v1/sellers/rubbish", { key: unknown })).status).toBe(401);
  });

  test.each([
    ["/v1/test_clock/advance", {}],
    ["/v1/consent_events", { kind: "revocation" }],
    ["/v1/connections", { vendor: "nobody", name: "x", config: {}, credential: {} }],
    ["/v1/connections", { vendor: "retell", name: "x", config: {}, credential: {} }],
    ["/v1/token_issuers", { name: "x", issuer: "x", alg: "EdDSA", scopes: ["leads:read"], jwks_url: "https://x.example/keys" }],
  ])("so is one of %s that its route alone can find", async (path, body) => {
    const unknown = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(4)).clear;
    expect((await api.send("POST", path, { key: unknown, body })).status).toBe(401);
    const reader = await api.seed({ scopes: ["sellers:read"] });
    expect((await reader.post(path, body)).json.code).toBe("scope_missing");
    expect((await acme.post(path, body)).status).toBe(422);
  });
});

describe("one organisation and another", () => {
  test("another organisation's object and a missing one give the same bytes, on every route with an id", async () => {
    const made = await acme.post("/v1/sellers", seller);
    const missing = publicId("seller", api.deps.newId());
    const told = async (id: string) => {
      const { status, text, headers } = await other.get(`/v1/sellers/${id}`);
      const names = [...headers.keys()].toSorted();
      return { status, names, text: text.replaceAll(/req_[a-z0-9]{26}/g, "req") };
    };
    const foreign = await told(made.json.id);
    expect(foreign.status).toBe(404);
    expect(foreign).toEqual(await told(missing));
    expect(foreign).toEqual(await told("rubbish"));
    expect(foreign).toEqual(await told(publicId("lead", api.deps.newId())));
    const patched = await other.patch(`/v1/sellers/${made.json.id}`, { trade_names: [] });
    expect(patched.status).toBe(404);
    expect((await other.get("/v1/sellers")).json.data).toEqual([]);
  });

  test("what is named in a body of another organisation's is not there either", async () => {
    const made = await acme.post("/v1/sellers", seller);
    const refused = await other.post("/v1/halts", { reason: "seller_halted", note: "x", seller_id: made.json.id });
    expect(refused.json).toMatchObject({ code: "invalid_request", errors: [{ code: "target_unknown" }] });
  });

  test("a read is one request to the database", async () => {
    const made = await acme.post("/v1/sellers", seller);
    for (const path of [
      "/v1/sellers",
      `/v1/sellers/${made.json.id}`,
      "/v1/leads",
      "/v1/calls",
      "/v1/attempts",
      "/v1/audit",
      "/v1/account",
      "/v1/test_clock",
      "/v1/campaigns",
      "/v1/connections",
      "/v1/policy",
    ]) {
      const before = requests();
      expect((await acme.get(path)).status, path).toBe(200);
      expect(requests() - before, path).toBe(1);
    }
  });
});

describe("what cannot be read", () => {
  const send = (raw: string | Uint8Array, headers: Record<string, string> = { "content-type": "application/json" }) =>
    api.send("POST", "/v1/sellers", { key: acme.apiKey, raw, headers });

  test.each([
    ["{", 400, "malformed_json"],
    ["", 422, "invalid_request"],
    ["NaN", 400, "malformed_json"],
    ['{"registered_name": "a",}', 400, "malformed_json"],
    ["[]", 422, "invalid_request"],
    ["null", 422, "invalid_request"],
    ['"text"', 422, "invalid_request"],
    [`{"registered_name": ${"[".repeat(100)}${"]".repeat(100)}}`, 422, "invalid_request"],
    ['{"registered_name": 1e999}', 422, "invalid_request"],
    ['{"registered_name": "a", "__proto__": {"registered_name": "b"}}', 422, "invalid_request"],
    ['{"registered_name": "a", "constructor": {"prototype": {}}}', 422, "invalid_request"],
    ['{"registered_name": "a\\u0000b"}', 422, "invalid_request"],
    ['{"registered_name": "\\ud800"}', 422, "invalid_request"],
    ['{"registered_name": "a", "san_area_codes": ["1234567890"]}', 422, "invalid_request"],
  ])("%s is refused as what it is", async (raw, status, code) => {
    const answer = await send(raw);
    expect(answer.json).toMatchObject({ status, code });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test("`__proto__` is refused wherever it stands, by the way to it, before any schema sees it", async () => {
    const refused = async (path: string, raw: string) =>
      (await api.send("POST", path, { key: acme.apiKey, raw, headers: { "content-type": "application/json" } })).json.errors;
    const [unknown, detail] = ["unknown_field", "This field is not known."];
    expect(await refused("/v1/sellers", '{"registered_name": "a", "__proto__": {}}')).toEqual([
      { pointer: "/__proto__", code: unknown, detail },
    ]);
    const key = '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "__proto__": {"d": "x"}}';
    const issuer = `{"name": "a", "issuer": "a", "alg": "EdDSA", "scopes": ["leads:read"], "public_key": ${key}}`;
    expect(await refused("/v1/token_issuers", issuer)).toEqual([{ pointer: "/public_key/__proto__", code: unknown, detail }]);
  });

  test("a missing scope is named where RFC 6750 has it", async () => {
    const made = await acme.post("/v1/api_keys", { name: "x", scopes: ["sellers:read"] });
    const refused = await api.send("GET", "/v1/leads", { key: made.json.secret });
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
      403,
      'Bearer realm="dialgate", error="insufficient_scope", scope="leads:read"',
    ]);
  });

  test("deep nesting that would exhaust the stack is refused, not thrown at", async () => {
    const deep = `{"registered_name": ${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`;
    expect((await send(deep)).json).toMatchObject({ code: "invalid_request", errors: [{ code: "too_deep" }] });
    expect(api.faults).toEqual([]);
  });

  test("bytes that are not UTF-8 and other content types are refused", async () => {
    expect((await send(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]))).json.code).toBe("malformed_json");
    expect((await send(new TextEncoder().encode('{"registered_name":"a"}'), { "content-type": "text/plain" })).json.code).toBe(
      "unsupported_media_type",
    );
    expect((await send('{"registered_name":"a"}', {})).status).toBe(415);
  });

  test("ten megabytes are refused by their announced and by their real length", async () => {
    const answer = await send(`{"registered_name":"${"a".repeat(10_000_000)}"}`);
    expect(answer.json).toMatchObject({ status: 413, code: "body_too_large" });
    const stream = new Blob(["x".repeat(200_000)]).stream();
    const streamed = await api.send("POST", "/v1/sellers", {
      key: acme.apiKey,
      raw: stream,
      headers: { "content-type": "application/json" },
    });
    expect(streamed.json).toMatchObject({ status: 413, code: "body_too_large" });
  });

  test("an unknown field, value and query parameter are named by pointer, without their value", async () => {
    const unknown = await acme.post("/v1/sellers", { ...seller, nmae: "secret-value" });
    expect(unknown.json.errors).toEqual([
      {
        pointer: "/nmae",
        code: "unknown_field",
        detail:
          "This field is not known. Known here: registered_name, trade_names, address, do_not_call_number, san, san_area_codes.",
      },
    ]);
    const value = await acme.post("/v1/suppressions", { phones: ["+13035550142"], source: "secret-value" });
    expect(value.json.errors[0]).toMatchObject({ pointer: "/source", code: "unknown_value" });
    expect(value.json.errors[0].detail).toMatch(/^Known here: api, /);
    expect(unknown.text + value.text).not.toContain("secret-value");
    expect((await acme.get("/v1/sellers?colour=red")).json.errors).toEqual([
      { pointer: "?colour", code: "unknown_field", detail: "This field is not known. Known here: limit, cursor." },
    ]);
    const kind = await acme.post("/v1/consent_events", { kind: "blessing", phone: "+13035550142" });
    expect(kind.json.errors[0]).toMatchObject({ pointer: "/kind", code: "unknown_value" });
    const nested = await acme.post("/v1/sellers", { registered_name: "a", trade_names: ["ok", 5] });
    expect(nested.json.errors).toEqual([{ pointer: "/trade_names/1", code: "wrong_type", detail: "Expected: a text." }]);
  });

  test("an unknown path is 404, another method of a known one 405 with Allow", async () => {
    expect((await acme.get("/v1/sailors")).json).toMatchObject({ status: 404, code: "not_found" });
    const wrong = await api.send("PUT", "/v1/sellers", { key: acme.apiKey });
    expect(wrong.json).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(wrong.headers.get("allow")).toBe("GET, HEAD, POST");
    expect((await api.send("GET", "/nothing")).json).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("every answer", () => {
  test("carries a request id of ours, and takes none from outside", async () => {
    const answer = await acme.get("/v1/sellers", { "request-id": "req_chosen", "x-request-id": "req_chosen" });
    expect(answer.headers.get("request-id")).toMatch(/^req_[a-z0-9]{26}$/);
    expect((await api.send("GET", "/nothing")).headers.get("request-id")).toMatch(/^req_/);
  });

  test("a polled read has an ETag, and 304 while nothing has changed", async () => {
    const made = await acme.post("/v1/sellers", seller);
    const path = `/v1/sellers/${made.json.id}`;
    const first = await acme.get(path);
    const tag = first.headers.get("etag") ?? "";
    expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/);
    const again = await acme.get(path, { "if-none-match": tag });
    expect({ status: again.status, text: again.text, etag: again.headers.get("etag") }).toEqual({
      status: 304,
      text: "",
      etag: tag,
    });
    await acme.patch(path, { trade_names: ["Acme Sun"] });
    expect((await acme.get(path, { "if-none-match": tag })).status).toBe(200);
  });

  test.each(["/openapi.json", "/errors/not-found"])(
    "%s, which needs no key, has one too, and may be kept by anyone",
    async (path) => {
      const first = await api.send("GET", path);
      expect(first.headers.get("cache-control")).toBe("public, max-age=300");
      const tag = first.headers.get("etag") ?? "";
      expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/);
      expect((await api.send("GET", path, { headers: { "if-none-match": tag } })).status).toBe(304);
      expect((await api.send("GET", path, { headers: { "if-none-match": 'W/"another"' } })).text).toBe(first.text);
    },
  );
});

describe("a list", () => {
  test("is walked by its cursor, newest first, without a gap or a repetition", async () => {
    const org = await api.seed();
    const made: string[] = [];
    for (const name of ["a", "b", "c", "d", "e"])
      made.unshift((await org.post("/v1/sellers", { registered_name: name })).json.id);
    const walked: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null && walked.length < 10) {
      const { json } = await org.get(`/v1/sellers?limit=2${cursor}`);
      walked.push(...json.data.map((item: { id: string }) => item.id));
      expect(json.has_more).toBe(json.next_cursor !== null);
      cursor = json.next_cursor === null ? null : `&cursor=${json.next_cursor}`;
    }
    expect(walked).toEqual(made);
  });

  test.each([
    ["101", "too_large", "At most 100."],
    ["1000", "too_large", "At most 100."],
    ["9".repeat(400), "too_large", "At most 100."],
    ["0", "too_small", "At least 1."],
    ["-1", "too_small", "At least 1."],
    [`-${"9".repeat(400)}`, "too_small", "At least 1."],
    ["1e1", "invalid", "A whole number from 1 to 100 is needed."],
    ["1.5", "invalid", "A whole number from 1 to 100 is needed."],
    ["ten", "invalid", "A whole number from 1 to 100 is needed."],
  ])("a limit of %s is %s, on every kind of list", async (limit, code, detail) => {
    for (const path of ["/v1/sellers", "/v1/audit"]) {
      const { status, json } = await acme.get(`${path}?limit=${limit}`);
      expect([status, json.errors]).toEqual([422, [{ pointer: "?limit", code, detail }]]);
    }
  });

  test.each(["limit=1&limit=2", "cursor=", "cursor=x", "cursor=%00", `cursor=${"A".repeat(5000)}`, "cursor=';drop table leads"])(
    "%s is refused",
    async (query) => {
      expect((await acme.get(`/v1/sellers?${query}`)).json).toMatchObject({ status: 422, code: "invalid_request" });
    },
  );

  test("another organisation's cursor shows nothing of it", async () => {
    for (const name of ["a", "b"]) await acme.post("/v1/sellers", { registered_name: name });
    const { json } = await acme.get("/v1/sellers?limit=1");
    expect((await other.get(`/v1/sellers?cursor=${json.next_cursor}`)).json.data).toEqual([]);
  });
});

describe("when something is down", () => {
  test("a dead database is 503 with Retry-After, on reads and writes, and healthz says it too", async () => {
    const dead = new SystemDb(neonTransport(api.db.connectionString, { address: "127.0.0.1:9" }), api.deps.newId, testPeppers);
    try {
      const broken = await openApi({ system: dead, checkDatabase: async () => void (await dead.unsafeRole()) });
      neonTransport(api.db.connectionString, { address: "127.0.0.1:9" });
      for (const [method, path] of [
        ["GET", "/v1/sellers"],
        ["POST", "/v1/sellers"],
        ["GET", "/healthz"],
      ] as const) {
        const answer = await broken.send(method, path, { key: acme.apiKey, ...(method === "POST" ? { body: seller } : {}) });
        expect(answer.json, path).toMatchObject({ status: 503, code: "database_unavailable" });
        expect(answer.headers.get("retry-after")).toBe("5");
      }
      await broken.close();
    } finally {
      neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
    }
  });

  test("a role that could read past the walls is not served with", async () => {
    const unsafe = await openApi({ roleIsSafe: async () => false });
    expect((await unsafe.send("GET", "/v1/sellers", { key: acme.apiKey })).json).toMatchObject({
      status: 503,
      code: "unsafe_database_role",
    });
    expect((await unsafe.send("GET", "/healthz")).status).toBe(503);
    await unsafe.close();
    neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
  });

  test("what broke is reported without a value, and answered without a word of it", async () => {
    const broken = await openApi({
      adapters: {
        voice: () => {
          throw new TypeError("secret-detail +13035550142");
        },
        dnc: () => null,
      },
    });
    const org = await broken.seed();
    const made = await org.post("/v1/connections", {
      vendor: "retell",
      name: "R",
      config: { agent_id: "a1", from_number: "+12085550100" },
      credential: { api_key: "key_12345678" },
    });
    const answer = await org.post(`/v1/connections/${made.json.id}/test`);
    expect(answer.json).toMatchObject({ status: 500, code: "internal_error" });
    expect(broken.faults).toHaveLength(1);
    expect(broken.faults[0]).toMatchObject({ error: "TypeError", request_id: answer.headers.get("request-id") });
    expect(answer.text + JSON.stringify(broken.faults)).not.toMatch(/secret-detail|3035550142/);
    await broken.close();
    neonTransport(api.db.connectionString, { address: `127.0.0.1:${api.db.endpoint.port}` });
  });
});
