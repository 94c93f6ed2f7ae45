/** What people write, in every request that takes it, as the document has it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { lineOrNothingPattern, linePattern, linesOrNothingPattern, linesPattern } from "../../src/lib/plain-text.ts";
import { type Document, type Operation, readDocument, type Schema } from "../hostile/operations.ts";
import { type Api, type Caller, openApi } from "./api.ts";
import { signIn, type SignedIn } from "./signed-in.ts";

let api: Api;
let org: Caller;
let owner: SignedIn;
let document: Document;
beforeAll(async () => {
  api = await openApi();
  org = await api.seed();
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
  document = await readDocument(api.deps);
});
afterAll(() => api?.close());

interface Field {
  readonly operation: Operation;
  readonly path: readonly string[];
  readonly schema: Schema;
  /** What the body says on the way there, so that the field is one of its form. */
  readonly chosen: readonly (readonly [path: readonly string[], value: unknown])[];
}
function fieldsOf(operation: Operation): Field[] {
  const found: Field[] = [];
  const walk = (given: Schema, path: readonly string[], chosen: Field["chosen"]): void => {
    const schema = document.resolve(given);
    for (const form of [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) walk(form, path, chosen);
    if (schema.items !== undefined) walk(schema.items, [...path, "0"], chosen);
    const members = Object.entries<Schema>(schema.properties ?? {});
    const said = members.flatMap(([name, one]) => {
      const { const: only, enum: values } = document.resolve(one);
      if (only === undefined && values?.length !== 1) return [];
      return [[[...path, name], only ?? values[0]] as const];
    });
    for (const [name, one] of members) walk(one, [...path, name], [...chosen, ...said]);
    const isText = [schema.type].flat().includes("string") && schema.enum === undefined && schema.const === undefined;
    if (isText) found.push({ operation, path, schema, chosen });
  };
  if (operation.body !== null) walk(operation.body, [], []);
  return found;
}
/** The body with a value at a place, whatever it had there. */
function withValue(body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  if (name === "0") return [withValue(Array.isArray(body) ? body[0] : undefined, rest, value)];
  const members = typeof body === "object" && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};
  return { ...members, [name]: withValue(members[name], rest, value) };
}

async function write({ operation, path, chosen }: Field, value: string) {
  const example: unknown = document.resolve(operation.body).example ?? {};
  const formed = chosen.reduce((body, [at, said]) => withValue(body, at, said), example);
  const body = withValue(formed, path, value);
  const way = operation.path.replace("{id}", String(operation.parameters.find(({ name }) => name === "id")?.schema?.example));
  const answer = operation.forPeople
    ? await owner.send(operation.method, way, body, { "idempotency-key": api.deps.newId() })
    : await api.send(operation.method, way, { key: org.apiKey, body, headers: { "idempotency-key": api.deps.newId() } });
  const faults = (answer.json?.errors ?? []) as { pointer: string }[];
  return { status: answer.status, isNamed: faults.some(({ pointer }) => pointer === `/${path.join("/")}`), text: answer.text };
}

const fields = () => document.operations.filter(({ path }) => path.startsWith("/v1/")).flatMap(fieldsOf);
const ofLine = [linePattern.source, lineOrNothingPattern.source];
const ofLines = [linesPattern.source, linesOrNothingPattern.source];
const nameOf = ({ operation, path }: Field) => `${operation.id} /${path.join("/")}`;

/** Neither shown nor kept as it was written: it is compared, looked up or read as something else. */
const readOtherwise = new Set(["token", "code", "type", "url", "jwks_url", "secret", "base_url", "phone", "seller_id", "obtained_at", "revoked_at", "transports"]); // prettier-ignore

test("each text that a request takes has a form: one line, several, or one of its own", () => {
  const free = fields().filter(({ schema, path }) => {
    const name = path.filter((part) => part !== "0").at(-1) ?? "";
    return schema.pattern === undefined && schema.format === undefined && !readOtherwise.has(name);
  });
  expect(free.map(nameOf)).toEqual([]);
  expect(fields().filter(({ schema }) => ofLine.includes(schema.pattern)).length).toBeGreaterThan(60);
  expect(fields().filter(({ schema }) => ofLines.includes(schema.pattern)).length).toBeGreaterThan(30);
});

const never = ["a\u0007b", "\u200b", "\u2800", "\u00ad\ufe0f", "\u202e\u2066"];
const notOnALine = ["a\nb", "a\r\nb", "a\tb", "a\u0085b", "a\u2028b", "a\u202eb", "a\u200fb", "a\u2066b", "a\u061cb"];

test("no text on one line is taken with a control character, a turn of direction or nothing to see, and each is named", async () => {
  for (const value of [...never, ...notOnALine])
    for (const pattern of ofLine) expect(new RegExp(pattern).test(value), value).toBe(false);
  // A field's pattern stands in the document because it is what the field is read by: of each kind one is sent, in turn.
  for (const [at, field] of fields()
    .filter(({ schema }) => ofLine.includes(schema.pattern))
    .entries())
    for (const value of [never[at % never.length] as string, notOnALine[at % notOnALine.length] as string]) {
      const { status, isNamed, text } = await write(field, value);
      expect([status, isNamed], `${nameOf(field)} ${JSON.stringify(value)}: ${text}`).toEqual([422, true]);
      expect(text).not.toContain(value);
    }
}, 300_000);

test("text of several lines is taken with them, and not with other control characters or nothing to see", async () => {
  for (const value of never) for (const pattern of ofLines) expect(new RegExp(pattern).test(value), value).toBe(false);
  for (const [at, field] of fields()
    .filter(({ schema }) => ofLines.includes(schema.pattern))
    .entries()) {
    for (const value of [never[at % never.length] as string])
      expect((await write(field, value)).isNamed, `${nameOf(field)} ${JSON.stringify(value)}`).toBe(true);
    for (const value of ["one\ntwo", "one\r\n\ttwo"]) expect((await write(field, value)).isNamed, nameOf(field)).toBe(false);
  }
}, 300_000);

test("names as people have them are taken: accents, other scripts, joiners and faces", () => {
  const names = [
    "Åsa Öberg",
    "محمد",
    "می\u200cخواهم",
    "田中 花子",
    "👩\u200d🚀 Space",
    "O\u2019Brien & Söhne, \u201cLtd\u201d",
    "é",
    "🙂",
    "-",
  ];
  for (const name of names) for (const pattern of [linePattern, linesPattern]) expect(pattern.test(name), name).toBe(true);
  for (const pattern of [linePattern, linesPattern]) expect(new RegExp(pattern.source, "u").test("👩\u200d🚀")).toBe(true);
  expect([lineOrNothingPattern.test(""), linePattern.test("")]).toEqual([true, false]);
});
