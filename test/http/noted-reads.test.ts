/** Whoever sees the data of a person who is called stands on the chain, and be it in a change's answer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { operations, type OperationId, type Rule } from "../../src/domain/access/operations.ts";
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

describe("whom the entry names, where the path does not", () => {
  test("is whoever the number or the lead's id in the body is of, and is never a number", async () => {
    const [one, other] = [await lead(), await lead()];
    const person = async ({ id }: { id: string }) => (await org.get(`/v1/leads/${id}`)).json.person_id as string;
    const [first, second] = [await person(one), await person(other)];
    const campaign_id = publicId("campaign", api.deps.newId());
    const grant = { kind: "grant", obtained_at: "2026-10-02T18:31:07Z", basis: "unknown" };
    const asked: readonly [string, unknown, string, readonly string[] | null][] = [
      ["/v1/leads/search", { phone: one.phone }, one.id, null],
      ["/v1/leads/search", { phone: "+13035559999" }, "leads.search", []],
      ["/v1/suppressions/lookup", { phones: [one.phone] }, first, null],
      ["/v1/suppressions/lookup", { phones: [one.phone, "+13035559999"] }, first, null],
      ["/v1/suppressions/lookup", { phones: [other.phone, one.phone] }, "suppressions.look_up", [first, second].toSorted()],
      ["/v1/suppressions/lookup", { phones: ["+13035559999"] }, "suppressions.look_up", []],
      ["/v1/decisions", { lead_id: one.id, campaign_id }, one.id, null],
      ["/v1/calls", { lead_id: one.id, campaign_id }, one.id, null],
      ["/v1/consent_events", { ...grant, lead_id: one.id }, one.id, null],
      ["/v1/consent_events", { ...grant, phone: one.phone }, first, null],
      ["/v1/consent_events", { ...grant, phone: "+13035559999" }, "", null],
    ];
    for (const [path, body, subject, subjects] of asked) {
      const name = `${path} ${JSON.stringify(body)}`;
      const { entries } = await noting(() => org.post(path, body, { "idempotency-key": api.deps.newId() }));
      const notes = entries.filter(({ type }) => type === accessed);
      expect(notes, name).toHaveLength(1);
      if (subject === "") expect(notes[0]?.subject, name).toMatch(/^pers_/);
      else expect(notes[0]?.subject, name).toBe(subject);
      expect(notes[0]?.facts["subjects"] ?? null, name).toEqual(subjects);
      expect(JSON.stringify(entries), name).not.toContain("303555");
    }
  });

  test("of a list is the page that was asked for: its rows are found again by it", async () => {
    await Promise.all([lead(), lead(), lead()]);
    const first = await noting(() => org.get("/v1/leads?limit=2"));
    const cursor = first.answer.json.next_cursor as string;
    const second = await noting(() => org.get(`/v1/leads?limit=2&cursor=${cursor}`));
    expect(first.entries).toMatchObject([{ type: accessed, subject: "leads.list", facts: { operation: "leads.list", limit: 2 } }]);
    expect(second.entries).toMatchObject([{ type: accessed, subject: "leads.list", facts: { limit: 2, cursor } }]);
    expect((await noting(() => org.get("/v1/leads"))).entries[0]?.facts).not.toHaveProperty("cursor");
  }); // prettier-ignore

  test("of a filtered list is whom the filter names, and else what it was filtered by; an id of the sender's own stands nowhere", async () => {
    const one = await lead();
    expect((await org.patch(`/v1/leads/${one.id}`, { external_id: "dana@people.test" })).status).toBe(200);
    const person = (await org.get(`/v1/leads/${one.id}`)).json.person_id as string;
    const campaign = publicId("campaign", api.deps.newId());
    for (const [query, subject, facts] of [
      ["leads?external_id=dana%40people.test", one.id, { operation: "leads.list" }],
      ["leads?external_id=nobody%40people.test&status=eligible", "leads.list", { filters: { status: "eligible" } }],
      [`attempts?lead_id=${one.id}&limit=3`, one.id, { limit: 3, filters: { lead_id: one.id } }],
      [`calls?lead_id=${one.id}&campaign_id=${campaign}`, one.id, { filters: { lead_id: one.id, campaign_id: campaign } }],
      [`consent_events?person_id=${person}`, person, { filters: { person_id: person } }],
    ] as const) {
      const { answer, entries } = await noting(() => org.get(`/v1/${query}`));
      expect(answer.status, query).toBe(200);
      expect(entries, query).toMatchObject([{ type: accessed, subject, facts }]);
      expect(JSON.stringify(entries), query).not.toContain("people.test");
    }
  }); // prettier-ignore

  test("is read in no request that did not name it", async () => {
    const { phone } = await lead();
    const allow = await forbidEntry(api, accessed);
    const answers = [
      await org.post("/v1/leads/search", { phone }),
      await org.post("/v1/suppressions/lookup", { phones: [phone] }),
    ];
    await allow();
    expect(answers.map(({ status }) => status)).toEqual([500, 500]);
  });

  test("is the first hundred of more", async () => {
    const phones = Array.from({ length: 100 }, (_, at) => `+1303556${String(1000 + at)}`);
    await org.post("/v1/suppressions", { phones });
    const { entries } = await noting(() => org.post("/v1/suppressions/lookup", { phones }));
    expect(entries).toMatchObject([{ type: accessed, facts: { count: 100 } }]);
    expect(entries[0]?.facts["subjects"]).toHaveLength(100);
    const leads = Array.from({ length: 101 }, (_, at) => ({ phone: `+1303557${String(1000 + at)}` }));
    await org.post("/v1/leads/batch", { leads });
    const more = (await noting(() => org.post("/v1/leads/batch", { leads }))).entries;
    expect(more).toMatchObject([{ type: accessed, facts: { count: 101 } }]);
    expect(more[0]?.facts["subjects"]).toHaveLength(100);
  });
});

describe("a number that is known already", () => {
  const add = (key: string, phones: readonly string[], more: Record<string, string> = {}) =>
    api.send("POST", "/v1/leads/batch", { key, body: { leads: phones.map((phone) => ({ phone })) }, headers: more });

  test("is told to whoever adds it with an entry that names its lead, alone or among others, and not without", async () => {
    const [one, other] = [await lead(), await lead()];
    const key = await keyWith("leads:write");
    const alone = await noting(() => api.send("POST", "/v1/leads", { key, body: { phone: one.phone } }));
    expect([alone.answer.status, alone.answer.json.lead_id]).toEqual([409, one.id]);
    expect(alone.entries).toMatchObject([{ type: accessed, subject: one.id, facts: { operation: "leads.create", actor: { type: "api_key" } } }]);
    const both = await noting(() => add(key, [one.phone, other.phone, one.phone]));
    expect(both.answer.json.accepted).toBe(0);
    expect(both.entries).toMatchObject([{ type: accessed, subject: "leads.create_batch", facts: { count: 2, subjects: [one.id, other.id] } }]);
    const fresh = `+13035550${++numbers}`;
    const mixed = await noting(() => add(key, [fresh, one.phone, fresh]));
    expect(mixed.answer.json.accepted).toBe(1);
    expect(typesOf(mixed.entries)).toEqual([accessed, "lead.batch_created"]);
    expect(mixed.entries[0]).toMatchObject({ subject: one.id, facts: { operation: "leads.create_batch" } });
    for (const { entries } of [alone, both, mixed]) expect(JSON.stringify(entries)).not.toContain("303555");
    const again = `+13035550${++numbers}`;
    // Twice in one request: of a lead that it made itself nothing was read.
    expect(typesOf((await noting(() => add(key, [again, again]))).entries)).toEqual(["lead.batch_created"]);
    const allow = await forbidEntry(api, accessed);
    const refused = [
      await api.send("POST", "/v1/leads", { key, body: { phone: one.phone } }),
      await add(key, [one.phone, `+13035550${++numbers}`]),
    ];
    await allow();
    for (const { status, text } of refused) expect([status, text.includes(one.id)]).toEqual([500, false]);
    expect((await org.post("/v1/leads/search", { phone: `+13035550${numbers}` })).json.data).toEqual([]);
  }); // prettier-ignore
});

describe("an answer that is repeated by its Idempotency-Key", () => {
  test("is noted again, of whom it was noted the first time; and is not repeated when that cannot be written", async () => {
    const [one, other] = [await lead(), await lead()];
    const person = (await org.get(`/v1/leads/${one.id}`)).json.person_id as string;
    const asked: readonly [method: string, path: string, body: unknown, status: number, subject: string, subjects: readonly string[] | null][] = [
      ["POST", "/v1/consent_events", { kind: "grant", obtained_at: "2026-10-02T18:31:07Z", basis: "unknown", lead_id: one.id }, 201, one.id, null],
      ["POST", "/v1/leads/search", { phone: one.phone }, 200, one.id, null],
      ["POST", "/v1/suppressions/lookup", { phones: [one.phone] }, 200, person, null],
      ["POST", "/v1/leads", { phone: one.phone }, 409, one.id, null],
      ["POST", "/v1/leads/batch", { leads: [{ phone: one.phone }, { phone: other.phone }] }, 200, "leads.create_batch", [one.id, other.id]],
    ];
    for (const [method, path, body, status, subject, subjects] of asked) {
      const ask = () => api.send(method, path, { key: org.apiKey, body, headers: { "idempotency-key": `${method} ${path}`.replace(" ", "-") } });
      const first = await ask();
      expect(first.status, path).toBe(status);
      const { answer, entries } = await noting(ask);
      expect([answer.headers.get("idempotent-replayed"), answer.text], path).toEqual(["true", first.text]);
      expect(entries, path).toMatchObject([{ type: accessed, subject }]);
      expect(entries[0]?.facts["subjects"] ?? null, path).toEqual(subjects);
      const allow = await forbidEntry(api, accessed);
      const refused = await ask();
      await allow();
      expect([refused.status, refused.text.includes(one.id)], path).toEqual([500, false]);
    }
    const { answer, entries } = await noting(async () => {
      const ask = () => org.post("/v1/sellers", { registered_name: "B" }, { "idempotency-key": "of nobody".replace(" ", "-") });
      await ask();
      return ask();
    });
    expect([answer.headers.get("idempotent-replayed"), typesOf(entries)]).toEqual(["true", ["seller.created"]]);
  }); // prettier-ignore
});

/** What a called person is known or reached by, what they said, and what is made of it, by the names of the answers' fields. */
const personal = new Set([
  "phone", "phones", "number", "e164", "first_name", "last_name", "email", "city", "zip", "external_id", "note", "notes",
  "transcript", "recording_ref", "details", "detail", "gates", "snapshot", "shared", "own", "row", "facts", "body", "evidence",
]); // prettier-ignore

