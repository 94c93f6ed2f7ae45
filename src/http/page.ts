import { z } from "@hono/zod-openapi";
import type { OrgDb } from "../db/org-db.ts";
import type { Page } from "../domain/page.ts";
import { fromBase64Url, toBase64Url } from "../lib/base64url.ts";
import { bytesOfHex, hexOf, sha256Hex } from "../lib/bytes.ts";
import { coded } from "./fields.ts";
import { invalid, type Problem } from "./problem.ts";

/** Its list is looked at by the route, which alone knows it. */
export const cursor = z
  .string()
  .max(64)
  .refine((text) => partsOf(text) !== null, coded("cursor_invalid", "Not a cursor of this API."));
const limitsMax = 100;
/** Another number is too small or too large, as one of a body is, however long it is written. */
const limit = z
  .string()
  .regex(/^-?(?:0|[1-9]\d*)$/, `A whole number from 1 to ${limitsMax} is needed.`)
  .transform((text) => Math.min(Math.max(Number(text), 0), limitsMax + 1))
  .pipe(z.int().min(1).max(limitsMax));

/** The two parameters of every list. */
export const pageQuery = {
  limit: limit
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: limitsMax, default: 20, description: "How many, 1 to 100." }),
  cursor: cursor.optional().openapi({ description: "`next_cursor` of the page before." }),
};
export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ object: z.literal("list"), data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });

/** A page of a list with cursors of its own. */
export interface ListPage extends Page {
  readonly list: string;
}
interface AskedList {
  readonly req: { readonly path: string };
}
interface BoundList extends AskedList {
  readonly var: { readonly org: OrgDb };
}
/**
 * A cursor goes on with the list, and the filters, that it was made for: in another its place is none, and rows would be passed
 * over in silence. An id of another org's only moves the start. Where reading is noted, the note says which page of what it is.
 */
export function pageOf(c: BoundList, query: PageQuery): ListPage {
  const list = listOfRequest(c, query);
  const limit = query.limit ?? 20;
  const after = query.cursor === undefined ? null : uuidOfHex(placeOf(query.cursor, list, 16));
  const { limit: _, cursor, [ownWords]: _own, ...filters } = query as PageQuery & Readonly<Record<string, unknown>>;
  const facts = { limit: query.limit, cursor, filters: Object.keys(filters).length > 0 ? filters : undefined };
  c.var.org.ofPage(Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)));
  // Of one person's rows it is about them.
  const whose = filters["lead_id"] ?? filters["person_id"];
  if (typeof whose === "string") c.var.org.about([whose]);
  return { limit, after, list };
}
/** The one filter that may hold anything, a person's address or number too: no chain has it. */
const ownWords = "external_id";

export function listBody<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  { limit: max, list }: Page & { readonly list?: string },
  view: (row: Row) => Item,
) {
  const shown = rows.slice(0, max);
  const last = shown.at(-1);
  const hasMore = rows.length > max && last !== undefined;
  if (hasMore && list === undefined) throw new Error("a page of a list that is answered whole");
  const next = hasMore ? cursorOf(list ?? "", last.id.replaceAll("-", "")) : null;
  return { object: "list" as const, data: shown.map(view), has_more: hasMore, next_cursor: next };
}

/** The address and what it is filtered by, in four bytes: against mistakes, not against malice, which gains nothing by it. */
export function listOfRequest(c: AskedList, query: PageQuery): string {
  const filters = Object.entries(query).filter(([name, value]) => name !== "limit" && name !== "cursor" && value !== undefined);
  return sha256Hex(JSON.stringify([c.req.path, ...filters.toSorted(([one], [other]) => (one < other ? -1 : 1))])).slice(0, 8);
}
const version = "02";
/** @param place in the list, in hexadecimal. */
export const cursorOf = (list: string, place: string): string => toBase64Url(bytesOfHex(`${version}${list}${place}`));
/** A place that is a number. @throws Problem where the cursor is another list's, or no number that a list has. */
export function placeNumber(text: string, list: string): number {
  const place = Number.parseInt(placeOf(text, list, 8), 16);
  if (!Number.isSafeInteger(place)) throw otherList();
  return place;
}
/** @throws Problem where the cursor is another list's. */
function placeOf(text: string, list: string, bytes: number): string {
  const parts = partsOf(text);
  if (parts === null || parts.list !== list || parts.place.length !== bytes * 2) throw otherList();
  return parts.place;
}
const otherList = (): Problem =>
  invalid({
    pointer: "?cursor",
    code: "cursor_invalid",
    detail: "The cursor is of another list, or of this one with other filters: send those of the page that gave it.",
  });

/** Version, list and place; a place is a row's uuid, or a number of 8 bytes. */
function partsOf(text: string): { readonly list: string; readonly place: string } | null {
  const bytes = fromBase64Url(text);
  if (bytes?.[0] !== Number(version) || (bytes.length !== 21 && bytes.length !== 13)) return null;
  const hex = hexOf(bytes);
  return { list: hex.slice(2, 10), place: hex.slice(10) };
}

function uuidOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
