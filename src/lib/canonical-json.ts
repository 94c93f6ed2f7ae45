/**
 * RFC 8785 for plain JSON: keys sorted by UTF-16 units at every depth, numbers and strings as JSON.stringify writes them.
 * The text is stored verbatim and hashed; it is never made again from a parsed value to verify.
 * @throws TypeError for what JSON cannot carry (undefined inside a list, a function, NaN, an infinity).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("JSON carries finite numbers only");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const record = value as Record<string, unknown>;
    const keys = Object.keys(record).filter((key) => record[key] !== undefined);
    return `{${keys
      .toSorted()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`)
      .join(",")}}`;
  }
  throw new TypeError(`JSON carries no ${typeof value}`);
}