const each = (names: string, ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, names]));
/** The closed list of what bears such a name and shows no called person's data that the asker did not send. */
const shown: Readonly<Record<string, string>> = {
  // Addresses of users, who are no called persons.
  ...each("email", ["invitations.create", "invitations.get", "invitations.list", "invitations.revoke", "me.get", "me.update"]),
  ...each("email", ["members.get", "members.list", "members.make_owner", "members.remove", "members.update"]),
  // Pages of signing in and of being invited.
  ...each("text/html", [
    "invitations.page",
    "oidc.signed_in",
    "sign_in.account_page",
    "sign_in.factors_page",
    "sign_in.link_page",
    "sign_in.page",
  ]),
  ...each("text/html", ["sign_in.second_factor_page"]),
  // Facts of an entry hold no person's data: who writes one keeps to names of fields, counts and public ids.
  ...each("facts", ["audit.list"]),
  // The organisation's own words on why it halted.
  ...each("note", ["halts.create", "halts.end", "halts.list"]),
  // Public ids of rows, and codes: `app.open_incident` is given nothing else.
  ...each("detail", ["incidents.close", "incidents.get", "incidents.list"]),
  // Sentences on the organisation's settings, on a campaign's, and of a provider on a credential.
  ...each("detail gates", ["account.get"]),
  ...each("detail", ["campaigns.launch", "connections.test"]),
  // Counts by gate and reason.
  ...each("gates", ["campaigns.funnel"]),
  // Sentences on the fields that were sent.
  ...each("detail", ["leads.create", "leads.create_batch"]),
  // The numbers and the note that were sent.
  ...each("note phone", ["suppressions.create"]),
};

