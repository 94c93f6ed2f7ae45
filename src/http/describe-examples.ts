import { exampleBodies, exampleValues } from "./example-values.ts";

/** A JSON Schema, as the document has it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  example?: unknown;
}
interface Content {
  schema?: Schema;
  example?: unknown;
  examples?: unknown;
}
type Contents = Readonly<Record<string, Content>>;
export interface Described {
  readonly requestBody?: { readonly content?: Contents };
  readonly responses?: Readonly<Record<string, { readonly content?: Contents }>>;
}

/**
 * Gives every component that has no example one, made of those of its members, and every body and answer that is no component.
 * So none can be forgotten, nor keep a member that its schema lost.
 */
export function describeExamples(schemas: Record<string, Schema>, operations: readonly Described[]): void {
  const maker = new ExampleMaker(schemas);
  for (const name of Object.keys(schemas)) maker.ofComponent(name);
  for (const { requestBody, responses = {} } of operations)
    for (const contents of [requestBody?.content, ...Object.values(responses).map(({ content }) => content)])
      for (const [type, content] of Object.entries(contents ?? {})) describeContent(maker, type, content);
}

function describeContent(maker: ExampleMaker, type: string, content: Content): void {
  const { schema } = content;
  if (schema === undefined || schema.$ref !== undefined || content.example !== undefined || content.examples !== undefined)
    return;
  content.example = exampleBodies[type] ?? maker.of(schema, []);
}

class ExampleMaker {
  readonly #schemas: Record<string, Schema>;
  constructor(schemas: Record<string, Schema>) {
    this.#schemas = schemas;
  }

  ofComponent(name: string): unknown {
    const schema = this.#schemas[name];
    if (schema === undefined) throw new Error("the document refers to a component that it has not");
    schema.example ??= this.of(schema, [name]);
    return schema.example;
  }

  /** @param way the component, and the names of members that lead to the schema. */
  of(schema: Schema, way: readonly string[]): unknown {
    if (schema.$ref !== undefined) return this.ofComponent(schema.$ref.split("/").at(-1) ?? "");
    const types = [schema.type ?? []].flat();
    const said = saidOf(schema, types, way);
    if (said !== undefined) return said;
    if (schema.example !== undefined) return schema.example;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return schema.enum[0];
    const forms = schema.oneOf ?? schema.anyOf;
    if (forms !== undefined) return this.of(forms.find(({ type }) => type !== "null") ?? {}, way);
    if (types.includes("array")) return [this.of(schema.items ?? {}, way)];
    if (types.includes("object"))
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, one]) => [name, this.of(one, [...way, name])]),
      );
    if (types.includes("boolean")) return false;
    if (types.includes("integer") || types.includes("number")) return 1;
    return schema.format === "date-time" ? "2026-11-18T15:00:00Z" : unsaid;
  }
}

/** What nobody has said anything about. A test finds it. */
export const unsaid = "…?";

/** What has ended is the rarer thing. */
const endings = /^(ended|revoked|closed|accepted|disabled|cancelled|lifted)_at$/;
function saidOf(schema: Schema, types: readonly string[], way: readonly string[]): unknown {
  const own = way.join(".");
  if (Object.hasOwn(exampleValues, own)) return exampleValues[own];
  const name = way.at(-1) ?? "";
  // A name alone means many things: what its schema lists or has another type for is not that.
  if (schema.enum !== undefined || schema.const !== undefined || way.length < 1) return undefined;
  const value = Object.hasOwn(exampleValues, name) ? exampleValues[name] : endings.test(name) ? null : undefined;
  return value !== undefined && types.includes(typeOf(value)) ? value : undefined;
}
function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
