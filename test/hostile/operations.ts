/** The API's operations, read from its own document. */
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- JSON Schema, as the document has it
export type Schema = any;
export interface Operation {
  readonly id: string;
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
  /** No key may ask for it. */
  readonly forPeople: boolean;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[];
  /** Of the JSON body; null for none. */
  readonly body: Schema;
}
export interface Document {
  readonly operations: readonly Operation[];
  resolve(schema: Schema): Schema;
}

export async function readDocument(deps: HttpDeps): Promise<Document> {
  const document: Schema = await (await createApp().request("/openapi.json", {}, deps)).json();
  const operations = Object.entries<Schema>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Schema>(methods).map(([method, operation]) => ({
      id: operation.operationId,
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      isPublic: operation["x-public"] === true,
      forPeople: operation["x-scope"] === "people",
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content["application/json"]?.schema ?? null,
    })),
  );
  const resolve = (schema: Schema): Schema =>
    typeof schema?.$ref === "string" ? resolve(document.components.schemas[schema.$ref.split("/").at(-1)]) : schema;
  return { operations, resolve };
}
