import type * as z from "zod";

/** The bytes as the shape that is expected, or null. What a vendor sent is never put into an error: `JSON.parse` echoes its input. */
export function readJson<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array): z.infer<Schema> | null {
  try {
    const parsed = schema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
