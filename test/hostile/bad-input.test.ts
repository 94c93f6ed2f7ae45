/** Whatever is sent, nothing breaks, every refusal says what is wrong and where, and a refused request has written nothing. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { problemTypes } from "../../src/http/problem-types.ts";
import { type House, type LiveOrg, openHouse } from "../support/live-house.ts";
import { tenantTables } from "../isolation/tenants.ts";
import { watchFootprint } from "../support/footprint.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { type Document, type Operation, readDocument, type Schema } from "./operations.ts";

/** `npm run test:full` sets more. */
const runs = Number(process.env["FUZZ_RUNS"] ?? 20);
let house: House;
let org: LiveOrg;
let document: Document;
let footprint: () => Promise<string>;
let own: string[];
/** Of an owner, for what no key may ask. */
let session: Readonly<Record<string, string>>;

beforeAll(async () => {
  house = await openHouse();
  org = await house.open("Acme");
  const [lead = ""] = await org.leads([{ phone: "+12122340001" }]);
  const campaign = await org.launch(org.retell);
  own = [org.seller, org.retell, org.elevenlabs, org.dnc, lead, campaign, publicId("lead", house.api.deps.newId()), publicId("import", house.api.deps.newId())];
  const owner = await makePerson(house.api.db);
  await makeMember(house.api.db, org.orgId, owner.userId, "owner");
  const signedIn = await makeSession(house.api.db, house.api.deps.hashApiKey, owner.userId, house.api.deps.now(), { org: org.orgId });
  session = signedIn.headers;
  document = await readDocument(house.api.deps);
  footprint = await watchFootprint(house.api.db.admin, await tenantTables(house.api.db.admin));
}, 120_000); // prettier-ignore
afterAll(() => house.close());

type Answer = Awaited<ReturnType<House["api"]["send"]>>;
/** 409 is told of a state, and its decision or evidence is kept; so is that a second factor was tried and did not hold. */
const isKept = ({ status, json }: Answer): boolean => status === 409 || json?.code === "factor_refused";
/** A refusal is a problem document that says what is wrong; of these, none has written. */
async function judge(name: string, answer: Answer, before: string): Promise<void> {
  expect(answer.status, `${name}: ${answer.text} ${JSON.stringify(house.api.faults.at(-1))}`).toBeLessThan(500);
  if (answer.status < 400) return;
  expect(answer.headers.get("content-type"), name).toBe("application/problem+json");
  expect(answer.headers.get("cache-control"), name).toBe("no-store");
  const { code, status, detail, instance } = answer.json;
  expect(problemTypes[code as keyof typeof problemTypes]?.status, `${name}: ${code}`).toBe(answer.status);
  expect({ status, instance }, name).toEqual({ status: answer.status, instance: answer.headers.get("request-id") });
  expect(detail, name).not.toBe("");
  if (answer.status === 422 && code === "invalid_request") {
    expect(answer.json.errors.length, name).toBeGreaterThan(0);
    for (const fault of answer.json.errors) {
      expect(fault.pointer, name).toMatch(/^($|\/|\?)/);
      expect(fault.code, name).toMatch(/^[a-z_]+$/);
      expect(fault.detail, name).not.toBe("");
    }
  }
  if (!isKept(answer)) expect(await footprint(), `${name} wrote: ${answer.text}`).toBe(before);
}

async function send(operation: Operation, path: string, raw: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await house.api.send(operation.method, path, {
    ...(operation.forPeople ? {} : { key: org.apiKey }),
    raw,
    headers: { ...(operation.forPeople ? session : {}), "content-type": "application/json", ...(operation.method === "POST" ? { "idempotency-key": house.api.deps.newId() } : {}), ...headers },
  });
  // A session goes on under another cookie when what its person may has changed.
  const [cookie] = answer.headers.get("set-cookie")?.split(";") ?? [];
  if (operation.forPeople && cookie?.includes("=dgs_") === true) session = { ...session, cookie };
  return answer;
} // prettier-ignore
const writing = () =>
  document.operations.filter(
    ({ method, isPublic, path }) => !isPublic && ["POST", "PATCH", "PUT", "DELETE"].includes(method) && !path.endsWith("/file"),
  );
/** The path with an id that exists, where one of its kind does. */
function pathOf({ path, parameters }: Operation): string {
  const prefix = String(parameters.find(({ name }) => name === "id")?.schema?.example).split("_")[0] ?? "";
  return path.replace("{id}", own.find((id) => id.startsWith(`${prefix}_`)) ?? publicId("halt", house.api.deps.newId()));
}

