import type { Purpose } from "../../gates/snapshot.ts";
import type { CsvFault, CsvRecord } from "../../lib/csv.ts";
import { type Attestation, type ColumnMap, findColumns, type HeaderFault, type LeadColumn, purposes } from "./import-map.ts";
import { type Arrival, type GivenConsent, type GivenLead, readRow, type ReadLead } from "./read-row.ts";

type RowRefusal = "row_malformed" | "phone_invalid" | "phone_not_geographic" | "phone_not_us";

export type RecordReading =
  | { readonly ok: true; readonly given: GivenLead; readonly lead: ReadLead }
  | { readonly ok: false; readonly code: RowRefusal; readonly detail: string };

/** One file's way of reading: where its columns stand, and what its import attests. */
export interface RecordReader {
  read(record: CsvRecord): RecordReading;
}

/** The header's record, or why the file cannot be read at all. */
export function recordReader(
  header: readonly string[],
  columns: ColumnMap,
  attested: Omit<Attestation, "seller"> & { readonly seller: Omit<Attestation["seller"], "id"> },
  arrival: Arrival,
): { readonly ok: true; readonly reader: RecordReader } | { readonly ok: false; readonly fault: HeaderFault } {
  const found = findColumns(header, columns);
  if (!found.ok) return found;
  const width = header.length;
  const read = (record: CsvRecord): RecordReading => {
    if (record.fault !== null) return { ok: false, code: "row_malformed", detail: faultTexts[record.fault] };
    if (record.fields.length !== width)
      return { ok: false, code: "row_malformed", detail: `${record.fields.length} fields where the header has ${width}` };
    const given = givenLead(record.fields, found.at, attested);
    const lead = readRow(given, arrival);
    return lead.ok ? { ok: true, given, lead } : lead;
  };
  return { ok: true, reader: { read } };
}

/** A first record that is no header: the file is something else. */
export function headerFault(header: CsvRecord | undefined): HeaderFault | null {
  if (header === undefined) return { reason: "header_missing", detail: "the file is empty" };
  if (header.fault === "record_too_long") return { reason: "file_not_csv", detail: "its first line is longer than any header" };
  if (header.fault !== null)
    return {
      reason: "encoding_not_utf8",
      detail: "the file is not UTF-8 text: export it as CSV in UTF-8 (a spreadsheet file or UTF-16 is not read)",
    };
  return null;
}

const faultTexts: Readonly<Record<CsvFault, string>> = {
  record_too_long: "longer than a row may be",
  not_utf8: "bytes that are not UTF-8",
  nul_byte: "a NUL byte",
};

type Attested = Parameters<typeof recordReader>[2];

function givenLead(fields: readonly string[], at: Partial<Record<LeadColumn, number>>, attested: Attested): GivenLead {
  return {
    externalId: cell(fields, at.external_id),
    firstName: cell(fields, at.first_name),
    lastName: cell(fields, at.last_name),
    phone: cell(fields, at.phone),
    email: cell(fields, at.email),
    city: cell(fields, at.city),
    state: cell(fields, at.state),
    zip: cell(fields, at.zip),
    source: cell(fields, at.source),
    notes: cell(fields, at.notes),
    consent: givenConsent(fields, at, attested),
  };
}

/** One source proves all: the row's own text, else the import's; clauses are never gathered from both. */
function givenConsent(
  fields: readonly string[],
  at: Partial<Record<LeadColumn, number>>,
  attested: Attested,
): GivenConsent | null {
  const obtainedAt = cell(fields, at.consent_at);
  const own = cell(fields, at.consent_text);
  const certificateUrl = cell(fields, at.consent_certificate);
  const text = own ?? attested.text ?? null;
  if (obtainedAt === null && text === null && certificateUrl === null) return null;
  return {
    obtainedAt,
    dateZone: attested.date_zone ?? null,
    basis: attested.basis,
    purpose: stricterPurpose(attested.purpose, cell(fields, at.consent_purpose)),
    callPurpose: attested.purpose,
    source: own === null && text !== null ? "import" : "row",
    text,
    attestedSeller: attested.seller,
    signature: attested.signature ?? null,
    pageUrl: cell(fields, at.consent_page),
    ip: cell(fields, at.consent_ip),
    userAgent: cell(fields, at.consent_user_agent),
    certificateUrl,
  };
}

/** Row against attestation: what was given for information alone serves no sales, and a purpose that is no word of ours proves nothing. */
function stricterPurpose(attested: Purpose, row: string | null): Purpose | null {
  if (row === null) return attested;
  const own = purposes.find((purpose) => purpose === row.toLowerCase()) ?? null;
  if (own === null || own === "undeclared" || attested === "undeclared") return own === null ? null : "undeclared";
  return own === "informational" || attested === "informational" ? "informational" : own;
}

const afterApostrophe = /^'[=+\-@\d]/;

/** A cell without what spreadsheets add: spaces, ="…", the apostrophe that keeps a formula or a number text. */
function cell(fields: readonly string[], index: number | undefined): string | null {
  const field = index === undefined ? undefined : fields[index];
  if (field === undefined) return null;
  let text = field.trim();
  if (text.startsWith('="') && text.endsWith('"') && text.length > 2) text = text.slice(2, -1).trim();
  else if (text.startsWith("'") && afterApostrophe.test(text)) text = text.slice(1);
  // The one character that parts the values of a column on their way to the database.
  if (text.includes("\u007f")) text = text.replaceAll("\u007f", " ").trim();
  return text === "" ? null : text;
}
