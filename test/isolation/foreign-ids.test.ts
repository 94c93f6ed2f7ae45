/** The API asked with another org's ids, operation by operation of its own document. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { idPrefixes, publicId } from "../../src/lib/ids.ts";
import { openTenants, rowsOfOrg, type Tenants, tenantTables } from "./tenants.ts";

type Kind = keyof typeof idPrefixes;
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { name: string; in: string; schema?: { example?: unknown; anyOf?: unknown } }[];
  readonly example: Record<string, unknown> | null;
  readonly forKeys: boolean;
}
/** Where the rows of each kind of id are. */
const tableOf: Partial<Record<Kind, string>> = {
  seller: "sellers", connection: "connections", campaign: "campaigns", lead: "leads", import: "imports", consentEvent: "consent_events",
  attempt: "dial_attempts", call: "calls", halt: "halts", decision: "decisions", person: "persons", suppression: "suppressions",
  position: "counsel_positions", apiKey: "api_keys",
  user: "(select m.*, m.user_id as id from memberships m)", invitation: "invitations", supportGrant: "support_grants", tokenIssuer: "token_issuers", incident: "incidents",
}; // prettier-ignore

let t: Tenants;
let operations: Operation[];
beforeAll(async () => {
  t = await openTenants();
  const document = (await (await createApp().request("/openapi.json", {}, t.house.api.deps)).json()) as {
    paths: Record<string, Record<string, Record<string, unknown>>>;
    components: { schemas: Record<string, { example?: Record<string, unknown> }> };
  };
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const body = operation["requestBody"] as { content: Record<string, { schema: { $ref?: string } }> } | undefined;
      const named = body?.content["application/json"]?.schema.$ref?.split("/").at(-1) ?? "";
      return {
        method: method.toUpperCase(),
        path,
        parameters: (operation["parameters"] ?? []) as Operation["parameters"],
        example: document.components.schemas[named]?.example ?? null,
        forKeys: operation["x-scope"] !== "people",
      };
    }),
  );
}, 120_000);
afterAll(() => t.house.close());

const kindOfPrefix = (text: string): Kind | undefined =>
  (Object.keys(idPrefixes) as Kind[]).find((kind) => text.startsWith(`${idPrefixes[kind]}_`));
/** What the org's newest row of a kind is called on the wire, and what one that never was would be. */
async function ids(kind: Kind): Promise<{ foreign: string; never: string }> {
  const table = tableOf[kind];
  if (table === undefined) throw new Error(`no table for ${kind}`);
  const [row] = await rowsOfOrg(t.house.api.db.admin, table, t.a.orgId);
  return { foreign: publicId(kind, String(row?.["id"])), never: publicId(kind, t.house.api.deps.newId()) };
}
/** What no two answers share, whatever they say: the last is how many requests were sent before. */
const ofTheRequest = new Set(["request-id", "date", "ratelimit"]);
const told = ({ status, headers, text }: { status: number; headers: Headers; text: string }) => ({
  status,
  headers: [...headers].filter(([name]) => !ofTheRequest.has(name)),
  text: text.replaceAll(/req_[a-z0-9]{26}/g, "req"),
});
const send = (operation: Operation, path: string, body: unknown) => {
  const file = path.endsWith("/file");
  const headers: Record<string, string> = file
    ? { "content-type": "text/csv", "content-length": "1" }
    : operation.method === "POST"
      ? { "idempotency-key": t.house.api.deps.newId() }
      : {};
  return t.house.api.send(operation.method, path, {
    key: t.b.apiKey,
    headers,
    ...(file ? { raw: "x" } : body === undefined ? {} : { body }),
  });
};
const everything = async () => {
  const counts: Record<string, number> = {};
  for (const { name } of await tenantTables(t.house.api.db.admin)) {
    // Keys are kept for whoever asks, whatever came of it; and who asked for someone's data stands on the chain.
    if (name === "public.idempotency_keys" || name === "audit.payload") continue;
    const rows = await rowsOfOrg(t.house.api.db.admin, name, t.a.orgId);
    counts[name] = rows.filter((row) => row["event_type"] !== "customer_data_accessed").length;
  }
  return counts;
};

