/** What is wrong with a record before anyone has looked at its columns. */
export type CsvFault = "record_too_long" | "not_utf8" | "nul_byte";

/** Where reading begins: zero, or the end of a record that an earlier reader gave. */
export interface CsvPosition {
  readonly offset: number;
  readonly line: number;
}

const comma = 0x2c;
const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Longer than any lead. */
export const recordBytesMax = 65_536;
/**
 * A record is looked after for so long, that it may be refused as the one that it is: taken apart at its line ends, what
 * stands in a long cell would become records. Beyond this a quote counts as one that nothing closes, and a line as its own.
 */
export const lookBytesMax = 1_048_576;
const fieldsMax = 1_000;
/** As much of a record that is longer as is kept to show which one it was. */
const overlongBytesKept = 4_096;
const bomBytes = 3;
const pieceBytesMax = 131_072;

/** One record: a physical line, or several when a quoted field holds line ends. */
export class CsvRecord {
  /** The physical line on which it begins, from 1. */
  readonly line: number;
  /** Byte offset in the file, and line number, of what follows it. */
  readonly next: CsvPosition;
  readonly fields: readonly string[];
  readonly fault: CsvFault | null;
  readonly #raw: string | Uint8Array;

  /** @param raw its bytes, or its text where every byte is a character. */
  constructor(line: number, next: CsvPosition, fields: readonly string[], fault: CsvFault | null, raw: string | Uint8Array) {
    this.line = line;
    this.next = next;
    this.fields = fields;
    this.fault = fault;
    this.#raw = raw;
  }

