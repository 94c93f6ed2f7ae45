import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { recoveryCodes } from "../../src/lib/recovery-code.ts";

const hash = await apiKeyHasher(new Uint8Array(32).fill(9));
const codes = recoveryCodes(randomBytes, hash);
const [ada, bob] = ["019a9b2c-7d00-7000-8000-000000000001", "019a9b2c-7d00-7000-8000-000000000002"] as const;

test("a set is ten codes of 120 bits, each digit as likely as any other", async () => {
  const sets = await Promise.all(Array.from({ length: 200 }, () => codes.mint(ada)));
  const all = sets.flatMap(({ clear }) => clear);
  expect(all).toHaveLength(2_000);
  expect(new Set(all).size).toBe(2_000);
  const counts = new Map<string, number>();
  for (const digit of all.join("").replaceAll("-", "")) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  expect([...counts.keys()].toSorted().join("")).toBe("0123456789abcdefghjkmnpqrstvwxyz");
  // 48,000 digits over 32: 1,500 each, give or take six standard deviations.
  for (const count of counts.values()) expect(Math.abs(count - 1_500)).toBeLessThan(6 * Math.sqrt(1_500));
});

test("every bit of what was drawn is in the code", async () => {
  const of = async (bytes: Uint8Array) => (await recoveryCodes(() => bytes, hash).mint(ada)).clear[0];
  const zero = await of(new Uint8Array(15));
  expect(zero).toBe("0000-0000-0000-0000-0000-0000");
  const seen = new Set<unknown>([zero]);
  for (let bit = 0; bit < 120; bit += 1) seen.add(await of(Uint8Array.from({ length: 15 }, (_, at) => (at === bit >> 3 ? 1 << (bit & 7) : 0))));
  expect(seen.size).toBe(121);
}); // prettier-ignore

test("a code is found however it is typed, by its own person alone", async () => {
  const { clear, hashes } = await codes.mint(ada);
  for (const [at, code] of clear.entries()) {
    const typed = code.toUpperCase().replaceAll("-", " - ").replaceAll("0", "O").replaceAll("1", "I");
    expect(await codes.hashOf(ada, code)).toEqual(hashes[at]);
    expect(await codes.hashOf(ada, `\t${typed}\n`)).toEqual(hashes[at]);
    expect(await codes.hashOf(bob, code)).not.toEqual(hashes[at]);
  }
});

test("what is no code has no hash, whatever it is", async () => {
  for (const wrong of ["", "0", "0".repeat(23), "0".repeat(25), "u".repeat(24), `${"0".repeat(23)}é`, "０".repeat(24)]) {
    expect(await codes.hashOf(ada, wrong), wrong).toBeNull();
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 64, unit: "binary" }), async (text) => {
      const found = await codes.hashOf(ada, text);
      return found === null || /^[0-9a-z\s-]+$/i.test(text.toLowerCase());
    }),
  );
});
