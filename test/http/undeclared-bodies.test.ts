/** What declares no body takes none, by the API's own document. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { type Api, openApi } from "./api.ts";
import { documented } from "./documented.ts";
import { signIn } from "./signed-in.ts";

let api: Api;
let orgId: string;
beforeAll(async () => {
  api = await openApi();
  ({ orgId } = await api.seed());
});
afterAll(() => api.close());

const bare = documented.filter(({ method, takesBody }) => method !== "GET" && !takesBody);
const named = bare.map(({ method, path }) => [`${method} ${path}`, method, path] as const);

/** An owner who has shown a second factor; in a session of its own, because some of these end sessions. */
const ask = async (method: string, path: string, raw: string, headers: Record<string, string> = {}) => {
  const { session } = await signIn(api, { orgId, role: "owner" });
  return api.send(method, path, { raw, headers: { ...session.headers, "content-type": "application/json", ...headers } });
};

test("there are such operations, and webhooks, which are read as the vendors write them, are none", () => {
  expect(bare.length).toBeGreaterThan(20);
  for (const path of ["/v1/me/totp", "/auth/passkey/options", "/auth/oidc/google", "/v1/sessions"])
    expect(bare.map((one) => one.path)).toContain(path);
  expect(bare.filter(({ path }) => path.startsWith("/webhooks/"))).toEqual([]);
});

describe("an operation that declares no body", () => {
  test.each(named)("%s refuses a field by its name, and what is no object", async (_, method, path) => {
    const answer = await ask(method, path, '{"x":1}');
    const detail = "This field is not known: none is read here.";
    expect(answer.json, answer.text).toMatchObject({
      status: 422,
      code: "invalid_request",
      errors: [{ pointer: "/x", code: "unknown_field", detail }],
    });
    expect((await ask(method, path, "[1]")).json).toMatchObject({ status: 422, errors: [{ pointer: "", code: "wrong_type" }] });
    expect((await ask(method, path, "{")).json).toMatchObject({ code: "malformed_json" });
    expect((await ask(method, path, "x=1", { "content-type": "text/plain" })).status).toBe(415);
  });

  test.each(named)("%s takes {} and no bytes", async (_, method, path) => {
    for (const raw of ["{}", ""]) {
      const answer = await ask(method, path, raw);
      expect([200, 201, 204, 404, 409], answer.text).toContain(answer.status);
    }
    expect((await ask(method, path, "", { "content-type": "" })).status).not.toBe(415);
  });

  test("is told so only to who may ask, and leaves an Idempotency-Key free", async () => {
    const nobody = await api.send("POST", "/v1/me/totp", { raw: '{"x":1}', headers: { "content-type": "application/json" } });
    expect(nobody.status).toBe(401);
    const viewer = await signIn(api, { orgId, role: "viewer" });
    const end = `/v1/halts/${publicId("halt", api.deps.newId())}/end`;
    expect((await viewer.send("POST", end, { x: 1 })).json).toMatchObject({ code: "role_missing" });
    const person = await signIn(api, { factor: true });
    const keyed = { "idempotency-key": "the-same" };
    expect((await person.send("POST", "/v1/me/totp", { x: 1 }, keyed)).status).toBe(422);
    expect((await person.send("POST", "/v1/me/totp", {}, keyed)).status).toBe(201);
  });
});
