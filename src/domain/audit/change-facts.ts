/** A row's field as the API spells it. The chain is for good, and is read beside the API's documents. */
export const wireName = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export interface ChangeFacts {
  readonly changed: readonly string[];
  readonly from: Readonly<Record<string, unknown>>;
  readonly to: Readonly<Record<string, unknown>>;
}

/**
 * What the entry of a change says: which fields were given, and their values before and after, also where these are the same.
 * Values that are a secret or a person's are not given to it. Ids are given as the API shows them.
 */
export function changeFacts<Row extends object>(before: Row, after: Row, fields: readonly (keyof Row & string)[]): ChangeFacts {
  const valuesOf = (row: Row) => Object.fromEntries(fields.map((field) => [wireName(field), row[field] ?? null]));
  return { changed: fields.map(wireName).toSorted(), from: valuesOf(before), to: valuesOf(after) };
}

/** The fields of a change that were given. */
export const givenFields = <Change extends object>(change: Change): (keyof Change & string)[] =>
  Object.keys(change) as (keyof Change & string)[];
