import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CsvReader, type CsvRecord, lookBytesMax, readCsv, recordBytesMax } from "../../src/lib/csv.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const whole = (bytes: Uint8Array): CsvRecord[] => new CsvReader().push(bytes, true);
const fieldsOf = (text: string) => whole(bytesOf(text)).map((record) => record.fields);
const inPieces = (bytes: Uint8Array, size: number): CsvRecord[] => {
  const reader = new CsvReader();
  const records: CsvRecord[] = [];
  for (let at = 0; at < bytes.length; at += size) records.push(...reader.push(bytes.subarray(at, at + size), false));
  return [...records, ...reader.push(new Uint8Array(0), true)];
};
const plain = (records: readonly CsvRecord[]) =>
  records.map(({ line, next, fields, fault, raw }) => ({ line, next, fields, fault, raw }));

describe("the CSV reader", () => {
  it.each([
    [
      "plain rows",
      "a,b\nc,d\n",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    [
      "no line end at the end",
      "a,b\nc,d",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    ["CRLF and lone carriage returns", "a\r\nb\rc", [["a"], ["b"], ["c"]]],
    ["a byte-order mark", "\ufeffa,b", [["a", "b"]]],
    ["quoted commas, quotes and line ends", '"a,b","say ""x""","one\r\ntwo"\nc', [["a,b", 'say "x"', "one\r\ntwo"], ["c"]]],
    [
      "empty fields, also at the end",
      ",\n,,",
      [
        ["", ""],
        ["", "", ""],
      ],
    ],
    ["empty quoted fields", '"",""', [["", ""]]],
    ["blank lines as nothing", "a\n\n\r\nb\n\n", [["a"], ["b"]]],
    ["quotes inside a bare field", 'a,5" pipe,="007"', [["a", '5" pipe', '="007"']]],
    [
      "a quoted field with something after it, literally",
      '"Bob" Smith,x\ny,z',
      [
        ['"Bob" Smith', "x"],
        ["y", "z"],
      ],
    ],
    [
      "a quote that nothing closes, literally up to its comma",
      'a,"b,c\nd,e,f\n',
      [
        ["a", '"b', "c"],
        ["d", "e", "f"],
      ],
    ],
    ["text beyond ASCII", 'Zoë,"Müller, 北"\n', [["Zoë", "Müller, 北"]]],
  ])("reads %s", (_name, text, expected) => {
    expect(fieldsOf(text)).toEqual(expected);
  });

  it("costs a file with one bad quote no row but its own", () => {
    const rows = Array.from({ length: 500 }, (_, index) => (index === 7 ? `x,"${index},y` : `x,"q ${index}",y`));
    expect(whole(bytesOf(rows.join("\n")))).toHaveLength(500);
  });

  it("gives line numbers that a text editor would show", () => {
    expect(whole(bytesOf('a\n"b\nb"\n\nc\r\nd')).map((record) => record.line)).toEqual([1, 2, 5, 6]);
  });

  it("marks what is not UTF-8 or holds a NUL, keeps its text, and goes on", () => {
    const records = whole(new Uint8Array([...bytesOf("a,"), 0xe9, ...bytesOf("\nb,\u0000\nc,d")]));
    expect(records.map((record) => record.fault)).toEqual(["not_utf8", "nul_byte", null]);
    expect(records.map((record) => record.raw)).toEqual(["a,\ufffd", "b,\ufffd", "c,d"]);
  });

  it.each([
    ["line", `${"x".repeat(3 * recordBytesMax)}\nb\n`],
    ["line beyond any look", `${"x".repeat(3 * lookBytesMax)}\nb\n`],
    ["last line", `b\n${"x".repeat(3 * recordBytesMax)}`],
    ["quoted field", `"${"x\n".repeat(10)}",${"y".repeat(2 * recordBytesMax)}\nb\n`],
  ])("gives a %s that is too long as one record without its bulk", (_name, text) => {
    for (const records of [whole(bytesOf(text)), inPieces(bytesOf(text), 1_000), inPieces(bytesOf(text), recordBytesMax)]) {
      expect(new Set(records.map((record) => record.fault))).toEqual(new Set(["record_too_long", null]));
      expect(records).toHaveLength(2);
      for (const record of records) expect(record.raw.length).toBeLessThanOrEqual(4_096);
      expect(records.at(-1)?.next.offset).toBe(bytesOf(text).length);
    }
  });

  it("gives a record that is too long as one, whatever its cells hold: nothing in them becomes a record", () => {
    const long = "y".repeat(recordBytesMax);
    const inside = `\n2125550123,x\r\n"" ,2125550124\n`;
    for (const [text, expected] of [
      [`a,"${long}${inside}end",b\nc,d\n`, 2],
      [`a,"${inside}${long}",b\nc,d`, 2],
      [`a,${long},"${inside}",b\nc,d\n`, 2],
      [`a,"${long}${inside}","${long}${inside}"\nc,d\n`, 2],
      [`a,"${long}${inside}`, 3],
      [`a,"${"y".repeat(lookBytesMax)}${inside}",b\nc,d\n`, 5],
    ] as const)
      for (const records of [whole(bytesOf(text)), inPieces(bytesOf(text), 1_000), inPieces(bytesOf(text), recordBytesMax)]) {
        expect(records).toHaveLength(expected);
        expect(records[0]?.fault).toBe("record_too_long");
        expect(records.slice(1).every((record) => record.fault === null)).toBe(true);
        expect(records.at(-1)?.next.offset).toBe(text.length);
        expect(records[1]?.line).toBe(
          expected === 2 ? (text.slice(0, records[0]?.next.offset).match(/\r\n|\n/g)?.length ?? 0) + 1 : 2,
        );
      }
    const most = `${"z".repeat(recordBytesMax - 2)},z`;
    expect(whole(bytesOf(`${most}\nb`)).map((record) => record.fault)).toEqual([null, null]);
    expect(whole(bytesOf(`${most}z\nb`)).map((record) => record.fault)).toEqual(["record_too_long", null]);
  });

  it("looks after a quote that nothing closes for no longer than a record may be", () => {
    const rows = Array.from({ length: 40_000 }, (_, index) => (index % 2 === 0 ? `"${index},y` : `${index},y`));
    const started = performance.now();
    expect(whole(bytesOf(rows.join("\n")))).toHaveLength(40_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("reads the same from any pieces of the sample file", async () => {
    const bytes = new Uint8Array(await readFile(new URL("../../dev/data/leads.csv", import.meta.url)));
    const expected = plain(whole(bytes));
    expect(expected).toHaveLength(3001);
    for (const size of [997, 4096, 65_536]) expect(plain(inPieces(bytes, size))).toEqual(expected);
    const streamed: CsvRecord[] = [];
    for await (const batch of readCsv(new Blob([bytes]).stream())) streamed.push(...batch);
    expect(plain(streamed)).toEqual(expected);
  });
});

/** Bytes that hit the grammar: quotes, commas, line ends, marks, high bytes, NULs, and anything. */
const hostile = fc
  .array(fc.oneof(fc.constantFrom(0x22, 0x2c, 0x0a, 0x0d, 0x61, 0x00, 0xc3, 0xa9, 0xff), fc.integer({ min: 0, max: 255 })), {
    maxLength: 200,
  })
  .map((bytes) => Uint8Array.from(bytes));

describe("for any bytes at all, the CSV reader", () => {
  it("loses no byte: its records lie in order, and only line ends lie between them", () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        let last = { offset: 0, line: 0 };
        for (const record of whole(bytes)) {
          expect(record.next.offset).toBeGreaterThan(last.offset);
          expect(record.line).toBeGreaterThanOrEqual(last.line);
          last = record.next;
        }
        const rest = bytes.subarray(last.offset);
        const isMark = last.offset === 0 && rest[0] === 0xef && rest[1] === 0xbb && rest[2] === 0xbf;
        expect([...rest.subarray(isMark ? 3 : 0)].every((byte) => byte === 0x0a || byte === 0x0d)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("reads the same in one piece as in pieces of any size", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 40 }), (bytes, size) => {
        expect(plain(inPieces(bytes, size))).toEqual(plain(whole(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  it("goes on from any record's end as if it had never stopped", () => {
    fc.assert(
      fc.property(hostile, fc.nat(), (bytes, pick) => {
        const records = whole(bytes);
        const from = records[pick % Math.max(1, records.length)]?.next;
        if (from === undefined) return;
        const after = new CsvReader(from).push(bytes.subarray(from.offset), true);
        expect(plain(after)).toEqual(plain(records.filter((record) => record.next.offset > from.offset)));
      }),
      { numRuns: 500 },
    );
  });

  it("gives back what was written by the rules", () => {
    const value = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !text.includes("\0"));
    const table = fc.array(fc.array(value, { minLength: 2, maxLength: 4 }), { maxLength: 8 });
    fc.assert(
      fc.property(table, fc.constantFrom("\n", "\r\n"), (rows, lineEnd) => {
        const written = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(",") + lineEnd).join("");
        expect(fieldsOf(written)).toEqual(rows);
      }),
    );
  });
});