describe("with another org's id", () => {
  test("in the path, every operation answers the bytes of an id that never was, and changes nothing", async () => {
    // What people alone may ask is asked by people, in the matrix.
    const withId = operations.filter(({ path, forKeys }) => forKeys && path.startsWith("/v1/") && path.includes("{id}"));
    expect(withId.length).toBeGreaterThan(15);
    const before = await everything();
    for (const operation of withId) {
      const name = `${operation.method} ${operation.path}`;
      const kind = kindOfPrefix(String(operation.parameters.find((one) => one.name === "id")?.schema?.example));
      if (kind === undefined) throw new Error(`${name}: its id has no example`);
      const { foreign, never } = await ids(kind);
      const [one, other] = [
        await send(operation, operation.path.replace("{id}", foreign), operation.example ?? undefined),
        await send(operation, operation.path.replace("{id}", never), operation.example ?? undefined),
      ];
      expect(one.status, `${name}: ${one.text}`).toBe(404);
      expect(told(one), name).toEqual(told(other));
      expect(one.text, name).not.toContain(foreign);
      // The owner's own question is answered: the id is a real one.
      if (operation.method === "GET") {
        const own = await t.a.get(operation.path.replace("{id}", foreign));
        expect([200, 404], name).toContain(own.status);
        if (!operation.path.endsWith("/decision")) expect(own.status, name).toBe(200);
      }
    }
    expect(await everything()).toEqual(before);
    console.log(`another org's id in the path: ${withId.length} operations`);
  }, 120_000);

  test("in a body, every operation answers as for an id that never was", async () => {
    const bodies = operations.filter(
      ({ path, method, example, forKeys }) =>
        forKeys && path.startsWith("/v1/") && method === "POST" && example !== null && hasId(example),
    );
    const more: [string, Record<string, unknown>][] = [
      ["/v1/leads", { phone: "+12125550142", consent: { seller_id: publicId("seller", nothing), obtained_at: "2026-10-01T12:00:00Z", basis: "pewc", purpose: "marketing" } }],
      ["/v1/leads/batch", { leads: [{ phone: "+12125550143", consent: { seller_id: publicId("seller", nothing), obtained_at: "2026-10-01T12:00:00Z", basis: "pewc", purpose: "marketing" } }] }],
      ["/v1/consent_events", { kind: "revocation", lead_id: publicId("lead", nothing), channel: "mail" }],
      ["/v1/halts", { reason: "seller_halted", note: "x", seller_id: publicId("seller", nothing) }],
      ["/v1/halts", { reason: "connection_halted", note: "x", connection_id: publicId("connection", nothing) }],
      [`/v1/campaigns/${publicId("campaign", await draftOfB())}/launch`, { import_ids: [publicId("import", nothing)] }],
    ]; // prettier-ignore
    const cases = [...bodies.map((one): [string, Record<string, unknown>] => [one.path, one.example ?? {}]), ...more];
    expect(cases.length).toBeGreaterThan(9);
    const before = await everything();
    for (const [path, example] of cases) {
      const operation = { method: "POST", path, parameters: [], forKeys: true, example };
      for (const at of idPlaces(example)) {
        // The other ids of the body are the caller's own, so that this one is what decides.
        const own = await withOwnIds(example, at.path);
        const { foreign, never } = await ids(at.kind);
        const one = await send(operation, path, put(own, at.path, foreign));
        const other = await send(operation, path, put(own, at.path, never));
        const name = `${path} ${at.path.join("/")}`;
        expect(told(one), name).toEqual(told(other));
        if (path !== "/v1/leads/batch") expect([404, 422], `${name}: ${one.text}`).toContain(one.status);
      }
    }
    expect(await everything()).toEqual(before);
    console.log(`another org's id in a body: ${cases.length} bodies`);
  }, 120_000);

  test("in a query, every list is empty as for an id that never was, and a foreign cursor shows nothing", async () => {
    const lists = operations.filter(
      ({ method, parameters }) => method === "GET" && parameters.some((one) => one.in === "query" && one.name.endsWith("_id")),
    );
    expect(lists.length).toBeGreaterThan(2);
    for (const operation of lists.filter(({ path }) => !path.includes("{"))) {
      for (const parameter of operation.parameters.filter(
        (one) => one.in === "query" && one.name.endsWith("_id") && one.name !== "external_id",
      )) {
        const kind = kindOfPrefix(String(parameter.schema?.example));
        if (kind === undefined) throw new Error(`${operation.path}: ${parameter.name} has no example`);
        const { foreign, never } = await ids(kind);
        const [one, other] = [
          await t.b.get(`${operation.path}?${parameter.name}=${foreign}`),
          await t.b.get(`${operation.path}?${parameter.name}=${never}`),
        ];
        expect(one.status, operation.path).toBe(200);
        expect(told(one), operation.path).toEqual(told(other));
        expect(one.json.data).toEqual([]);
      }
    }
    for (const operation of operations.filter(
      ({ method, path, parameters, forKeys }) =>
        method === "GET" && forKeys && !path.includes("{") && parameters.some((one) => one.name === "cursor"),
    )) {
      const page = await t.a.get(`${operation.path}?limit=1`);
      const cursor = page.json.next_cursor as string | null;
      if (cursor === null) continue;
      const foreign = await t.b.get(`${operation.path}?limit=100&cursor=${cursor}`);
      const own = JSON.stringify((await t.a.get(`${operation.path}?limit=100`)).json.data.map((row: { id: string }) => row.id));
      for (const row of foreign.json.data as { id: string }[]) expect(own).not.toContain(row.id);
    }
  }, 120_000);

  test("a key without the route's scope writes nothing, not even its Idempotency-Key, and an unknown one is told no more than that", async () => {
    const { api } = t.house;
    const reader = await api.seed({ scopes: ["leads:read"] });
    const unknown = mintApiKey(api.deps.newId(), false, new Uint8Array(32).fill(3)).clear;
    // A search is what the key may do: its answer is kept.
    const others = operations.filter(
      ({ path, method }) => path.startsWith("/v1/") && method === "POST" && path !== "/v1/leads/search",
    );
    for (const operation of others) {
      const path = operation.path.replace("{id}", publicId("lead", nothing));
      const init = { headers: { "idempotency-key": "one-key" }, body: operation.example ?? {} };
      const asReader = await api.send("POST", path, { ...init, key: reader.apiKey });
      const refused = operation.forKeys ? "scope_missing" : "people_only";
      expect({ path, code: asReader.json.code }).toEqual({ path, code: refused });
      expect({ path, code: (await api.send("POST", path, { ...init, key: unknown })).json.code }).toEqual({
        path,
        code: "unauthorized",
      });
    }
    const kept = await api.db.admin("select key from idempotency_keys where org_id = $1", [reader.orgId]);
    expect(kept.rows).toEqual([]);
    expect(api.faults).toEqual([]);
  }, 60_000);
});

