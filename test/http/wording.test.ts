/** What a refused field is told: what to write there, once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemTypes } from "../../src/http/problem-types.ts";
import { publicId } from "../../src/lib/ids.ts";
import { readDocument } from "../hostile/operations.ts";
import { makePerson, makeSession } from "../support/users.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { signIn } from "./signed-in.ts";

const nothing = "019a9b2c-7d00-7000-8000-000000000001";
let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

test.each([
  ["/v1/suppressions", { phones: ["(212) 231-0003"], source: "api" }, "/phones/0", "E.164 form"],
  ["/v1/test_clock/advance", { to: "2026-11-20 15:30" }, "/to", "such as 2026-11-18T15:00:00Z"],
  ["/v1/halts", { reason: "state_halted", note: "storm", state: "Florida" }, "/state", "two letters"],
  ["/v1/sellers", { registered_name: "Acme", do_not_call_number: "555" }, "/do_not_call_number", "US number in E.164 form"],
])("%s says what %j lacks", async (path, body, pointer, words) => {
  const org = await api.seed();
  const answer = await org.post(path, body);
  expect(answer.status).toBe(422);
  const told = (answer.json.errors as { pointer: string; detail: string }[]).filter((error) => error.pointer === pointer);
  expect(told).toHaveLength(1);
  expect(told[0]?.detail).toContain(words);
  expect(told[0]?.detail).not.toContain("regex");
});

describe("a request that its schema refuses", () => {
  const fault = async (path: string, body: unknown) => (await (await api.seed()).post(path, body)).json;

  test.each([
    ["/v1/consent_events", { phone: "+13035550142" }, "/kind", "required", "Required, one of: grant, revocation, lift, relationship."],
    ["/v1/consent_events", { kind: "blessing" }, "/kind", "unknown_value", "Known here: grant, revocation, lift, relationship."],
    ["/v1/halts", { note: "x" }, "/reason", "required", "Required, one of: org_halted, seller_halted, connection_halted, state_halted, caller_number_halted."],
    ["/v1/leads/batch", { leads: {} }, "/leads", "wrong_type", "Expected: a list."],
    ["/v1/leads/batch", { leads: [] }, "/leads", "too_small", "At least 1 entry."],
    ["/v1/leads", {}, "/phone", "required", "Required: a text."],
    ["/v1/decisions", { lead_id: publicId("lead", nothing), campaign_id: publicId("campaign", nothing), technology: "live" }, "/technology", "unknown_field", "This field is not known. Known here: lead_id, campaign_id, at."],
  ])("%s is told of %j, in its detail too, which field and what it knows there", async (path, body, pointer, code, detail) => {
    expect(await fault(path, body)).toMatchObject({ detail: `${pointer}: ${detail}`, errors: [{ pointer, code, detail }] });
  }); // prettier-ignore

  test("an object is no list, in words of nobody's schema library", async () => {
    const { detail, errors } = await fault("/v1/connections", { vendor: "retell", name: "x", config: [], credential: 1 });
    expect(detail).toBe("2 things are wrong: /config (wrong_type), /credential (wrong_type).");
    expect(errors.map((error: { detail: string }) => error.detail)).toEqual(["Expected: an object.", "Expected: an object."]);
  });

  test("of which many fields are wrong, its detail names the first of them", async () => {
    const { detail } = await fault("/v1/campaigns", { a: 1, b: 2, c: 3 });
    expect(detail).toMatch(/^\d things are wrong: \/name \(required\), .*, and \d more\.$/);
  });

  test("a connection's own settings are told the same way", async () => {
    const answer = await fault("/v1/connections", { vendor: "retell", name: "x", config: { agnt_id: "a" }, credential: { api_key: "12345678" } });
    expect(answer.errors).toContainEqual({ pointer: "/config/agent_id", code: "required", detail: "Required: a text." });
    expect(answer.errors.find((error: { code: string }) => error.code === "unknown_field").detail).toContain("Known here: agent_id, ");
  }); // prettier-ignore
});

test("a parameter of an address that is given twice is told so, wherever there is one", async () => {
  const { orgId } = await api.seed();
  const owner = await signIn(api, { orgId, role: "owner" });
  const { operations } = await readDocument(api.deps);
  let asked = 0;
  for (const { method, path, parameters, isPublic } of operations) {
    const queried = parameters.filter((one) => one.in === "query");
    if (method !== "GET" || isPublic || queried.length === 0) continue;
    const at = path.replace("{id}", String(parameters.find(({ name }) => name === "id")?.schema?.example));
    for (const { name } of queried) {
      const answer = await owner.send("GET", `${at}?${name}=1&${name}=2`);
      expect(answer.status, answer.text).toBe(422);
      const detail = "Give it once: it stands in the address more than one time.";
      expect(answer.json.errors, `${path} ${name}`).toContainEqual({ pointer: `?${name}`, code: "given_twice", detail });
      asked += 1;
    }
  }
  expect(asked).toBeGreaterThan(20);
});

describe("a refusal that is lifted at a page or by a request names it", () => {
  test("who has not finished signing in is told where, and every path that is named is there", async () => {
    const { userId } = await makePerson(api.db);
    const { headers } = await makeSession(api.db, api.deps.hashApiKey, userId, realNow, { stage: "factor_due", factor: false });
    const due = (await api.send("GET", "/v1/campaigns", { headers })).json;
    expect(due.code).toBe("second_factor_due");
    const told = (await api.send("GET", new URL(due.type).pathname)).json;
    for (const words of [due.detail, told.fix])
      for (const where of ["/auth/second-factor", "/v1/me/second_factor/totp", "/v1/me/second_factor/recovery_code", "/v1/me/second_factor/passkey"])
        expect(words).toContain(where);
  }); // prettier-ignore

  test("the texts of all problem types name no path that is not there", async () => {
    const { operations } = await readDocument(api.deps);
    const there = new Set(["/openapi.json", ...operations.map(({ path }) => path)]);
    const texts = Object.values(problemTypes).flatMap(({ cause, fix }) => [cause, fix]);
    const named = texts.flatMap((text) => text.match(/\/(?:v1|auth)\/[\w/{}-]+|\/openapi\.json/g) ?? []);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !there.has(path))).toEqual([]);
  });
});

test("a suppression's note is in its answer", async () => {
  const org = await api.seed();
  const made = await org.post("/v1/suppressions", { phones: ["+13035550142"], note: "asked by mail" });
  expect(made.json.data[0]).toMatchObject({ note: "asked by mail" });
  expect((await org.post("/v1/suppressions", { phones: ["+13035550143"] })).json.data[0]).toMatchObject({ note: null });
});

test("an import that failed carries what is wrong with its file", async () => {
  const org = await api.seed();
  const seller = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
  const made = await org.post(
    "/v1/imports",
    {
      seller_id: seller.json.id,
      file_name: "leads.csv",
      columns: { phone: "Phone" },
      attestation: { purpose: "marketing", basis: "pewc", signature: "web_form_submit", date_zone: "UTC" },
    },
    { "idempotency-key": "one" },
  );
  expect(made.json).toMatchObject({ status: "awaiting_file", status_detail: null, bytes_total: null });
  await api.db.admin(
    "update imports set status = 'failed', status_reason = 'column_missing', status_detail = 'no column \"Phone\"'",
  );
  expect((await org.get(`/v1/imports/${made.json.id}`)).json).toMatchObject({ status_detail: 'no column "Phone"' });
});

describe("GET /errors/{type}", () => {
  test.each(Object.keys(problemTypes))("says of %s why it arises and what to do, without a key", async (code) => {
    const told = await api.send("GET", `/errors/${code.replaceAll("_", "-")}`);
    expect(told.json).toMatchObject({ code, type: `https://api.dialgate.test/errors/${code.replaceAll("_", "-")}` });
    const { title, cause, fix } = told.json;
    for (const words of [cause, fix]) expect(words).toMatch(/^[A-Z`].{10,}\.$/);
    expect(new Set([title, cause, fix]).size).toBe(3);
  });

  test("is the address in a problem's type, and knows no other", async () => {
    const problem = await api.send("GET", "/v1/leads");
    const { pathname } = new URL(problem.json.type);
    expect((await api.send("GET", pathname)).json).toMatchObject({ code: "unauthorized", status: 401 });
    expect((await api.send("GET", "/errors/nothing")).status).toBe(404);
  });
});
