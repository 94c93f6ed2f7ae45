/** A parameter that an operation does not know is refused, by the API's own document. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

/** Opened or sent as a form by a browser, asked by monitors, or sent by vendors: others add to these addresses what they like. */
const addedTo = [
  "errors.get",
  "health.get",
  "invitations.page",
  "leaked_keys.report",
  "oidc.begin",
  "oidc.finish",
  "oidc.signed_in",
  "sign_in.account_page",
  "sign_in.factors_page",
  "sign_in.link_page",
  "sign_in.page",
  "sign_in.second_factor_page",
  "webhooks.voice",
  "webhooks.voice_stop",
];
const strict = documented.filter(({ operationId }) => !addedTo.includes(operationId));
const named = (of: typeof documented) => of.map(({ method, path }) => [`${method} ${path}`, method, path] as const);

/** An owner who has shown a second factor; in a session of its own, because some of these end sessions. */
const ask = async (method: string, path: string) => {
  const { session } = await signIn(api, { orgId, role: "owner" });
  const headers = { ...session.headers, "content-type": "application/json", "idempotency-key": "one" };
  return api.send(method, path, { ...(method === "GET" ? {} : { raw: "{}" }), headers });
};

describe("a parameter that is not known", () => {
  test.each(named(strict))("is refused by its name: %s", async (_, method, path) => {
    const answer = await ask(method, `${path}?dry_run=true`);
    expect(answer.json, answer.text).toMatchObject({
      status: 422,
      code: "invalid_request",
      errors: [{ pointer: "?dry_run", code: "unknown_field" }],
    });
  });

  const others = documented.filter(({ operationId }) => addedTo.includes(operationId));
  test.each(named(others))("is passed over where others add some: %s", async (_, method, path) => {
    const bare = await ask(method, path);
    const answer = await ask(method, `${path}?utm_source=mail`);
    expect([answer.status, answer.json?.code]).toEqual([bare.status, bare.json?.code]);
    expect(answer.text).not.toContain("utm_source");
  });

  test("the document names all of them", () => {
    expect(others.map(({ operationId }) => operationId).toSorted()).toEqual(addedTo.toSorted());
    expect(strict.length).toBeGreaterThan(110);
  });

  test("does nothing: a key that would be revoked goes on", async () => {
    const org = await api.seed();
    const { id } = (await org.post("/v1/api_keys", { name: "CRM", scopes: ["leads:read"] })).json;
    const refused = await org.delete(`/v1/api_keys/${id}?dry_run=true`);
    expect([refused.status, refused.json.errors]).toEqual([
      422,
      [{ pointer: "?dry_run", code: "unknown_field", detail: "This field is not known: none is read here." }],
    ]);
    expect((await org.get(`/v1/api_keys/${id}`)).json.status).toBe("active");
    expect((await org.delete(`/v1/api_keys/${id}`)).json.status).toBe("revoked");
  });

  test("has no name: it is refused like any other, also where others are declared", async () => {
    const org = await api.seed();
    const { id } = (await org.post("/v1/api_keys", { name: "CRM", scopes: ["leads:read"] })).json;
    for (const answer of [
      await org.delete(`/v1/api_keys/${id}?=dry_run`),
      await org.get("/v1/sellers?limit=1&=1"),
      await org.get("/v1/sellers?=1&=2"),
    ])
      expect(answer.json, answer.text).toMatchObject({ status: 422, errors: [{ pointer: "?", code: "unknown_field" }] });
    expect((await org.get(`/v1/api_keys/${id}`)).json.status).toBe("active");
    expect((await org.get("/v1/sellers?limit=1")).status).toBe(200);
  });

  test("is told only to who may ask, and leaves an Idempotency-Key free", async () => {
    expect((await api.send("GET", "/v1/account?x=1")).status).toBe(401);
    const org = await api.seed();
    const seller = { registered_name: "Acme Solar LLC" };
    const headers = { "idempotency-key": "the-same" };
    expect((await org.post("/v1/sellers?x=1", seller, headers)).status).toBe(422);
    expect((await org.post("/v1/sellers", seller, headers)).status).toBe(201);
  });
});
