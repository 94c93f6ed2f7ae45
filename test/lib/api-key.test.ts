import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { apiKeyHasher, mintApiKey, parseApiKey } from "../../src/lib/api-key.ts";
import { uuidV7 } from "../../src/lib/uuid-v7.ts";

const id = () => uuidV7(1_763_500_000_000 + Math.floor(Math.random() * 1e9), randomBytes(10));

describe("API keys", () => {
  test("a minted key is parsed to the id that it was minted for, in the one published form", () => {
    for (let round = 0; round < 200; round += 1) {
      const of = id();
      const key = mintApiKey(of, round % 2 === 0, randomBytes(32));
      expect(key.clear).toMatch(/^dg_(live|test)_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}$/);
      expect(parseApiKey(key.clear)).toEqual({ id: of, livemode: round % 2 === 0, clear: key.clear });
    }
    for (const edge of ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]) {
      expect(parseApiKey(mintApiKey(edge, false, new Uint8Array(32).fill(255)).clear)?.id).toBe(edge);
    }
  });

  test("any one changed character, and every made-up key, is refused by its checksum", () => {
    const { clear } = mintApiKey(id(), false, randomBytes(32));
    for (let at = 8; at < clear.length; at += 1) {
      const changed = clear.slice(0, at) + (clear[at] === "A" ? "B" : "A") + clear.slice(at + 1);
      expect(parseApiKey(changed), `character ${at}`).toBeNull();
    }
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const made = (length: number) => [...randomBytes(length)].map((byte) => digits[byte % 62]).join("");
    for (let round = 0; round < 20_000; round += 1) expect(parseApiKey(`dg_test_${made(22)}_${made(38)}`)).toBeNull();
    for (const text of ["", "dg_test_", `${clear}a`, ` ${clear}`, clear.toLowerCase(), "dg_test_zzzzzzzzzzzzzzzzzzzzzz_"])
      expect(parseApiKey(text)).toBeNull();
  });

  test("what is stored is a keyed hash: another pepper gives another", async () => {
    const { clear } = mintApiKey(id(), false, randomBytes(32));
    const one = await (await apiKeyHasher(new Uint8Array(32).fill(1)))(clear);
    const other = await (await apiKeyHasher(new Uint8Array(32).fill(2)))(clear);
    expect(one).toHaveLength(32);
    expect(Buffer.from(one).equals(Buffer.from(other))).toBe(false);
    await expect(apiKeyHasher(new Uint8Array(31))).rejects.toThrow(/shorter than 32 bytes/);
  });
});
