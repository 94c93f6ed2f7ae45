import type { OrgDb } from "../db/org-db.ts";
import type { IntakeReject } from "../db/queries/intake.ts";
import { applyChunk, prepareChunk, type ReadChunk } from "../domain/imports/apply-chunk.ts";
import type { FileStore } from "../domain/imports/file-store.ts";
import * as lease from "../domain/imports/lease-import.ts";
import type { LeasedImport } from "../domain/imports/lease-import.ts";
import { JoinedColumn, JoinedTexts, OfferedRows } from "../domain/imports/intake-batch.ts";
import { attestation, columnMap, type HeaderFault } from "../domain/imports/import-map.ts";
import { headerFault, type RecordReader, type RecordReading, recordReader } from "../domain/imports/read-record.ts";
import { type Arrival, rowMemo } from "../domain/imports/read-row.ts";
import { canonicalJson } from "../lib/canonical-json.ts";
import { type CsvPosition, type CsvRecord, readCsv } from "../lib/csv.ts";
import { publicId } from "../lib/ids.ts";
import type { Instant } from "../lib/instant.ts";
import type { NumberHasher } from "../lib/number-hash.ts";

export interface ImportDeps {
  /** A handle of the import's org, bound at the present instant. */
  bind(): OrgDb;
  readonly files: FileStore;
  readonly numbers: NumberHasher;
  readonly packs: Arrival["packs"];
  readonly requestId: string;
  /** Real clock, in milliseconds: how much of the invocation is left. */
  readonly elapsedMs: () => number;
}

/** `again`: the invocation's time is nearly over, and the next one begins where this one ended. */
export type ImportEnd = "succeeded" | "failed" | "again" | "not_ours";

const leaseSeconds = 120;
/** An invocation has thirty seconds of CPU unless its settings say more (Workers limits): after twenty the next one goes on. */
const invocationMs = 20_000;
/** The first is small: until it is read, the database has nothing to do. */
const firstChunkRows = 2_500;
const chunkRows = 5_000;
const chunkBytesMax = 4_194_304;
/** At the largest file's size and the smallest possible rows. */
const chunksMax = 50_000;
const openImportsMax = 100;

/** Reads on where the import stands, chunk by chunk, until it is done or the time is over. */
export async function runImport(deps: ImportDeps, importId: string): Promise<ImportEnd> {
  const facts = canonicalJson({ actor: deps.bind().actor, import: publicId("import", importId), request_id: deps.requestId });
  const leased = await lease.leaseImport(deps.bind(), importId, leaseSeconds, facts);
  if (leased === null) return "not_ours";
  const fail = async (reason: string, detail: string | null): Promise<ImportEnd> => {
    await lease.failImport(deps.bind(), importId, { reason, detail }, facts);
    return "failed";
  };
  const bytes = await deps.files.read(leased.file_key, leased.bytes_done);
  if (bytes === null) return fail("file_missing", null);
  const size = { bytes: leased.bytes_done };
  const begun = await begin(deps, leased, readCsv(measured(bytes, size), positionOf(leased)));
  if (!begun.ok) return fail(begun.fault.reason, begun.fault.detail);
  const frame = { importId, header: begun.header, leaseSeconds, facts };
  const chunks = chunksOf(begun.records, begun.reader, begun.from, leased);
  let applying: Promise<"applied" | "not_ours"> | null = null;
  let isLast = false;
  try {
    // The next chunk is read, judged and made ready while the database takes this one.
    for await (const read of chunks) {
      const prepared = prepareChunk(deps.bind(), deps.numbers, frame, read);
      if ((await applying) === "not_ours") return "not_ours";
      applying = null;
      if (read.isLast && size.bytes !== leased.bytes_total) return await fail("file_changed", null);
      if (deps.elapsedMs() > invocationMs) {
        await lease.releaseImport(deps.bind(), importId);
        return "again";
      }
      isLast = read.isLast;
      applying = applyChunk(deps.bind(), prepared).then((answer) => (answer.applied ? "applied" : "not_ours"));
      // Heard of at the next turn; until then it must not count as unhandled.
      applying.catch(() => undefined);
    }
    if ((await applying) === "not_ours") return "not_ours";
  } catch (thrown) {
    await applying?.catch(() => undefined);
    // So that the queue's next delivery need not wait for the lease's end. Where the database is gone, it must.
    await lease.releaseImport(deps.bind(), importId).catch(() => undefined);
    throw thrown;
  }
  return isLast ? "succeeded" : "again";
}

