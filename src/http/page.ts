import { z } from "@hono/zod-openapi";
import type { Page } from "../domain/page.ts";
import { fromBase64Url, toBase64Url } from "../lib/base64url.ts";
import { bytesOfHex, hexOf } from "../lib/bytes.ts";
import { coded } from "./fields.ts";

/** A cursor is the last row's uuid, opaque: anything else is refused, and an id of another org's only moves the start. */
const cursor = z
  .string()
  .max(64)
  .refine((text) => afterOf(text) !== null, coded("cursor_invalid", "Not a cursor of this API."));
const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, "A whole number from 1 to 100 is needed.")
  .transform(Number)
  .pipe(z.int().min(1).max(100));

/** The two parameters of every list. */
export const pageQuery = {
  limit: limit.optional().openapi({ type: "integer", minimum: 1, maximum: 100, default: 20, description: "How many, 1 to 100." }),
  cursor: cursor.optional().openapi({ description: "`next_cursor` of the page before." }),
};
export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ object: z.literal("list"), data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });

export const pageOf = (query: PageQuery): Page => ({
  limit: query.limit ?? 20,
  after: query.cursor === undefined ? null : afterOf(query.cursor),
});

export function listBody<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  { limit: max }: Page,
  view: (row: Row) => Item,
) {
  const shown = rows.slice(0, max);
  const last = shown.at(-1);
  const hasMore = rows.length > max && last !== undefined;
  return { object: "list" as const, data: shown.map(view), has_more: hasMore, next_cursor: hasMore ? cursorOf(last.id) : null };
}

function cursorOf(uuid: string): string {
  return toBase64Url(bytesOfHex(`01${uuid.replaceAll("-", "")}`));
}

function afterOf(text: string): string | null {
  const bytes = fromBase64Url(text);
  if (bytes?.length !== 17 || bytes[0] !== 1) return null;
  const hex = hexOf(bytes.subarray(1));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
