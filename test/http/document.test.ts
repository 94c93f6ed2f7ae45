/** What the API's document tells a reader of each operation: in words, and by examples that are what their schemas say. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { unsaid } from "../../src/http/describe-examples.ts";
import { document } from "./served-document.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
type Any = any;
const operations = Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
  Object.entries<Any>(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

// Formats and marks of OpenAPI say nothing of what is valid; the patterns are read as they stand there.
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true, unicodeRegExp: false });
ajv.addSchema({ $id: "document", ...document });
function faultsOf(schema: Any, example: unknown): string[] {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')) as object;
  const check = ajv.compile(local);
  return check(example) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

interface Content {
  readonly name: string;
  readonly isJson: boolean;
  readonly schema: Any;
  readonly example: unknown;
}
const contents: Content[] = operations.flatMap(({ name, operation }) =>
  [["body", operation.requestBody], ...Object.entries<Any>(operation.responses)].flatMap(([which, one]) =>
    Object.entries<Any>(one?.content ?? {}).map(([type, { schema, example }]) => ({
      name: `${name} ${which} ${type}`,
      isJson: type.endsWith("json"),
      schema,
      example: example ?? document.components.schemas[schema.$ref?.split("/").at(-1)]?.example,
    })),
  ),
);

test("every operation has a summary and a description of its own, which is no repetition of it", () => {
  for (const { name, operation } of operations) {
    expect(operation.summary, name).toMatch(/^.{8,}$/);
    expect(operation.description, name).toMatch(/^[A-Z0-9`"].{10,}[.)]$/s);
    expect(operation.description.startsWith(operation.summary), name).toBe(false);
  }
});

test("every body and every answer has an example that is valid against its own schema", () => {
  expect(contents.length).toBeGreaterThan(300);
  expect(contents.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
  const faults = contents.filter(({ isJson }) => isJson).map(({ name, schema, example }) => [name, faultsOf(schema, example)]);
  expect(faults.filter(([, found]) => found?.length !== 0)).toEqual([]);
});

test("every component has one, too, in which each member says something", () => {
  const schemas = Object.entries<Any>(document.components.schemas);
  expect(schemas.length).toBeGreaterThan(90);
  const faults = schemas.map(([name, schema]) => [
    name,
    schema.example === undefined ? ["none"] : faultsOf(schema, schema.example),
  ]);
  expect(faults.filter(([, found]) => found?.length !== 0)).toEqual([]);
  const vague = schemas.flatMap(([name, { example }]) => (JSON.stringify(example).includes(unsaid) ? [name] : []));
  expect(vague).toEqual([]);
  expect(contents.filter(({ example }) => JSON.stringify(example).includes(unsaid)).map(({ name }) => name)).toEqual([]);
});

test("an example that does not fit is found", () => {
  const { Session } = document.components.schemas;
  expect(faultsOf(Session, Session.example)).toEqual([]);
  expect(faultsOf(Session, { ...Session.example, status: "gone" })).toHaveLength(1);
  expect(faultsOf(Session, { ...Session.example, more: 1 })).toHaveLength(1);
  const { id: _id, ...without } = Session.example;
  expect(faultsOf(Session, without)).toHaveLength(1);
});

test("the session's scheme says what a program sends beside the cookie, and that it may be replaced", () => {
  const { description } = document.components.securitySchemes.session;
  for (const word of ["Dialgate-Org", "`Origin`", "cross_site", "Set-Cookie"]) expect(description).toContain(word);
});
