import { z } from "@hono/zod-openapi";
import type { HttpDeps } from "./http-env.ts";

type Schema = Record<string, unknown>;

/**
 * What a connection to each vendor takes, from the very schemas that its request is checked by: one form a vendor, told
 * apart by `vendor`. The vendors are the worker's, so that the route itself knows them only when it is asked.
 */
export function describeVendors(schemas: Record<string, Schema>, vendors: HttpDeps["vendors"]): void {
  const declared = schemas["NewConnection"];
  if (declared === undefined) throw new Error("the document has no NewConnection");
  const { example, ...form } = declared;
  const mapping: Record<string, string> = {};
  for (const [vendor, { config, credential }] of Object.entries(vendors)) {
    const name = `NewConnection_${vendor}`;
    mapping[vendor] = `#/components/schemas/${name}`;
    schemas[name] = {
      ...form,
      properties: {
        ...(form["properties"] as Schema),
        vendor: { type: "string", enum: [vendor] },
        config: schemaOf(config),
        credential: { ...schemaOf(credential), writeOnly: true, description: "Sealed on arrival, never returned." },
      },
    };
  }
  const oneOf = Object.values(mapping).map(($ref) => ({ $ref }));
  schemas["NewConnection"] = { oneOf, discriminator: { propertyName: "vendor", mapping }, example };
}

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: "input" });
  return described;
}