describe("the document", () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON Schema, as the document has it
  type Schema = any;

  /** The personal names in a schema, at any depth, through references. */
  function namesIn(schema: Schema, schemas: Schema, seen = new Set<Schema>()): string[] {
    if (schema === null || typeof schema !== "object" || seen.has(schema)) return [];
    seen.add(schema);
    if (typeof schema.$ref === "string") return namesIn(schemas[schema.$ref.split("/").at(-1)], schemas, seen);
    const properties = Object.entries<Schema>(schema.properties ?? {});
    const inner = [
      ...properties.map(([, property]) => property),
      schema.items,
      schema.additionalProperties,
      ...[schema.anyOf, schema.oneOf, schema.allOf].flatMap((among) => among ?? []),
    ];
    return [
      ...properties.map(([name]) => name).filter((name) => personal.has(name)),
      ...inner.flatMap((one) => namesIn(one, schemas, seen)),
    ];
  }

  /** Operations whose 2xx can show a person's data: by a field's name, or because it is a file. */
  async function showing(): Promise<Map<string, string>> {
    const { paths, components } = (await api.send("GET", "/openapi.json")).json;
    const found = new Map<string, string>();
    for (const operation of Object.values<Schema>(paths).flatMap((methods) => Object.values<Schema>(methods))) {
      const contents = Object.entries<Schema>(operation.responses).filter(([status]) => status.startsWith("2"));
      for (const [type, { schema }] of contents.flatMap(([, answer]) => Object.entries<Schema>(answer.content ?? {}))) {
        const names = type === "application/json" ? namesIn(schema, components.schemas) : [type];
        if (names.length > 0) found.set(operation.operationId ?? operation.summary, [...new Set(names)].toSorted().join(" "));
      }
    }
    return found;
  }

  test("has no answer that can show a called person's data and is not noted", async () => {
    const found = await showing();
    const isNoted = (id: string) => (operations as Record<string, Rule>)[id]?.subjects === true;
    const unnoted = [...found].filter(([id]) => !isNoted(id)).toSorted();
    expect(Object.fromEntries(unnoted)).toEqual(shown);
    // The walk sees what it is to see: fields, lists, unions and files.
    for (const id of [
      "leads.get",
      "leads.list",
      "leads.correct",
      "calls.get",
      "consent_events.create",
      "decisions.get",
      "imports.rejected",
      "suppressions.look_up",
    ] satisfies OperationId[])
      expect([...found.keys()], id).toContain(id);
  });
});
