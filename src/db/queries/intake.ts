import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** Between a column's values. Never inside one: whoever reads a cell takes it out. */
export const valueSeparator = "\u007f";

/**
 * What rows bring, column by column, each as one text of its values (`joined`): line, the lead's own columns, why its
 * consent does not pass, and what the row adds to the frame of its evidence.
 */
export const intakeColumns = [
  "line",
  "externalId",
  "e164",
  "firstName",
  "lastName",
  "email",
  "city",
  "state",
  "zip",
  "source",
  "notes",
  "candidateStates",
  "ineligibleReason",
  "evidenceProof",
  "evidenceDate",
  "evidenceEnd",
] as const;
export type IntakeColumn = (typeof intakeColumns)[number];

/** Rows that become leads unless their numbers have one. */
export interface IntakeBatch {
  readonly pepperVersion: number;
  /** Of each number, should its person be new. */
  readonly personIds: readonly string[];
  /** Each number under the newest pepper, then each under the next older one that is held, and so on. */
  readonly hmacs: readonly string[];
  /** Of each number, the first row that has it, from 1. */
  readonly firstRows: readonly number[];
  readonly frames: readonly { readonly head: string; readonly tail: string }[];
  /** Of each row the position of its number, from 1; the id of the lead and of the evidence that it may make; the position of its evidence's frame. */
  readonly numbers: readonly number[];
  readonly leadIds: readonly string[];
  readonly evidenceFrames: readonly (number | null)[];
  readonly columns: Readonly<Record<IntakeColumn, string>>;
}

export interface IntakeReject {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
  readonly raw: string;
}
export interface IntakeChunk extends IntakeBatch {
  readonly importId: string;
  readonly chunk: number;
  readonly fromByte: number;
  readonly toByte: number;
  readonly toLine: number;
  readonly isLast: boolean;
  readonly leaseSeconds: number;
  /** The file's own header, kept once for the list of rejected rows. */
  readonly header: readonly string[];
  /** Beside each row, joined: "d" where the area code is another state's, "u" where no state is known. */
  readonly flags: string;
  /** The rows' own texts, one behind the other, and where each ends, in bytes of all of them together. */
  readonly raws: { readonly text: string; readonly ends: readonly number[] };
  readonly rejects: readonly IntakeReject[];
  readonly facts: string;
}

/** What became of one offered row. */
export interface IntakeResult {
  readonly n: number;
  /** The new lead, or the one that has this number already. */
  readonly lead_id: string;
  readonly created: boolean;
  readonly first_line: number | null;
  readonly reason: string | null;
  readonly evidence_new: boolean;
}
export interface AppliedChunk {
  /** False when the import stands elsewhere: applied already, cancelled, or taken over. */
  readonly applied: boolean;
  readonly status: string | null;
  readonly chunks_done: number | null;
  readonly bytes_done: number | null;
}

const joined = (values: readonly (string | number | null)[]): string => values.join(valueSeparator);

/** In the order of the SQL function's last 25 parameters. */
function batchParams(batch: IntakeBatch): unknown[] {
  const { line, ineligibleReason, evidenceProof, evidenceDate, evidenceEnd, ...lead } = batch.columns;
  return [
    batch.pepperVersion,
    joined(batch.personIds),
    joined(batch.hmacs),
    joined(batch.firstRows),
    joined(batch.numbers),
    line,
    joined(batch.leadIds),
    lead.externalId,
    lead.e164,
    lead.firstName,
    lead.lastName,
    lead.email,
    lead.city,
    lead.state,
    lead.zip,
    lead.source,
    lead.notes,
    lead.candidateStates,
    ineligibleReason,
    joined(batch.frames.map(({ head }) => head)),
    joined(batch.frames.map(({ tail }) => tail)),
    joined(batch.evidenceFrames),
    evidenceProof,
    evidenceDate,
    evidenceEnd,
  ];
}

const places = (count: number, from: number): string =>
  Array.from({ length: count }, (_, index) => `$${from + index}`).join(", ");

/** Rows that come from no file. */
export function intakeRows(batch: IntakeBatch): Statement {
  const params = batchParams(batch);
  const text = `select n, lead_id, created, first_line, reason, evidence_new from app.intake_rows(${places(params.length, 1)}) order by n`;
  return { name: "app.intake_rows", text, params };
}

export function intakeChunk(chunk: IntakeChunk): Statement {
  const { rejects } = chunk;
  const params = [
    chunk.importId,
    chunk.chunk,
    chunk.fromByte,
    chunk.toByte,
    chunk.toLine,
    chunk.numbers.length + rejects.length,
    chunk.isLast,
    chunk.leaseSeconds,
    JSON.stringify(chunk.header),
    chunk.facts,
    chunk.flags,
    chunk.raws.text,
    joined(chunk.raws.ends),
    joined(rejects.map((reject) => reject.line)),
    joined(rejects.map((reject) => reject.code)),
    joined(rejects.map((reject) => reject.detail)),
    joined(rejects.map((reject) => reject.raw)),
    ...batchParams(chunk),
  ];
  const text = `select applied, status, chunks_done, bytes_done from app.intake_chunk(${places(params.length, 1)})`;
  return { name: "app.intake_chunk", text, params };
}

export interface LeasedImport {
  readonly id: string;
  readonly file_key: string;
  readonly bytes_total: number;
  readonly bytes_done: number;
  readonly lines_done: number;
  readonly chunks_done: number;
  readonly columns: unknown;
  readonly attestation: unknown;
  readonly header: readonly string[] | null;
  readonly arrived_at: string;
}

/** The import, or no row when it is done, unknown, or another consumer's. */
export const leaseImport = (importId: string, leaseSeconds: number, facts: string): Statement => ({
  name: "app.lease_import",
  text: "select id, file_key, bytes_total, bytes_done, lines_done, chunks_done, columns, attestation, header, arrived_at from app.lease_import($1, $2, $3)",
  params: [importId, leaseSeconds, facts],
});

export const releaseImport = (importId: string): Statement => ({
  name: "app.release_import",
  text: "select app.release_import($1)",
  params: [importId],
});

export const failImport = (importId: string, reason: string, detail: string | null, facts: string): Statement => ({
  name: "app.fail_import",
  text: "select app.fail_import($1, $2, $3, $4)",
  params: [importId, reason, detail, facts],
});

/** Imports that wait for a consumer, oldest first. */
export const openImports = (max: number): Statement => ({
  name: "open_imports",
  text: `select i.id from imports i where ${inOrg("i")} and i.status in ('queued', 'running')
    and (i.lease_until is null or i.lease_until < clock_timestamp()) order by i.id limit $1`,
  params: [max],
});

export interface RejectRow {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
  readonly raw: string;
}
/** Rows are kept whole, up to 64 KiB each: a page ends with the row that fills it. */
const pageBytes = 2_097_152;
/** A page of an import's rejected rows, in the order of the file. */
export const rejectsAfter = (importId: string, line: number, max: number): Statement => ({
  name: "rejects_after",
  text: `select x.line, x.code, x.detail, x.raw from (
      select p.*, sum(octet_length(p.raw)) over (order by p.line) - octet_length(p.raw) as before from (
        select r.line, r.code, r.detail, r.raw from import_rejects r
          where ${inOrg("r")} and r.import_id = $1 and r.line > $2 order by r.line limit $3) p) x
    where x.before < ${pageBytes} order by x.line`,
  params: [importId, line, max],
});
