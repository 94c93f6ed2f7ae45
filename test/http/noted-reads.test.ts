/** Whoever sees the data of a person who is called stands on the chain, and be it in a change's answer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, type Caller, openApi } from "./api.ts";
import { chainOf, type Entry, forbidEntry, signIn } from "./signed-in.ts";

const accessed = "customer_data_accessed";
let api: Api;
let org: Caller;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
});
afterAll(() => api?.close());

/** What the chain gained, and the answer. */
async function noting<T>(ask: () => Promise<T>): Promise<{ answer: T; entries: Entry[] }> {
  const before = (await chainOf(api, org.orgId)).length;
  const answer = await ask();
  return { answer, entries: (await chainOf(api, org.orgId)).slice(before) };
}
const typesOf = (entries: readonly Entry[]) => entries.map(({ type }) => type);

let numbers = 100;
async function lead(): Promise<{ id: string; phone: string }> {
  const phone = `+13035550${++numbers}`;
  const made = await org.post("/v1/leads", {
    phone,
    first_name: "Dana",
    email: "dana@people.test",
    notes: "of old",
    state: "CO",
  });
  expect(made.status).toBe(201);
  return { id: made.json.id, phone };
}
async function keyWith(...scopes: string[]): Promise<string> {
  const owner = await signIn(api, { orgId: org.orgId, role: "owner" });
  return (await owner.send("POST", "/v1/api_keys", { name: "narrow", scopes })).json.secret;
}

describe("a change that answers a person's data", () => {
  test("a lead's correction is noted with it, and noted too when it changed nothing", async () => {
    const { id } = await lead();
    const key = await keyWith("leads:write");
    const patch = (body: unknown) => noting(() => api.send("PATCH", `/v1/leads/${id}`, { key, body }));
    const silent = [await patch({}), await patch({ state: "CO" })];
    for (const { answer, entries } of silent) {
      expect(answer.json).toMatchObject({ first_name: "Dana", notes: "of old" });
      expect(entries).toMatchObject([{ type: accessed, subject: id, facts: { operation: "leads.correct" } }]);
    }
    expect(typesOf((await patch({ state: "NY" })).entries).toSorted()).toEqual([accessed, "lead.corrected"]);
  });

  test("is not answered, and not made, when that cannot be written", async () => {
    const { id } = await lead();
    const allow = await forbidEntry(api, accessed);
    const answers = [await org.patch(`/v1/leads/${id}`, {}), await org.patch(`/v1/leads/${id}`, { notes: "anew" })];
    await allow();
    for (const { status, text } of answers) {
      expect(status).toBe(500);
      expect(text).not.toContain("Dana");
    }
    expect((await org.get(`/v1/leads/${id}`)).json.notes).toBe("of old");
  });

  test("evidence for a lead does not tell the lead's number; whoever sends the number has it back", async () => {
    const { id, phone } = await lead();
    const key = await keyWith("consent:write");
    const grant = { kind: "grant", obtained_at: "2026-10-02T18:31:07Z", basis: "unknown" };
    for (const types of [["consent.granted", accessed], [accessed]]) {
      const { answer, entries } = await noting(() =>
        api.send("POST", "/v1/consent_events", { key, body: { ...grant, lead_id: id } }),
      );
      expect(answer.json.details).toMatchObject({ basis: "unknown" });
      expect(answer.text).not.toContain(phone.slice(2));
      expect(typesOf(entries).toSorted()).toEqual(types);
    }
    const sent = await api.send("POST", "/v1/consent_events", { key, body: { ...grant, phone } });
    expect(sent.json).toMatchObject({ already_known: true, details: { number: phone } });
  });
});
