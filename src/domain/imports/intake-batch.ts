import { Buffer } from "node:buffer";
import { type IntakeBatch, type IntakeColumn, intakeColumns, valueSeparator } from "../../db/queries/intake.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import type { Evidence, EvidenceFrame, GivenLead, ReadLead } from "./read-row.ts";

/** Few enough that most of their texts are young when they go: the collector copies what it finds alive. */
const joinedAtOnce = 128;

/**
 * A column as it goes to the database, put together while it grows. Its values kept by the thousand until a chunk was whole
 * made a third of an import's time the collector's.
 */
export class JoinedColumn {
  #joined: string | null = null;
  #recent: (string | number | null)[] = [];

  add(value: string | number | null): void {
    if (this.#recent.push(value) >= joinedAtOnce) this.#join();
  }

  get text(): string {
    if (this.#recent.length > 0) this.#join();
    return this.#joined ?? "";
  }

  #join(): void {
    const recent = this.#recent.join(valueSeparator);
    this.#joined = this.#joined === null ? recent : this.#joined + valueSeparator + recent;
    this.#recent = [];
  }
}

/** Texts one behind the other, found again by the byte at which each ends. */
export class JoinedTexts {
  readonly ends: number[] = [];
  #joined = "";
  #recent: string[] = [];

  add(text: string): void {
    this.ends.push((this.ends.at(-1) ?? 0) + Buffer.byteLength(text));
    if (this.#recent.push(text) >= joinedAtOnce) this.#join();
  }

  get text(): string {
    this.#join();
    return this.#joined;
  }

  #join(): void {
    this.#joined += this.#recent.join("");
    this.#recent = [];
  }
}

/** What one call to the database is to take. A row's own objects can go as soon as it is added. */
export class OfferedRows {
  /** Of each number its place among them, and the row that brought it first, both from 1. */
  readonly #positions = new Map<string, number>();
  readonly #firstRows: number[] = [];
  readonly #numbers: number[] = [];
  readonly #frames = new Map<EvidenceFrame, number>();
  readonly #evidenceFrames: (number | null)[] = [];
  readonly #columns = Object.fromEntries(intakeColumns.map((name) => [name, new JoinedColumn()])) as Record<
    IntakeColumn,
    JoinedColumn
  >;

  get length(): number {
    return this.#numbers.length;
  }

  add(given: GivenLead, lead: ReadLead, line: number | null): void {
    const columns = this.#columns;
    this.#numbers.push(this.#position(lead.e164));
    columns.line.add(line);
    columns.externalId.add(given.externalId);
    columns.e164.add(lead.e164);
    columns.firstName.add(given.firstName);
    columns.lastName.add(given.lastName);
    columns.email.add(given.email);
    columns.city.add(given.city);
    columns.state.add(given.state);
    columns.zip.add(given.zip);
    columns.source.add(given.source);
    columns.notes.add(given.notes);
    columns.candidateStates.add(lead.candidateStates);
    columns.ineligibleReason.add(lead.ineligibleReason);
    this.#addEvidence(lead.evidence);
  }

  #position(e164: string): number {
    const known = this.#positions.get(e164);
    if (known !== undefined) return known;
    const position = this.#firstRows.push(this.length + 1);
    this.#positions.set(e164, position);
    return position;
  }

  #addEvidence(evidence: Evidence | null): void {
    this.#evidenceFrames.push(evidence === null ? null : this.#frame(evidence.frame));
    this.#columns.evidenceProof.add(evidence?.proof ?? null);
    this.#columns.evidenceDate.add(evidence?.date ?? null);
    this.#columns.evidenceEnd.add(evidence?.end ?? null);
  }

  /** Its place among them, from 1. */
  #frame(frame: EvidenceFrame): number {
    const known = this.#frames.get(frame) ?? this.#frames.size + 1;
    this.#frames.set(frame, known);
    return known;
  }

  /**
   * With ids for all that may be made, and each number once, under every pepper: in the order of the newest, so that two
   * batches that bring the same numbers take them in the same order and wait for each other in turn.
   */
  batch(numbers: NumberHasher, newId: () => string): IntakeBatch {
    const hashed = [...this.#positions.keys()].map((e164, index) => ({ index, hashes: numbers.hexAll(e164) }));
    hashed.sort((one, other) => ((one.hashes[0] as string) < (other.hashes[0] as string) ? -1 : 1));
    const places: number[] = [];
    for (const [place, { index }] of hashed.entries()) places[index + 1] = place + 1;
    const peppers = [...(hashed[0]?.hashes.keys() ?? [])];
    return {
      pepperVersion: numbers.newest,
      personIds: hashed.map(newId),
      hmacs: peppers.flatMap((pepper) => hashed.map(({ hashes }) => hashes[pepper] as string)),
      firstRows: hashed.map(({ index }) => this.#firstRows[index] as number),
      frames: [...this.#frames.keys()],
      numbers: this.#numbers.map((position) => places[position] as number),
      leadIds: this.#numbers.map(newId),
      evidenceFrames: this.#evidenceFrames,
      columns: Object.fromEntries(intakeColumns.map((name) => [name, this.#columns[name].text])) as Record<IntakeColumn, string>,
    };
  }
}

/** What a value loses on its way into a column. */
export const withoutSeparator = (text: string): string =>
  text.includes(valueSeparator) ? text.replaceAll(valueSeparator, "\ufffd") : text;
