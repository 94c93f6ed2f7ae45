import { expect, test } from "vitest";
import { qrRows } from "../../src/lib/qr-code.ts";

const uri =
  "otpauth://totp/Dialgate:ada%40example.com?issuer=Dialgate&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30";

test("is a square of one of the standard's sizes, without a margin, with its three finders", () => {
  const rows = qrRows(uri);
  expect((rows.length - 17) % 4).toBe(0);
  expect(rows.every((row) => /^[01]+$/.test(row) && row.length === rows.length)).toBe(true);
  const finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"];
  const corner = (y: number, x: number) => rows.slice(y, y + 7).map((row) => row.slice(x, x + 7));
  const far = rows.length - 7;
  expect([corner(0, 0), corner(0, far), corner(far, 0)]).toEqual([finder, finder, finder]);
  expect(corner(far, far)).not.toEqual(finder);
});

test("holds an address of the greatest length", () => {
  const long = `${"a".repeat(64)}@${"b".repeat(189)}`;
  expect(qrRows(uri.replace("ada%40example.com", encodeURIComponent(long))).length).toBeGreaterThan(qrRows(uri).length);
});
