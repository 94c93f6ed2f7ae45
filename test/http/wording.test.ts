/** What a refused field is told: what to write there, once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemTypes } from "../../src/http/problem-types.ts";
import { type Api, openApi } from "./api.ts";

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
  expect(made.json).toMatchObject({ status: "awaiting_file", status_detail: null });
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
