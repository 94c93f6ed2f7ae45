import type { OrgDb } from "../../db/org-db.ts";
import { type AppliedChunk, intakeChunk, type IntakeReject } from "../../db/queries/intake.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import { type JoinedColumn, type JoinedTexts, type OfferedRows, withoutSeparator } from "./intake-batch.ts";

/** Rows of a file between two of its bytes, read and judged. */
export interface ReadChunk {
  readonly chunk: number;
  readonly fromByte: number;
  readonly toByte: number;
  readonly toLine: number;
  readonly isLast: boolean;
  readonly offered: OfferedRows;
  /** Beside each offered row. */
  readonly flags: JoinedColumn;
  readonly raws: JoinedTexts;
  readonly rejects: readonly IntakeReject[];
}
export interface ChunkFrame {
  readonly importId: string;
  readonly header: readonly string[];
  readonly leaseSeconds: number;
  /** For the audit entry, as JSON. */
  readonly facts: string;
}

/** Takes everything of the chunk in one request and one transaction, audit entry included; one that was applied before changes nothing. */
export async function applyChunk(org: OrgDb, prepared: PreparedChunk): Promise<AppliedChunk> {
  const [applied] = await org.rows<AppliedChunk>(prepared);
  if (applied === undefined) throw new Error("a chunk got no answer");
  return applied;
}

type PreparedChunk = ReturnType<typeof intakeChunk>;

/** The work that needs no database: numbers hashed, columns joined. Done while the database takes the chunk before. */
export function prepareChunk(org: OrgDb, numbers: NumberHasher, frame: ChunkFrame, read: ReadChunk): PreparedChunk {
  return intakeChunk({
    ...read.offered.batch(numbers, () => org.newId()),
    ...frame,
    chunk: read.chunk,
    fromByte: read.fromByte,
    toByte: read.toByte,
    toLine: read.toLine,
    isLast: read.isLast,
    flags: read.flags.text,
    raws: read.raws,
    rejects: read.rejects.map((reject) => ({ ...reject, raw: withoutSeparator(reject.raw) })),
  });
}
