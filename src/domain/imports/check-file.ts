import { readCsv, type CsvRecord } from "../../lib/csv.ts";
import type { HeaderFault, MapFile } from "./import-map.ts";
import { headerFault, type RecordReader, recordReader } from "./read-record.ts";
import { type Arrival, type ReadLead, rowMemo } from "./read-row.ts";

/** What an import of the file into an empty org would count. */
export interface ImportCounts {
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly eligible: number;
  readonly ineligible: Readonly<Record<string, number>>;
  readonly states_differ: number;
  readonly timezone_unknown: number;
}
export type CheckedFile =
  | { readonly ok: true; readonly counts: ImportCounts }
  | { readonly ok: false; readonly fault: HeaderFault };

/** Reads a file as an import does, row by row, and keeps nothing of it but the counts and the numbers that it has seen. */
export async function checkFile(bytes: AsyncIterable<Uint8Array>, map: MapFile, at: Omit<Arrival, "memo">): Promise<CheckedFile> {
  const tally = new Tally();
  let reader: RecordReader | null = null;
  for await (const records of readCsv(bytes)) {
    let from = 0;
    if (reader === null) {
      if (records.length === 0) continue;
      const made = readerOf(records[0], map, at);
      if (!made.ok) return made;
      reader = made.reader;
      from = 1;
    }
    for (const record of records.slice(from)) tally.add(reader, record);
  }
  return reader === null ? { ok: false, fault: headerFault(undefined) as HeaderFault } : { ok: true, counts: tally.counts() };
}

function readerOf(header: CsvRecord | undefined, map: MapFile, at: Omit<Arrival, "memo">) {
  const fault = headerFault(header);
  if (fault !== null) return { ok: false as const, fault };
  const attested = { ...map.attestation, seller: map.seller };
  return recordReader(header?.fields ?? [], map.columns, attested, { ...at, memo: rowMemo() });
}

class Tally {
  #rows = 0;
  #accepted = 0;
  #statesDiffer = 0;
  #timezoneUnknown = 0;
  readonly #rejected = new Map<string, number>();
  readonly #ineligible = new Map<string, number>();
  readonly #seen = new Set<number>();

  add(reader: RecordReader, record: CsvRecord): void {
    this.#rows += 1;
    const reading = reader.read(record);
    if (!reading.ok) count(this.#rejected, reading.code);
    else if (this.#isNew(reading.lead.e164)) this.#accept(reading.lead);
    else count(this.#rejected, "duplicate_in_file");
  }

  /** A number's digits fit a float exactly, in a quarter of the text's memory. */
  #isNew(e164: string): boolean {
    const before = this.#seen.size;
    return this.#seen.add(Number(e164)).size > before;
  }

  #accept(lead: ReadLead): void {
    this.#accepted += 1;
    if (lead.statesDiffer) this.#statesDiffer += 1;
    if (lead.timezoneUnknown) this.#timezoneUnknown += 1;
    if (lead.ineligibleReason !== null) count(this.#ineligible, lead.ineligibleReason);
  }

  counts(): ImportCounts {
    const sum = [...this.#ineligible.values()].reduce((total, each) => total + each, 0);
    return {
      rows: this.#rows,
      accepted: this.#accepted,
      rejected: Object.fromEntries(this.#rejected),
      eligible: this.#accepted - sum,
      ineligible: Object.fromEntries(this.#ineligible),
      states_differ: this.#statesDiffer,
      timezone_unknown: this.#timezoneUnknown,
    };
  }
}

const count = (counts: Map<string, number>, code: string): void => void counts.set(code, (counts.get(code) ?? 0) + 1);