  /** Its text as it stood in the file, without its line end; bytes that are no UTF-8 and NULs show as U+FFFD. */
  get raw(): string {
    if (typeof this.#raw === "string") return this.#raw;
    return lenientUtf8.decode(this.#raw).replaceAll("\0", "\ufffd");
  }
}

/**
 * Splits bytes into records, as RFC 4180 says, and never loses one: a field whose quotes do not fit is taken literally up to
 * the next comma or line end, so that one bad quote costs at most its own line. Positions are bytes of the file, so that a
 * reader that starts at a record's `next` gives exactly what this one would have given. Blank lines are no records.
 */
export class CsvReader {
  #buffer: Uint8Array = new Uint8Array(0);
  /** Of the buffer's first byte. */
  #offset: number;
  #line: number;
  /** As many bytes as are worth another look at a long record: it is not looked through again for each piece. */
  #wanted = 0;
  /** Inside a line that is longer than is looked after: where it began, and its first bytes. */
  #overlong: { readonly line: number; readonly head: Uint8Array } | null = null;
  #checkBom: boolean;
  readonly #scan = new FieldScan();

  constructor(from: CsvPosition = { offset: 0, line: 1 }) {
    this.#offset = from.offset;
    this.#line = from.line;
    this.#checkBom = from.offset === 0;
  }

  /** The records that are complete with these bytes. `last` says that the file ends here. */
  push(bytes: Uint8Array, last: boolean): CsvRecord[] {
    this.#append(bytes);
    const records: CsvRecord[] = [];
    if (!this.#skipBom(last)) return records;
    const buffer = this.#buffer;
    if (buffer.length < this.#wanted && !last) return records;
    // One character a byte: offsets in it are offsets in the bytes, and only fields of ASCII alone are cut from it.
    const text = oneCharacterAByte.decode(buffer);
    let at = 0;
    while (at < buffer.length) {
      const next =
        this.#overlong === null ? this.#record(buffer, text, at, last, records) : this.#skipOverlong(buffer, at, last, records);
      if (next < 0) break;
      at = next;
    }
    if (last) this.#endOverlong(at, records);
    this.#offset += at;
    this.#buffer = buffer.subarray(at);
    const open = this.#buffer.length;
    this.#wanted = open > recordBytesMax ? Math.min(2 * open, lookBytesMax + 1) : 0;
    return records;
  }

  #append(bytes: Uint8Array): void {
    if (this.#buffer.length === 0) {
      this.#buffer = bytes;
      return;
    }
    const joined = new Uint8Array(this.#buffer.length + bytes.length);
    joined.set(this.#buffer);
    joined.set(bytes, this.#buffer.length);
    this.#buffer = joined;
  }

  /** False while too few bytes are here to tell. */
  #skipBom(last: boolean): boolean {
    if (!this.#checkBom) return true;
    if (this.#buffer.length < bomBytes && !last) return false;
    this.#checkBom = false;
    if (this.#buffer[0] === 0xef && this.#buffer[1] === 0xbb && this.#buffer[2] === 0xbf) {
      this.#buffer = this.#buffer.subarray(bomBytes);
      this.#offset += bomBytes;
    }
    return true;
  }

  /** Reads one record at `at`; gives the index after it, or -1 when more bytes are needed. */
  #record(buffer: Uint8Array, text: string, at: number, last: boolean, records: CsvRecord[]): number {
    const scan = this.#scan;
    const outcome = scan.record(buffer, at, last);
    if (outcome === "more") return -1;
    const line = this.#line;
    this.#line += scan.lines;
    if (outcome === "overlong") {
      this.#overlong = { line, head: buffer.slice(at, at + overlongBytesKept) };
      return at + lookBytesMax;
    }
    if (scan.end - at > recordBytesMax) {
      const position = { offset: this.#offset + scan.next, line: this.#line };
      records.push(new CsvRecord(line, position, [], "record_too_long", buffer.slice(at, at + overlongBytesKept)));
    } else if (scan.end > at) {
      const position = { offset: this.#offset + scan.next, line: this.#line };
      const { fields, fault } = scan.fields(buffer, text);
      const raw = scan.isPlain ? text.slice(at, scan.end) : buffer.subarray(at, scan.end);
      records.push(new CsvRecord(line, position, fields, fault, raw));
    }
    return scan.next;
  }

  #skipOverlong(buffer: Uint8Array, at: number, last: boolean, records: CsvRecord[]): number {
    let end = at;
    while (end < buffer.length && buffer[end] !== lineFeed && buffer[end] !== carriageReturn) end += 1;
    // A carriage return at the edge may be half of a line end.
    const seen = end + (buffer[end] === carriageReturn ? 1 : 0);
    if (seen >= buffer.length && !last) return end > at ? end : -1;
    const next = end + lineEndLength(buffer, end);
    this.#endOverlong(next, records);
    return next;
  }

  #endOverlong(next: number, records: CsvRecord[]): void {
    if (this.#overlong === null) return;
    const { line, head } = this.#overlong;
    this.#overlong = null;
    this.#line += 1;
    records.push(new CsvRecord(line, { offset: this.#offset + next, line: this.#line }, [], "record_too_long", head));
  }
}

/** Where the fields of one record lie. Reused from record to record: it is filled once for every row of a file. */
class FieldScan {
  /** Index after the last byte of the record, and after its line end. */
  end = 0;
  next = 0;
  /** Line ends that it covers. */
  lines = 0;
  /** Nothing in it but ASCII without NUL. */
  isPlain = true;
  #count = 0;
  #hasNul = false;
  readonly #from = new Int32Array(fieldsMax);
  readonly #to = new Int32Array(fieldsMax);
  readonly #flags = new Uint8Array(fieldsMax);

  record(buffer: Uint8Array, start: number, last: boolean): "record" | "more" | "overlong" {
    const limit = Math.min(buffer.length, start + lookBytesMax);
    const cut = limit < buffer.length;
    this.#count = 0;
    this.#hasNul = false;
    this.isPlain = true;
    this.lines = 0;
    let at = start;
    for (;;) {
      const closed = buffer[at] === quote && at < limit ? this.#quoted(buffer, at, limit, last && !cut) : -1;
      if (closed === needsMore && !cut) return "more";
      at = closed >= 0 ? closed : this.#bare(buffer, at, limit);
      if (at >= limit && cut) return "overlong";
      if (at >= limit && !last) return "more";
      if (at < limit && buffer[at] === comma) {
        at += 1;
        continue;
      }
      if (buffer[at] === carriageReturn && at + 1 === buffer.length && !last) return "more";
      this.end = at;
      this.next = at + lineEndLength(buffer, at);
      this.lines += 1;
      return "record";
    }
  }

  /** A field that opens with a quote: the index after its closing one, `needsMore`, or `misquoted`. */
  #quoted(buffer: Uint8Array, open: number, limit: number, ends: boolean): number {
    let at = open + 1;
    let flags = 0;
    let lines = 0;
    let nul = false;
    for (;;) {
      if (at >= limit) return ends ? misquoted : needsMore;
      const byte = buffer[at] as number;
      if (byte === quote) {
        const after = at + 1;
        if (after >= limit && !ends) return needsMore;
        const follower = after < limit ? buffer[after] : lineFeed;
        if (follower === quote) {
          flags |= hasDoubledQuotes;
          at += 2;
          continue;
        }
        if (follower !== comma && follower !== lineFeed && follower !== carriageReturn) return misquoted;
        if (nul) this.#hasNul = true;
        this.#add(open + 1, at, flags);
        this.lines += lines;
        return after;
      }
      if (byte > 0x7f) flags |= hasHighBytes;
      else if (byte === lineFeed) lines += 1;
      else if (byte === carriageReturn && buffer[at + 1] !== lineFeed) lines += 1;
      else if (byte === 0) nul = true;
      at += 1;
    }
  }

  /** A field as it stands, up to the next comma or line end. */
  #bare(buffer: Uint8Array, from: number, limit: number): number {
    let at = from;
    let flags = 0;
    while (at < limit) {
      const byte = buffer[at] as number;
      if (byte === comma || byte === lineFeed || byte === carriageReturn) break;
      if (byte > 0x7f) flags |= hasHighBytes;
      else if (byte === 0) this.#hasNul = true;
      at += 1;
    }
    this.#add(from, at, flags);
    return at;
  }

  #add(from: number, to: number, flags: number): void {
    // A record with more fields than this fits no header; that it has too many is all that matters then.
    const index = Math.min(this.#count, fieldsMax - 1);
    this.#from[index] = from;
    this.#to[index] = to;
    this.#flags[index] = flags;
    this.#count = index + 1;
    if (this.#hasNul || (flags & hasHighBytes) !== 0) this.isPlain = false;
  }

  fields(buffer: Uint8Array, text: string): { fields: string[]; fault: CsvFault | null } {
    const fields: string[] = [];
    let fault: CsvFault | null = this.#hasNul ? "nul_byte" : null;
    for (let index = 0; index < this.#count; index += 1) {
      const from = this.#from[index] as number;
      const to = this.#to[index] as number;
      const flags = this.#flags[index] as number;
      let field = text.slice(from, to);
      if ((flags & hasHighBytes) !== 0) {
        const decoded = utf8Of(buffer.subarray(from, to));
        if (decoded === null) fault ??= "not_utf8";
        else field = decoded;
      }
      fields.push((flags & hasDoubledQuotes) !== 0 ? field.replaceAll('""', '"') : field);
    }
    return { fields, fault };
  }
}

const hasHighBytes = 1;
const hasDoubledQuotes = 2;
const misquoted = -1;
const needsMore = -2;

const oneCharacterAByte = new TextDecoder("windows-1252");
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Of(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

function lineEndLength(buffer: Uint8Array, at: number): number {
  if (at >= buffer.length) return 0;
  return buffer[at] === carriageReturn && buffer[at + 1] === lineFeed ? 2 : 1;
}

/** A stream's records, in the batches in which its bytes arrive. Stopping early cancels the stream. */
export async function* readCsv(bytes: AsyncIterable<Uint8Array>, from?: CsvPosition): AsyncGenerator<CsvRecord[]> {
  const reader = new CsvReader(from);
  for await (const piece of bytes) {
    // A whole file in one piece would otherwise become all its records at once.
    for (let at = 0; at < piece.length; at += pieceBytesMax) yield reader.push(piece.subarray(at, at + pieceBytesMax), false);
  }
  yield reader.push(new Uint8Array(0), true);
}