/** The org's imports that wait for a consumer, for the tick that finds what a lost message left behind. */
export const findOpenImports = (org: OrgDb): Promise<string[]> => lease.findOpenImports(org, openImportsMax);

const positionOf = (leased: LeasedImport): CsvPosition =>
  leased.bytes_done === 0 ? { offset: 0, line: 1 } : { offset: leased.bytes_done, line: leased.lines_done };

async function* measured(bytes: AsyncIterable<Uint8Array>, size: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    size.bytes += piece.length;
    yield piece;
  }
}

type Begun =
  | {
      readonly ok: true;
      readonly header: readonly string[];
      readonly reader: RecordReader;
      readonly records: AsyncGenerator<CsvRecord[]>;
      readonly from: CsvPosition;
    }
  | { readonly ok: false; readonly fault: HeaderFault };

/** Takes the header from the file, or from the import where an earlier consumer has read it. */
async function begin(deps: ImportDeps, leased: LeasedImport, records: AsyncGenerator<CsvRecord[]>): Promise<Begun> {
  let header = leased.header;
  let from = positionOf(leased);
  let rest: AsyncGenerator<CsvRecord[]> = records;
  if (header === null) {
    const first = await firstBatch(records);
    const fault = headerFault(first?.[0]);
    const record = first?.[0];
    if (fault !== null || record === undefined) {
      await records.return(undefined);
      return { ok: false, fault: fault ?? { reason: "header_missing", detail: "the file is empty" } };
    }
    header = record.fields;
    from = record.next;
    rest = followedBy(first?.slice(1) ?? [], records);
  }
  const arrival = { at: leased.arrived_at as Instant, packs: deps.packs, memo: rowMemo() };
  const made = recordReader(header, columnMap.parse(leased.columns), attestation.parse(leased.attestation), arrival);
  if (!made.ok) {
    await rest.return(undefined);
    return made;
  }
  return { ok: true, header, reader: made.reader, records: rest, from };
}

async function firstBatch(records: AsyncGenerator<CsvRecord[]>): Promise<CsvRecord[] | null> {
  for (;;) {
    const next = await records.next();
    if (next.done === true) return null;
    if (next.value.length > 0) return next.value;
  }
}

async function* followedBy(first: CsvRecord[], rest: AsyncGenerator<CsvRecord[]>): AsyncGenerator<CsvRecord[]> {
  yield first;
  yield* rest;
}

/** The records in chunks, each judged; the last one may be empty and says that the file is done. */
async function* chunksOf(
  records: AsyncGenerator<CsvRecord[]>,
  reader: RecordReader,
  from: CsvPosition,
  leased: LeasedImport,
): AsyncGenerator<ReadChunk> {
  let fromByte = leased.bytes_done;
  let at = from;
  let rows = noRows();
  let chunk = leased.chunks_done;
  const cut = (isLast: boolean): ReadChunk => {
    const toByte = isLast ? leased.bytes_total : at.offset;
    const made = { chunk, fromByte, toByte, toLine: at.line, isLast, ...rows };
    chunk += 1;
    fromByte = toByte;
    rows = noRows();
    return made;
  };
  for await (const batch of records) {
    for (const record of batch) {
      addTo(rows, record, reader.read(record));
      at = record.next;
      if (
        rows.offered.length + rows.rejects.length >= (chunk === 0 ? firstChunkRows : chunkRows) ||
        at.offset - fromByte >= chunkBytesMax
      )
        yield cut(false);
      if (chunk > chunksMax) throw new Error("an import has more chunks than any file can have");
    }
  }
  yield cut(true);
}

const noRows = () => ({
  offered: new OfferedRows(),
  flags: new JoinedColumn(),
  raws: new JoinedTexts(),
  rejects: [] as IntakeReject[],
});

function addTo(rows: ReturnType<typeof noRows>, { line, raw }: CsvRecord, reading: RecordReading): void {
  if (!reading.ok) {
    rows.rejects.push({ line, code: reading.code, detail: reading.detail, raw });
    return;
  }
  const { given, lead } = reading;
  rows.offered.add(given, lead, line);
  rows.flags.add(lead.timezoneUnknown ? "u" : lead.statesDiffer ? "d" : null);
  rows.raws.add(raw);
}
