/** A cursor goes on with the list that gave it, and with no other. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { cursorOf as cursorAt, listOfRequest } from "../../src/http/page.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { signIn } from "./signed-in.ts";

let api: Api;
let org: Caller;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  for (const name of ["one", "two", "three"]) await org.post("/v1/api_keys", { name, scopes: ["leads:read"] });
  for (const name of ["one", "two", "three"]) await org.post("/v1/sellers", { registered_name: name });
  for (const note of ["one", "two", "three"]) await org.post("/v1/halts", { reason: "org_halted", note });
});
afterAll(() => api.close());

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}
const refusal = { status: 422, json: { code: "invalid_request", errors: [{ pointer: "?cursor", code: "cursor_invalid" }] } };
const cursorOf = async (path: string) => (await org.get(path)).json.next_cursor as string;

test("every list with cursors refuses that of another, and says so by the parameter", async () => {
  const { paths } = (await api.send("GET", "/openapi.json")).json as { paths: Record<string, { get?: Operation }> };
  const lists = Object.entries(paths)
    .filter(([, { get }]) => get?.parameters?.some(({ name, in: place }) => name === "cursor" && place === "query"))
    .map(([path]) => path.replace("{id}", "lead_01k6dj4yz8f1vr6vwnxbmd0h2z"));
  expect(lists.length).toBeGreaterThan(15);
  const [ofKeys, ofSellers, ofChain] = await Promise.all(["/v1/api_keys?limit=1", "/v1/sellers?limit=1", "/v1/audit?limit=1"].map(cursorOf)); // prettier-ignore
  expect([ofKeys, ofSellers, ofChain].map((one) => typeof one)).toEqual(["string", "string", "string"]);
  // Some are of people alone.
  const owner = await signIn(api, { orgId: org.orgId, role: "owner" });
  for (const list of lists)
    for (const [cursor, own] of [[ofKeys, "/v1/api_keys"], [ofSellers, "/v1/sellers"], [ofChain, "/v1/audit"]]) {
      const answer = await owner.send("GET", `${list}?cursor=${cursor}`);
      if (list === own) expect(answer.status, list).toBe(200);
      else expect(answer, list).toMatchObject(refusal);
    } // prettier-ignore
});

test("and that of the same list with other filters", async () => {
  const open = await cursorOf("/v1/halts?limit=1&open=true");
  expect((await org.get(`/v1/halts?limit=2&open=true&cursor=${open}`)).json.data).toHaveLength(2);
  for (const query of ["", "&open=false"]) expect(await org.get(`/v1/halts?cursor=${open}${query}`)).toMatchObject(refusal);
  const chain = await cursorOf("/v1/audit?limit=1&type=seller.");
  expect((await org.get(`/v1/audit?type=seller.&cursor=${chain}`)).json.data).toHaveLength(2);
  expect(await org.get(`/v1/audit?type=api_key.&cursor=${chain}`)).toMatchObject(refusal);
});

test("text that is no cursor at all is refused the same, and another organisation's only moves the start", async () => {
  for (const text of ["x", "AAAA", "%00", "AZqbLH0AcACAAAAAAAAAAAE", "a".repeat(64)])
    expect(await org.get(`/v1/sellers?cursor=${text}`), text).toMatchObject(refusal);
  const other = await api.seed();
  const { status, json } = await other.get(`/v1/sellers?cursor=${await cursorOf("/v1/sellers?limit=1")}`);
  expect([status, json.data]).toEqual([200, []]);
});

test("a made-up place that no list has is refused by its name, however large", async () => {
  const list = listOfRequest({ req: { path: "/v1/audit" } }, {});
  for (const place of ["0020000000000000", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff"]) {
    const answer = await org.get(`/v1/audit?cursor=${cursorAt(list, place)}`);
    expect([answer.status, answer.json.errors?.[0]], place).toMatchObject([422, { pointer: "?cursor", code: "cursor_invalid" }]);
  }
  // Of the list, and no place of its kind: a number where a row is.
  const rows = listOfRequest({ req: { path: "/v1/leads" } }, {});
  expect(await org.get(`/v1/leads?cursor=${cursorAt(rows, "0000000000000001")}`)).toMatchObject({ status: 422, json: { errors: [{ code: "cursor_invalid" }] } }); // prettier-ignore
  expect((await org.get(`/v1/audit?cursor=${cursorAt(list, "001fffffffffffff")}`)).status).toBe(200);
  expect(api.faults).toEqual([]);
});
