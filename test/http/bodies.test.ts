/** Bodies that say that they are something else than they could be read as. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { signIn, type SignedIn } from "./signed-in.ts";

let api: Api;
let org: Caller;
let owner: SignedIn;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterAll(() => api?.close());

const seller = JSON.stringify({ registered_name: "Acme Solar LLC" });
const send = (raw: string | Uint8Array, headers: Record<string, string> = {}, path = "/v1/sellers", method = "POST") =>
  api.send(method, path, { key: org.apiKey, raw, headers: { "content-type": "application/json", ...headers } });

describe("a body", () => {
  test("that is compressed is refused by the name of the header, and one that is not is taken", async () => {
    for (const coding of ["gzip", "br", "GZIP", "gzip, identity", "deflate"]) {
      const answer = await send(gzipSync(seller), { "content-encoding": coding });
      expect([answer.status, answer.json.code], coding).toEqual([415, "unsupported_media_type"]);
      expect(answer.json.detail).toContain("Content-Encoding");
      expect(answer.headers.get("accept-encoding")).toBe("identity");
    }
    for (const coding of ["identity", "", " Identity "])
      expect((await send(seller, { "content-encoding": coding })).status).toBe(201);
  });

  test("of one byte is a body, whose type is asked", async () => {
    const answer = await send(Buffer.from("1"), { "content-type": "text/plain" });
    expect([answer.status, answer.json.code]).toEqual([415, "unsupported_media_type"]);
  });

  test("in another charset than UTF-8 is refused, however it is written", async () => {
    for (const charset of ["latin1", "utf-16", "UTF-16LE", '"iso-8859-1"', "us-ascii; q=1", "utf-8; charset=utf-16"]) {
      const answer = await send(seller, { "content-type": `application/json; charset=${charset}` });
      expect([answer.status, answer.json.code], charset).toEqual([415, "unsupported_media_type"]);
      expect(answer.json.detail).toContain("UTF-8");
    }
    for (const type of ["application/json", "Application/JSON", "APPLICATION/JSON; CHARSET=UTF-8", "application/json; charset=utf-8", 'application/json; profile=x; Charset="UTF-8"', "application/json;charset=utf8"])
      expect((await send(seller, { "content-type": type })).status, type).toBe(201);
  }); // prettier-ignore

  test("of a lead file is held to the same", async () => {
    const put = (headers: Record<string, string>) => send("phone\n", { "content-length": "6", ...headers }, "/v1/imports/imp_x/file", "PUT");
    expect((await put({ "content-type": "text/csv", "content-encoding": "gzip" })).json.detail).toContain("Content-Encoding");
    expect((await put({ "content-type": "text/csv; charset=windows-1252" })).json.detail).toContain("UTF-8");
    expect((await put({ "content-type": "text/csv; charset=utf-8; header=present" })).status).toBe(404);
  }); // prettier-ignore

  test("whose object names a member twice is refused by that member, and nothing of it is done", async () => {
    const count = async () => ((await org.get("/v1/sellers?limit=100")).json.data as unknown[]).length;
    const before = await count();
    const twice = await send('{"registered_name":"A","trade_names":[],"registered_name":"B"}');
    expect([twice.status, twice.json.code]).toEqual([422, "invalid_request"]);
    expect(twice.json.errors).toEqual([{ pointer: "/registered_name", code: "given_twice", detail: expect.any(String) }]);
    const deep = await send('{"leads":[{"phone":"+12125550142"},{"phone":"x","\\u0070hone":"y"}]}', {}, "/v1/leads/batch");
    expect([deep.status, deep.json.errors[0]]).toMatchObject([422, { pointer: "/leads/1/phone", code: "given_twice" }]);
    // Where no key is needed, and where no body is declared.
    expect((await api.send("POST", "/leaked_keys", { raw: '[{"token":"a","token":"b"}]', headers: { "content-type": "application/json" } })).json.errors[0].pointer).toBe("/0/token");
    expect((await send('{"a":1,"a":2}', {}, "/v1/api_keys/key_x", "DELETE")).json.errors[0]).toMatchObject({ pointer: "/a", code: "given_twice" });
    expect(await count()).toBe(before);
  }); // prettier-ignore

  test("is told each fault once, in the field's own terms", async () => {
    const { json } = await send('{"seconds":99999999999999999999}', {}, "/v1/test_clock/advance");
    expect(json.errors).toEqual([{ pointer: "/seconds", code: "too_large", detail: "At most 34560000." }]);
    expect(json.detail).toBe("/seconds: At most 34560000.");
  });

  test("with a secret that no encoder writes is told why it is none", async () => {
    const issuer = { name: "CRM", issuer: "https://crm.test", alg: "HS256", scopes: ["leads:read"] };
    const { json } = await owner.send("POST", "/v1/token_issuers", { ...issuer, secret: "a".repeat(43) });
    expect(json.errors[0]).toMatchObject({ pointer: "/secret", code: "key_malformed" });
    expect(json.errors[0].detail).toContain("the 43rd character is one of AEIMQUYcgkosw048");
    const last = new Set(Array.from({ length: 256 }, (_, byte) => Buffer.alloc(32, byte).toString("base64url").at(42)));
    expect([...last].toSorted().join("")).toBe("AEIMQUYcgkosw048".split("").toSorted().join(""));
  });
});

test("every answer of an https address says that it is that alone, whatever it is; of a local one none does", async () => {
  const app = createApp();
  for (const path of ["/healthz", "/openapi.json", "/auth/sign-in", "/v1/account", "/v1/nothing", "/nothing", "/errors/conflict"]) {
    const { headers } = await app.request(path, {}, api.deps);
    expect(headers.get("strict-transport-security"), path).toBe("max-age=63072000");
    const local = await app.request(path, {}, { ...api.deps, publicOrigin: "http://localhost:8787" });
    expect(local.headers.get("strict-transport-security"), path).toBeNull();
  }
  expect((await app.request("/healthz", {}, { ...api.deps, flood: async () => false })).headers.get("strict-transport-security")).toBe("max-age=63072000");
}); // prettier-ignore
