/** Each operation of the API's own document, as it can be asked: its path with the example ids that the document gives. */
import { createApp } from "../../src/http/app.ts";

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly schema?: { readonly example?: string } }[];
  readonly requestBody?: unknown;
}

const document = createApp().getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
export const documented = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
  Object.entries(methods as unknown as Record<string, Described>).map(
    ([method, { operationId, parameters = [], requestBody }]) => {
      const id = parameters.find(({ name }) => name === "id")?.schema?.example ?? "";
      const asked = path.replace("{id}", id).replace("{provider}", "google").replace("{type}", "conflict");
      return { operationId, method: method.toUpperCase(), path: asked, takesBody: requestBody !== undefined };
    },
  ),
);