const utf16 = (text: string) => new Uint8Array(Buffer.from(text, "utf16le"));
const corpus: readonly (readonly [what: string, raw: string | Uint8Array, headers?: Record<string, string>])[] = [
  ["no JSON", "{"],
  ["two values", "{} {}"],
  ["a trailing comma", '{"a":1,}'],
  ["a comment", "{/* */}"],
  ["NaN", '{"a":NaN}'],
  ["single quotes", "{'a':1}"],
  ["a bare control character", '{"a":"\u0001"}'],
  ["null", "null"],
  ["an array", "[]"],
  ["a number", "1e999"],
  ["a string", '"text"'],
  ["a deep array", `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
  ["a deep object", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`],
  ["an unclosed deep array", "[".repeat(60_000)],
  ["a number without end", `{"a":${"9".repeat(60_000)}}`],
  ["an infinite number", '{"name":1e400,"max_concurrency":-1e400}'],
  ["a tiny number", '{"max_concurrency":1e-400,"calls_per_second":5e-324}'],
  ["a number past 2^53", '{"max_concurrency":9007199254740993,"seconds":9007199254740993,"attempts_max":2147483648}'],
  ["a key twice", '{"name":"a","name":"b","name":{"c":1}}'],
  ["__proto__", '{"__proto__":{"admin":true},"name":"a"}'],
  ["constructor.prototype", '{"constructor":{"prototype":{"admin":true}}}'],
  ["toString", '{"toString":1,"hasOwnProperty":1,"valueOf":null}'],
  ["a NUL", '{"name":"a\\u0000b","note":"\\u0000"}'],
  ["a NUL in a key", '{"a\\u0000b":1}'],
  ["half a surrogate pair", '{"name":"\\ud800","note":"\\udc00x"}'],
  ["half a surrogate pair in a key", '{"\\ud800":1}'],
  ["a byte order mark", "\ufeff{}"],
  ["UTF-16", utf16('{"name":"a"}')],
  ["Latin-1", new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xe9, 0x22, 0x7d])],
  ["overlong UTF-8", new Uint8Array([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
  ["a hundred thousand keys", `{${Array.from({ length: 5_000 }, (_, at) => `"k${at}":1`).join(",")}}`],
  ["a long key", `{"${"k".repeat(60_000)}":1}`],
  ["ten megabytes", `{"name":"${"a".repeat(10_000_000)}"}`],
  ["a form", "a=1", { "content-type": "application/x-www-form-urlencoded" }],
  ["no content type", '{"name":"a"}', { "content-type": "" }],
  ["another charset", '{"name":"a"}', { "content-type": "application/json; charset=utf-16" }],
  ["gzip that is none", '{"name":"a"}', { "content-encoding": "gzip" }],
];

describe("a body that is no request", () => {
  test("is refused by every operation that takes one, with a problem document, and nothing is written", async () => {
    let before = await footprint();
    let sent = 0;
    for (const [at, operation] of writing().entries()) {
      // One reader reads all bodies: each operation is sent a third of them, in turn (`npm run test:full`: all), and each body twenty.
      for (const [what, raw, headers] of corpus.filter((_, place) => runs > 20 || place % 3 === at % 3)) {
        const answer = await send(operation, pathOf(operation), raw, headers);
        await judge(`${operation.name} with ${what}`, answer, before);
        sent += 1;
        if (answer.status < 400 || isKept(answer)) before = await footprint();
      }
    }
    expect(house.api.faults).toEqual([]);
    console.log(`no request: ${sent} bodies to ${writing().length} operations, 0 broke`);
  }, 240_000);
});

// ------------------------------------------------------------------------ from the document's own schemas

const oddText = fc.oneof(
  fc.constantFrom("", " ", "\u0000", "\ud800", "\u007f", "\u0085", "\u202e", "'; drop table leads; --", "${jndi:x}", "__proto__", "null", "NaN", "infinity", "-infinity"),
  fc.constantFrom("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-11-18T15:00:00Z", "+275760-09-13T00:00:00Z", "now", "epoch"),
  fc.constantFrom("+13035550142", "+10000000000", "+999999999999999", "(303) 555-0142", "NY", "zz", "00:00", "24:00", "dg_test_x", "=cmd|' /C calc'!A0", "../../etc/passwd"),
  fc.constantFrom("lead_", "lead_00000000000000000000000000", "sell_7zzzzzzzzzzzzzzzzzzzzzzzzz", "sell_zzzzzzzzzzzzzzzzzzzzzzzzzz"),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("a".repeat(5_000), "\u{1f4a9}".repeat(600), "a\u0301".repeat(300)),
); // prettier-ignore
const oddNumber = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    -1,
    1,
    0.5,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    1e308,
    -1e308,
    5e-324,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  oddNumber,
  fc.constantFrom(null, true, false, [], {}, [[]], { a: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Mostly what the schema asks for, at its edges; now and then something else. */
function valueOf(given: Schema, depth = 0): fc.Arbitrary<unknown> {
  const schema = document.resolve(given);
  const fitting = fittingValue(schema, depth);
  return fc.oneof({ weight: 40, arbitrary: fitting }, { weight: 1, arbitrary: oddValue });
}
function fittingValue(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema === undefined || depth > 6) return oddValue;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as unknown[]));
  const any = schema.anyOf ?? schema.oneOf;
  if (any !== undefined) return fc.oneof(...(any as Schema[]).map((one) => valueOf(one, depth + 1)));
  if (schema.allOf !== undefined) return valueOf(schema.allOf[0], depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object": {
      const members = Object.entries<Schema>(schema.properties ?? {}).map(
        ([key, member]) => [key, valueOf(member, depth + 1)] as const,
      );
      const requiredKeys = (schema.required ?? []) as string[];
      const record = fc.record(Object.fromEntries(members), { requiredKeys });
      return fc.oneof(
        { weight: 20, arbitrary: record },
        { weight: 1, arbitrary: record.map((body) => ({ ...body, surprise: 1 })) },
      );
    }
    case "array":
      return fc.array(valueOf(schema.items, depth + 1), { minLength: schema.minItems ?? 0, maxLength: 4 });
    case "integer":
    case "number": {
      const { minimum = -10, maximum = 10_000 } = schema;
      const within = fc.integer({ min: Math.ceil(minimum), max: Math.min(maximum, 2 ** 31) });
      return fc.oneof({ weight: 8, arbitrary: within }, fc.constantFrom(minimum, maximum), oddNumber);
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "string":
      return textOf(schema);
    default:
      return oddValue;
  }
}
function textOf(schema: Schema): fc.Arbitrary<string> {
  const example = schema.example as string | undefined;
  const prefix = example?.match(/^[a-z]+_(?=[0-9a-z]{26}$)/)?.[0];
  const fitting = prefix === undefined ? [] : own.filter((id) => id.startsWith(prefix));
  return fc.oneof(
    { weight: 8, arbitrary: fitting.length > 0 ? fc.constantFrom(...fitting) : fc.constant(example ?? "a") },
    { weight: 1, arbitrary: oddText },
    ...(schema.pattern === undefined ? [] : [{ weight: 2, arbitrary: fc.stringMatching(new RegExp(schema.pattern as string)) }]),
  );
}

describe("a body after the document's own schema", () => {
  test("is done or refused as what it is by every operation, never answered with 5xx, and refused without a trace", async () => {
    const tally: Record<string, number> = {};
    let seen = 0;
    for (const operation of writing()) {
      const bodies = operation.body === null ? fc.constant(undefined) : valueOf(operation.body);
      let before = await footprint();
      const property = fc.asyncProperty(bodies, async (body) => {
        const raw = body === undefined ? "" : JSON.stringify(body);
        const answer = await send(operation, pathOf(operation), raw);
        await judge(`${operation.name} ${raw.slice(0, 500)}`, answer, before);
        tally[answer.status] = (tally[answer.status] ?? 0) + 1;
        if (answer.status >= 400 && !isKept(answer)) return;
        const after = await footprint();
        if (after !== before) seen += 1;
        before = after;
      });
      await fc.assert(property, { numRuns: operation.body === null ? 3 : runs, seed: 20_261_118, endOnFailure: true });
      // What the operation before took away is put back.
      await house.api.db.admin("update connections set status = 'active'");
      await house.api.db.admin("update test_clocks set status = 'ready', target = null");
    }
    expect(house.api.faults).toEqual([]);
    expect(tally["200"] ?? 0, "nothing passed: the generator is too wild").toBeGreaterThan(20);
    expect(tally["201"] ?? 0).toBeGreaterThan(20);
    expect(seen, "what was done leaves a trace").toBeGreaterThan(20);
    console.log(`bodies after the schema, by status: ${JSON.stringify(tally)}`);
  }, 300_000);

  test("in a query or a path: the same", async () => {
    const tally: Record<string, number> = {};
    for (const operation of document.operations.filter(({ method, isPublic }) => method === "GET" && !isPublic)) {
      const inQuery = operation.parameters.filter((one) => one.in === "query");
      const query = fc.record(Object.fromEntries(inQuery.map(({ name, schema }) => [name, valueOf(schema)])), { requiredKeys: [] });
      const id = fc.oneof(fc.constantFrom(...own), oddText);
      const property = fc.asyncProperty(query, id, async (asked, given) => {
        const text = new URLSearchParams(Object.entries(asked).map(([key, value]): [string, string] => [key, typeof value === "string" ? value : JSON.stringify(value)])).toString();
        const path = operation.path.replace("{id}", encodeURIComponent(given.toWellFormed()) || "x");
        const answer = await org.get(`${path}${text === "" ? "" : `?${text}`}`);
        expect(answer.status, `${path}?${text}: ${answer.text}`).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.headers.get("content-type"), path).toBe("application/problem+json");
        tally[answer.status] = (tally[answer.status] ?? 0) + 1;
      }); // prettier-ignore
      await fc.assert(property, { numRuns: runs / 2, seed: 20_261_118, endOnFailure: true });
    }
    for (const path of ["/v1/leads/%", "/v1/leads/%00", "/v1/leads/%ff", "/v1/leads/..%2f..", `/v1/leads/${"x".repeat(20_000)}`, "/v1//leads", "/v1/leads/%ZZ?%=%"]) {
      const answer = await org.get(path);
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(answer.status, path).toBeLessThan(500);
    }
    expect(house.api.faults).toEqual([]);
    console.log(`queries and paths, by status: ${JSON.stringify(tally)}`);
  }, 240_000); // prettier-ignore

  test("in one parameter of a query, whatever it is: the same", async () => {
    const odd = ["", " ", "\u0000", "a\u0000b", "\u007f", "\ud800", "\u202e", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-1", "1e400", "9".repeat(40), "a".repeat(5_000), "%", "[]"];
    let sent = 0;
    for (const operation of document.operations.filter(({ isPublic }) => !isPublic))
      for (const { name } of operation.parameters.filter((one) => one.in === "query"))
        for (const value of odd) {
          const path = `${pathOf(operation)}?${new URLSearchParams({ [name]: value.toWellFormed() }).toString()}`;
          const answer = await house.api.send(operation.method, path, operation.forPeople ? { headers: session } : { key: org.apiKey });
          expect(answer.status, `${path}: ${answer.text}`).toBeLessThan(500);
          sent += 1;
        }
    expect(sent).toBeGreaterThan(400);
    expect(house.api.faults).toEqual([]);
  }); // prettier-ignore

  test("in one instant of a body that is good but for it: the same", async () => {
    const instants = ["0000-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-11-18T24:00:00Z"];
    let sent = 0;
    const isInstant = (schema: Schema) => [schema, ...(schema.anyOf ?? schema.oneOf ?? [])].some(({ format }) => format === "date-time");
    for (const operation of writing()) {
      const schema = document.resolve(operation.body) ?? {};
      const good = operation.method === "PATCH" ? {} : (schema.example ?? {});
      for (const [name] of Object.entries<Schema>(schema.properties ?? {}).filter(([, member]) => isInstant(document.resolve(member))))
        for (const instant of instants) {
          const answer = await send(operation, pathOf(operation), JSON.stringify({ ...good, [name]: instant }));
          expect(answer.status, `${operation.name} ${name} ${instant}: ${answer.text}`).toBeLessThan(500);
          sent += 1;
        }
    }
    expect(sent).toBeGreaterThan(30);
    expect(house.api.faults).toEqual([]);
  }); // prettier-ignore

  test("in a header: the same", async () => {
    for (const key of ["", " ", "a".repeat(256), "ü", "a b", "\u007f"]) {
      const answer = await org.post("/v1/sellers", { registered_name: "A" }, { "idempotency-key": key }).catch(() => null);
      if (answer !== null) expect(answer.status, JSON.stringify(key)).toBeLessThan(500);
    }
    for (const authorization of ["Bearer", "Bearer  ", "Basic x", `Bearer ${"x".repeat(9_000)}`, "Bearer dg_test_%00", "bearer dg_live_"]) {
      expect((await house.api.send("GET", "/v1/leads", { headers: { authorization } })).status, authorization).toBe(401);
    }
    for (const [name, value] of [["content-length", "-1"], ["content-length", "x"], ["if-none-match", '"'.repeat(500)], ["content-type", "application/json/"]] as const) {
      expect((await org.post("/v1/sellers", { registered_name: "A" }, { [name]: value })).status, `${name} ${value}`).toBeLessThan(500);
    }
    expect(house.api.faults).toEqual([]);
  }); // prettier-ignore
});
