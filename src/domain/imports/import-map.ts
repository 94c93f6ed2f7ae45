import * as z from "zod";
import { linePattern, linesPattern, linesWords, lineWords } from "../../lib/plain-text.ts";

/** What a column of the file can become. Columns that the map does not name are kept in the file and nowhere else. */
const leadColumns = [
  "external_id",
  "first_name",
  "last_name",
  "phone",
  "email",
  "city",
  "state",
  "zip",
  "source",
  "notes",
  "consent_at",
  "consent_text",
  "consent_page",
  "consent_certificate",
  "consent_ip",
  "consent_user_agent",
  "consent_purpose",
] as const;
export type LeadColumn = (typeof leadColumns)[number];

const line = (max: number) => z.string().trim().min(1, { abort: true }).max(max).regex(linePattern, lineWords);
const lines = (max: number) => z.string().trim().min(1, { abort: true }).max(max).regex(linesPattern, linesWords);
/** As the file has it: a spreadsheet breaks lines in its headings, too. */
const columnName = lines(200);

/** The file's own column names, by what they hold. Only the number is needed. */
export const columnMap = z.strictObject({
  external_id: columnName.optional(),
  first_name: columnName.optional(),
  last_name: columnName.optional(),
  phone: columnName,
  email: columnName.optional(),
  city: columnName.optional(),
  state: columnName.optional(),
  zip: columnName.optional(),
  source: columnName.optional(),
  notes: columnName.optional(),
  consent_at: columnName.optional(),
  consent_text: columnName.optional(),
  consent_page: columnName.optional(),
  consent_certificate: columnName.optional(),
  consent_ip: columnName.optional(),
  consent_user_agent: columnName.optional(),
  consent_purpose: columnName.optional(),
});
export type ColumnMap = z.infer<typeof columnMap>;

export const purposes = ["marketing", "mixed", "informational", "undeclared"] as const;
export const bases = ["pewc", "pec", "ebr", "transactional", "unknown"] as const;

/** What an import attests of every row's consent: purpose, basis, how it was signed; and the text, where all saw the same. */
export const attestationTerms = z.strictObject({
  purpose: z.enum(purposes),
  basis: z.enum(bases),
  signature: line(200).optional(),
  /** The zone of dates that state none. Only UTC can be attested: any other belongs into the dates themselves. */
  date_zone: z.literal("UTC").optional(),
  text: lines(20_000).optional(),
});
export type AttestationTerms = z.infer<typeof attestationTerms>;

/**
 * The map of a file that is checked offline: the body of POST /v1/imports, and in place of the seller's id, which says
 * nothing there, the names that POST /v1/sellers takes.
 */
export const mapFile = z.preprocess(
  inOneVocabulary,
  z.strictObject({
    seller: z.strictObject({ registered_name: line(200), trade_names: z.array(line(200)).max(50).default([]) }),
    columns: columnMap,
    attestation: attestationTerms,
    seller_id: z.string().optional(),
    file_name: z.string().optional(),
  }),
);
/** Maps were first written with `attest`, which holds the seller, whose name is `legal_name`: they are read still. */
function inOneVocabulary(map: unknown): unknown {
  if (!isObject(map) || !isObject(map["attest"])) return map;
  const { attest, ...others } = map;
  const { seller, ...attestation } = attest as Record<string, unknown>;
  if (!isObject(seller) || !("legal_name" in seller)) return { ...others, attestation, seller };
  const { legal_name: registered_name, ...names } = seller;
  return { ...others, attestation, seller: { registered_name, ...names } };
}
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
export type MapFile = z.infer<typeof mapFile>;

/** The attestation as an import records it: with the seller's names as they were. */
export const attestation = attestationTerms.extend({
  seller: z.strictObject({ id: z.string(), registered_name: z.string(), trade_names: z.array(z.string()) }),
});
export type Attestation = z.infer<typeof attestation>;

/** More columns than any export has. */
const headerColumnsMax = 500;

export type HeaderFault =
  | { readonly reason: "file_not_csv" | "encoding_not_utf8" | "header_missing"; readonly detail: string }
  | { readonly reason: "column_missing" | "column_repeated"; readonly detail: string; readonly columns: readonly string[] };

/** One column that holds what looks like several: spreadsheets of many countries write semicolons. */
const isOtherDelimited = (names: readonly string[]): boolean => names.length === 1 && /[;\t|]/.test(names[0] ?? "");

/** Where each mapped column stands, or which ones the file lacks or has twice. */
export function findColumns(
  header: readonly string[],
  map: ColumnMap,
): { readonly ok: true; readonly at: Partial<Record<LeadColumn, number>> } | { readonly ok: false; readonly fault: HeaderFault } {
  if (header.length > headerColumnsMax)
    return { ok: false, fault: { reason: "file_not_csv", detail: `more than ${headerColumnsMax} columns` } };
  const names = header.map((name) => name.trim());
  const wanted = leadColumns.flatMap((column) => (map[column] === undefined ? [] : [{ column, name: map[column] }]));
  const missing = wanted.filter(({ name }) => !names.includes(name)).map(({ name }) => name);
  if (missing.length > 0)
    return {
      ok: false,
      fault: {
        reason: "column_missing",
        columns: missing,
        detail: `the file has no column ${list(missing)}${isOtherDelimited(names) ? "; its columns must be separated by commas" : ""}`,
      },
    };
  const repeated = wanted.filter(({ name }) => names.indexOf(name) !== names.lastIndexOf(name)).map(({ name }) => name);
  if (repeated.length > 0)
    return {
      ok: false,
      fault: { reason: "column_repeated", columns: repeated, detail: `the file has more than one column ${list(repeated)}` },
    };
  return { ok: true, at: Object.fromEntries(wanted.map(({ column, name }) => [column, names.indexOf(name)])) };
}

const list = (names: readonly string[]): string => [...new Set(names)].map((name) => `"${name}"`).join(", ");
