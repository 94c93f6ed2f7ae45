import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, openApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

describe("sellers", () => {
  test("a seller is created, read, listed and changed", async () => {
    const org = await api.seed();
    const made = await org.post("/v1/sellers", { registered_name: "Acme Solar LLC" });
    expect(made.json).toMatchObject({ object: "seller", registered_name: "Acme Solar LLC", trade_names: [] });
    expect(made.status).toBe(201);
    const got = await org.get(`/v1/sellers/${made.json.id}`);
    expect(got.json).toEqual(made.json);
    const list = await org.get("/v1/sellers");
    expect(list.json).toEqual({ object: "list", data: [made.json], has_more: false, next_cursor: null });
    const changed = await org.patch(`/v1/sellers/${made.json.id}`, { trade_names: ["Acme Sun"] });
    expect(changed.json.trade_names).toEqual(["Acme Sun"]);
  });
});