const nothing = "019a9b2c-7d00-7000-8000-000000000001";
const isId = (value: unknown): value is string => typeof value === "string" && /^[a-z]+_[0-9a-z]{26}$/.test(value);
const hasId = (value: object): boolean => idPlaces(value).length > 0;

/** Every place of a body that holds an id, in whatever depth. */
function idPlaces(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; kind: Kind }[] {
  if (isId(value)) {
    const kind = kindOfPrefix(value);
    return kind === undefined ? [] : [{ path, kind }];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => idPlaces(member, [...path, Array.isArray(value) ? Number(key) : key]));
}
function put<T>(value: T, [key, ...rest]: readonly (string | number)[], id: string): T {
  if (key === undefined) return id as T;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = put(copy[key], rest, id);
  return copy as T;
}
async function withOwnIds(body: Record<string, unknown>, but: readonly (string | number)[]): Promise<Record<string, unknown>> {
  let own = body;
  for (const { path, kind } of idPlaces(body)) {
    if (path.join() === but.join()) continue;
    const [row] = await rowsOfOrg(
      t.house.api.db.admin,
      kind === "connection" ? "(select * from connections where kind = 'voice')" : (tableOf[kind] ?? ""),
      t.b.orgId,
    );
    own = put(own, path, publicId(kind, String(row?.["id"])));
  }
  return own;
}
async function draftOfB(): Promise<string> {
  const id = t.house.api.deps.newId();
  await t.house.api.db.admin(
    `insert into campaigns select (jsonb_populate_record(null::campaigns, to_jsonb(c) || jsonb_build_object('id', $2::text, 'status', 'draft'))).*
       from campaigns c where org_id = $1 order by id limit 1`,
    [t.b.orgId, id],
  );
  return id;
}
