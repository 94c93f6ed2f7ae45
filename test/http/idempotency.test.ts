import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, type Caller, openApi } from "./api.ts";
import { signIn } from "./signed-in.ts";
import { retellConnection } from "./voice-signature.ts";

let api: Api;
let acme: Caller;
beforeAll(async () => {
  api = await openApi();
  acme = await api.seed();
});
afterAll(() => api.close());

let count = 0;
const newKey = () => `key-${(count += 1)}`;
const seller = { registered_name: "Acme Solar LLC" };
const post = (key: string, body: unknown = seller, path = "/v1/sellers", caller = acme) =>
  caller.post(path, body, { "idempotency-key": key });
const sellersOf = async (caller: Caller) =>
  (await api.db.admin("select 1 from sellers where org_id = $1", [caller.orgId])).rows.length;

describe("an Idempotency-Key", () => {
  test("gives a repetition the first answer, and does the work once", async () => {
    const key = newKey();
    const before = await sellersOf(acme);
    const first = await post(key);
    const second = await post(key);
    expect(first.status).toBe(201);
    expect({ status: second.status, text: second.text, location: second.headers.get("location") }).toEqual({
      status: 201,
      text: first.text,
      location: first.headers.get("location"),
    });
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(second.headers.get("request-id")).not.toBe(first.headers.get("request-id"));
    expect(await sellersOf(acme)).toBe(before + 1);
  });

  test("with another body or path is 422", async () => {
    const key = newKey();
    await post(key);
    expect((await post(key, { registered_name: "Other" })).json).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    expect((await post(key, seller, "/v1/suppressions/lookup")).json).toMatchObject({
      status: 422,
      code: "idempotency_key_reused",
    });
  });

  test("belongs to its principal: another organisation's same key is its own", async () => {
    const key = newKey();
    const other = await api.seed();
    const mine = await post(key);
    const theirs = await post(key, seller, "/v1/sellers", other);
    expect(theirs.status).toBe(201);
    expect(theirs.headers.get("idempotent-replayed")).toBeNull();
    expect(theirs.json.id).not.toBe(mine.json.id);
  });

  test("belongs to its principal: another key of the organisation has its own, and each repetition gets its own answer", async () => {
    const key = newKey();
    const { secret } = (await acme.post("/v1/api_keys", { name: "CRM", scopes: ["sellers:write", "sellers:read"] })).json;
    const mine = () => post(key);
    const theirs = () =>
      acme.post("/v1/sellers", { registered_name: "Borealis LLC" }, { "idempotency-key": key, authorization: `Bearer ${secret}` });
    const firsts = [await mine(), await theirs()];
    expect(firsts.map(({ status, headers }) => [status, headers.get("idempotent-replayed")])).toEqual([[201, null], [201, null]]);
    for (let turn = 0; turn < 2; turn += 1) {
      const again = [await mine(), await theirs()];
      expect(again.map(({ text }) => text)).toEqual(firsts.map(({ text }) => text));
      expect(again.map(({ headers }) => headers.get("idempotent-replayed"))).toEqual(["true", "true"]);
    }
  }); // prettier-ignore

  const rotated = async (id: string, as = acme) =>
    (await as.post(`/v1/api_keys/${id}/rotate`, { overlap_seconds: 3_600 })).json as { id: string; secret: string };
  const by = (secret: string, key: string) => ({ authorization: `Bearer ${secret}`, "idempotency-key": key });
  const ownId = async (org: Caller) => (await org.get("/v1/me")).json.machine.id as string;

  test("is one for an API key and its successors, however many, in either direction", async () => {
    const org = await api.seed();
    const [before, after] = [newKey(), newKey()];
    const first = await post(before, seller, "/v1/sellers", org);
    const second = await rotated(await ownId(org), org);
    const third = await rotated(second.id, org);
    for (const { secret } of [second, third]) {
      const again = await org.post("/v1/sellers", seller, by(secret, before));
      expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([201, first.text, "true"]);
      const other = await org.post("/v1/sellers", { registered_name: "Other" }, by(secret, before));
      expect(other.json).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    }
    const made = await org.post("/v1/sellers", seller, by(third.secret, after));
    for (const headers of [{ "idempotency-key": after }, by(second.secret, after)]) {
      const again = await org.post("/v1/sellers", seller, headers);
      expect([again.text, again.headers.get("idempotent-replayed")]).toEqual([made.text, "true"]);
    }
    expect(await sellersOf(org)).toBe(2);
  });

  test("is taken, settled and freed by a successor as by the first", async () => {
    const org = await api.seed();
    const { secret } = await rotated(await ownId(org), org);
    const key = newKey();
    expect((await org.post("/v1/sellers", { nonsense: true }, by(secret, key))).status).toBe(422);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        org.post("/v1/sellers", seller, at % 2 === 0 ? by(secret, key) : { "idempotency-key": key }),
      ),
    );
    const made = answers.filter(({ status, headers }) => status === 201 && headers.get("idempotent-replayed") === null);
    expect(made).toHaveLength(1);
    expect((await org.post("/v1/sellers", seller, by(secret, key))).text).toBe(made[0]?.text);
    expect(await sellersOf(org)).toBe(1);
  });

  test("of a request that ends its own API key keeps the answer for the successor", async () => {
    const org = await api.seed();
    const [key, path] = [newKey(), `/v1/api_keys/${await ownId(org)}/rotate`];
    const first = await post(key, { overlap_seconds: 0 }, path, org);
    expect(first.status, first.text).toBe(201);
    expect((await org.get("/v1/sellers")).status).toBe(401);
    const again = await org.post(path, { overlap_seconds: 0 }, by(first.json.secret as string, key));
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(again.json).toEqual({ ...first.json, secret: null });
  });

  test("is another for each of two keys that are no rotations of one another", async () => {
    const org = await api.seed();
    const other = (await org.post("/v1/api_keys", { name: "Other", scopes: ["sellers:write"] })).json.secret as string;
    const key = newKey();
    const mine = await post(key, seller, "/v1/sellers", org);
    const theirs = await org.post("/v1/sellers", seller, by(other, key));
    expect([theirs.status, theirs.headers.get("idempotent-replayed")]).toEqual([201, null]);
    expect(theirs.json.id).not.toBe(mine.json.id);
  });

  test("tells a successor no secret that it told before", async () => {
    const org = await api.seed();
    const wanted = { name: "CRM", scopes: ["leads:read"] };
    const key = newKey();
    const made = await post(key, wanted, "/v1/api_keys", org);
    const { secret } = await rotated(await ownId(org), org);
    const again = await org.post("/v1/api_keys", wanted, by(secret, key));
    expect(again.json).toEqual({ ...made.json, secret: null });
  });

  test("of a person is one in each of their organisations, and another where none is meant", async () => {
    const { orgId } = await api.seed();
    const person = await signIn(api, { orgId, role: "owner" });
    const headers = { "idempotency-key": newKey() };
    const inOrg = await person.send("POST", "/v1/sellers", seller, headers);
    const ofNone = await person.send("POST", "/v1/orgs", { name: "Another" }, headers);
    expect([inOrg.status, ofNone.status], ofNone.text).toEqual([201, 201]);
    expect(ofNone.headers.get("idempotent-replayed")).toBeNull();
  });

  test("of twelve requests at once lets one do the work", async () => {
    const key = newKey();
    const before = await sellersOf(acme);
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(key)));
    const made = answers.filter((answer) => answer.status === 201 && answer.headers.get("idempotent-replayed") === null);
    expect(made).toHaveLength(1);
    const others = answers.filter((answer) => answer !== made[0]);
    const replayed = others.filter((answer) => answer.status === 201);
    const inFlight = others.filter((answer) => answer.status === 409 && answer.json.code === "idempotency_key_in_flight");
    expect(replayed.length + inFlight.length).toBe(11);
    expect(replayed.map((answer) => answer.text)).toEqual(replayed.map(() => made[0]?.text));
    expect(await sellersOf(acme)).toBe(before + 1);
  });

  test("replays a refusal too, because the first request was judged", async () => {
    const key = newKey();
    const body = { reason: "seller_halted", note: "x", seller_id: "sell_01m7yymq5tfzqbgz5hghp6v235" };
    const first = await post(key, body, "/v1/halts");
    const second = await post(key, body, "/v1/halts");
    expect(first.status).toBe(422);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(second.headers.get("content-type")).toBe("application/problem+json");
  });

  test("is free again after a request that could not be read", async () => {
    const key = newKey();
    expect((await post(key, { nonsense: true })).status).toBe(422);
    expect((await post(key)).status).toBe(201);
  });

  test("whose first request broke off says that its state is not known, and does nothing", async () => {
    const key = newKey();
    const before = await sellersOf(acme);
    await post(key);
    await api.db.admin("update idempotency_keys set status = null, body = null, created_at = now() where key = $1", [key]);
    expect((await post(key)).json).toMatchObject({ status: 409, code: "idempotency_key_in_flight" });
    await api.db.admin("update idempotency_keys set created_at = now() - interval '61 seconds' where key = $1", [key]);
    expect((await post(key)).json).toMatchObject({ status: 409, code: "idempotency_state_unknown" });
    expect(await sellersOf(acme)).toBe(before + 1);
  });

  test("whose first request failed here keeps no answer, and does not try again by itself", async () => {
    const key = newKey();
    const { sealCredential } = api.deps;
    Object.assign(api.deps, { sealCredential: () => Promise.reject(new Error("breaks")) });
    const first = await post(key, retellConnection, "/v1/connections");
    Object.assign(api.deps, { sealCredential });
    expect(first).toMatchObject({ status: 500, json: { detail: expect.stringContaining("use a new Idempotency-Key") } });
    expect((await post(key, retellConnection, "/v1/connections")).json).toMatchObject({
      status: 409,
      code: "idempotency_state_unknown",
    });
  });

  test("serves again when its day is over", async () => {
    const key = newKey();
    const first = await post(key);
    await api.db.admin("update idempotency_keys set expires_at = now() where key = $1", [key]);
    const second = await post(key, { registered_name: "Another" });
    expect(second.status).toBe(201);
    expect(second.json.id).not.toBe(first.json.id);
  });

  test.each(["a b", "x".repeat(256)])("of the form %j is refused", async (key) => {
    expect((await post(key)).json).toMatchObject({ status: 422, code: "idempotency_key_invalid" });
  });

  test("is demanded where a repetition would dial or import", async () => {
    for (const path of ["/v1/calls", "/v1/imports"]) {
      expect((await acme.post(path, {})).json, path).toMatchObject({ status: 400, code: "idempotency_key_missing" });
    }
  });
});
