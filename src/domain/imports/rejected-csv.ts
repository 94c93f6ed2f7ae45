import type { OrgDb } from "../../db/org-db.ts";
import { rejectsAfter, type RejectRow } from "../../db/queries/intake.ts";
import { CsvReader } from "../../lib/csv.ts";
import type { Import } from "./create-import.ts";

const pageRows = 500;
/** More pages than a file of the largest size has rows for. */
const pagesMax = 200_000;

/** The rejected rows as a file: the original columns, then line, code and detail. A page at a time, as fast as it is read. */
export function rejectedCsv(org: OrgDb, found: Pick<Import, "id" | "header">): ReadableStream<Uint8Array> {
  const header = Array.isArray(found.header) ? found.header.map(String) : [];
  const encoder = new TextEncoder();
  const pages = rejectPages(org, found.id);
  let begun = false;
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      if (!begun) {
        begun = true;
        out.enqueue(encoder.encode(csvLine([...header, "line", "code", "detail"])));
        return;
      }
      const page = await pages.next();
      if (page.done === true) out.close();
      else out.enqueue(encoder.encode(page.value.map((row) => rejectLine(row, header.length)).join("")));
    },
    async cancel() {
      await pages.return(undefined);
    },
  });
}

async function* rejectPages(org: OrgDb, importId: string): AsyncGenerator<RejectRow[], void> {
  let line = 0;
  for (let page = 0; page < pagesMax; page += 1) {
    const rows = await org.rows<RejectRow>(rejectsAfter(importId, line, pageRows));
    if (rows.length === 0) return;
    yield rows;
    line = rows.at(-1)?.line ?? line;
  }
}

/** A row with another number of fields than the header is filled up, or keeps its surplus in the last original column. */
function rejectLine(row: RejectRow, width: number): string {
  const [record] = new CsvReader().push(new TextEncoder().encode(row.raw), true);
  // Bytes that were no UTF-8 take three each now, and may have made the row longer than one is.
  const fields = record === undefined || record.fault !== null ? [row.raw] : record.fields;
  const original = Array.from({ length: width }, (_, index) => fields[index] ?? "");
  if (fields.length > width && width > 0) original[width - 1] = fields.slice(width - 1).join(",");
  return csvLine([...original.map(cellOf), String(row.line), row.code, row.detail]);
}

/** No spreadsheet holds a longer cell (Excel's limit). The row keeps its columns, and a cell that was cut says so. */
const cellCharactersMax = 32_767;
const cutMark = " [cut]";
const cellOf = (text: string): string =>
  text.length > cellCharactersMax ? text.slice(0, cellCharactersMax - cutMark.length).toWellFormed() + cutMark : text;

const csvLine = (values: readonly string[]): string => `${values.map(csvField).join(",")}\r\n`;

const formula = /^[=+\-@\t\r]/;
const plainNumber = /^[+-]?[\d\s().-]+$/;
const needsQuotes = /[",\r\n]/;

/** Text that a spreadsheet would run as a formula gets an apostrophe (intake takes it off again); numbers stay as they are. */
function csvField(text: string): string {
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
