import { type IntakeBatch, type IntakeColumns, valueSeparator } from "../../db/queries/intake.ts";
import type { NumberHasher } from "../../lib/number-hash.ts";
import type { GivenLead, ReadLead } from "./read-row.ts";

type Gathered = Omit<IntakeColumns, "leadId" | "evidenceId">;

/**
 * What one call to the database is to take, column by column. A row's own objects can go as soon as it is added: kept by
 * the thousand until a chunk was whole, they made a quarter of an import's time the collector's.
 */
export class OfferedRows {
  /** Of each number its place among them, and the row that brought it first, both from 1. */
  readonly #positions = new Map<string, number>();
  readonly #firstRows: number[] = [];
  readonly #rows: { readonly [Column in keyof Gathered]: Gathered[Column][number][] } = {
    number: [],
    line: [],
    externalId: [],
    e164: [],
    firstName: [],
    lastName: [],
    email: [],
    city: [],
    state: [],
    zip: [],
    source: [],
    notes: [],
    candidateStates: [],
    ineligibleReason: [],
    evidence: [],
  };

  get length(): number {
    return this.#rows.e164.length;
  }

  add(given: GivenLead, lead: ReadLead, line: number | null): void {
    const rows = this.#rows;
    let position = this.#positions.get(lead.e164);
    if (position === undefined) {
      position = this.#firstRows.push(this.length + 1);
      this.#positions.set(lead.e164, position);
    }
    rows.number.push(position);
    rows.line.push(line);
    rows.externalId.push(given.externalId);
    rows.e164.push(lead.e164);
    rows.firstName.push(given.firstName);
    rows.lastName.push(given.lastName);
    rows.email.push(given.email);
    rows.city.push(given.city);
    rows.state.push(given.state);
    rows.zip.push(given.zip);
    rows.source.push(given.source);
    rows.notes.push(given.notes);
    rows.candidateStates.push(lead.candidateStates);
    rows.ineligibleReason.push(lead.ineligibleReason);
    rows.evidence.push(lead.evidence);
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
      rows: {
        ...this.#rows,
        number: this.#rows.number.map((position) => places[position] as number),
        leadId: this.#rows.e164.map(newId),
        evidenceId: this.#rows.evidence.map((evidence) => (evidence === null ? null : newId())),
      },
    };
  }
}

/** What a value loses on its way into a column. */
export const withoutSeparator = (text: string): string =>
  text.includes(valueSeparator) ? text.replaceAll(valueSeparator, "\ufffd") : text;
