import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { readEmailAddress } from "../../src/lib/email-address.ts";

const read = (text: string): string => {
  const address = readEmailAddress(text);
  return address.ok ? address.value : `refused: ${address.refusal}`;
};

describe("an address of mail", () => {
  test.each([
    ["ada@example.com", "ada@example.com"],
    [" Ada.Lovelace+solar@Example.COM\r\n", "ada.lovelace+solar@example.com"],
    ["o'neil!#$%&*/=?^_`{|}~-@sub.example.co.uk", "o'neil!#$%&*/=?^_`{|}~-@sub.example.co.uk"],
    // One domain, in Punycode, precomposed, decomposed and upper case.
    ["a@xn--bcher-kva.example", "a@xn--bcher-kva.example"],
    ["a@b\u00fccher.example", "a@xn--bcher-kva.example"],
    ["a@bu\u0308cher.example", "a@xn--bcher-kva.example"],
    ["a@B\u00dcCHER.example", "a@xn--bcher-kva.example"],
    ["a@\u4f8b\u3048\uff0e\u30c6\u30b9\u30c8", "a@xn--r8jz45g.xn--zckzah"],
    ["a@stra\u00dfe.example", "a@xn--strae-oqa.example"],
    [`${"a".repeat(64)}@example.com`, `${"a".repeat(64)}@example.com`],
  ])("%j is read as %j", (text, normal) => {
    expect(read(text)).toBe(normal);
    expect(read(normal)).toBe(normal);
  });

  test.each([
    ["", "not_one_at"],
    ["ada", "not_one_at"],
    ["ada@eve@example.com", "not_one_at"],
    ["ada@example.com, eve@example.com", "not_one_at"],
    ["ada@example.com\r\nBcc: eve@example.com", "not_one_at"],
    [`${"a".repeat(65)}@example.com`, "too_long"],
    [`${"a".repeat(64)}@${"b".repeat(60)}.${"b".repeat(60)}.${"b".repeat(60)}.example`, "too_long"],
    ["@example.com", "local_part"],
    [".ada@example.com", "local_part"],
    ["ada.@example.com", "local_part"],
    ["a..da@example.com", "local_part"],
    ['"ada lovelace"@example.com', "local_part"],
    ["ada(comment)@example.com", "local_part"],
    ["Ada <ada@example.com>", "local_part"],
    ["a\u0000da@example.com", "local_part"],
    ["a\nda@example.com", "local_part"],
    // Lower-cased it would be another person's ASCII address.
    ["\u212aevin@example.com", "local_part"],
    ["\uff41da@example.com", "local_part"],
    ["\u0430da@example.com", "local_part"],
    ["ada\u200b@example.com", "local_part"],
    ["ada@", "domain"],
    ["ada@localhost", "domain"],
    ["ada@example.com.", "domain"],
    ["ada@.example.com", "domain"],
    ["ada@-example.com", "domain"],
    ["ada@example-.com", "domain"],
    ["ada@exa_mple.com", "domain"],
    ["ada@exa mple.com", "domain"],
    ["ada@exam\u00adple.com", "domain"],
    ["ada@example.com\u0000", "domain"],
    ["ada@127.0.0.1", "domain"],
    ["ada@0x7f.1", "domain"],
    ["ada@2130706433", "domain"],
    ["ada@[127.0.0.1]", "domain"],
    ["ada@[IPv6:::1]", "domain"],
    ["ada@example.com:25", "domain"],
    ["ada@example.com/x", "domain"],
    ["ada@example.com?x", "domain"],
    ["ada@example.com#x", "domain"],
    ["ada@example.com\\x", "domain"],
    ["ada@%65xample.com", "domain"],
    ["ada@example.com,", "domain"],
    ["ada@example.com;", "domain"],
    ["ada@example.com>", "domain"],
    ["ada@example.123", "domain"],
    [`ada@${"b".repeat(64)}.example`, "domain"],
    ["ada@xn--.example", "domain"],
  ])("%j is refused: %s", (text, refusal) => {
    expect(read(text)).toBe(`refused: ${refusal}`);
  });

  test("whatever is written, what is read is one bare address, and is read as itself", () => {
    const part = fc.string({ unit: "binary", maxLength: 20 });
    const near = fc.tuple(part, part).map(([one, other]) => `a${one}@example${other}.com`);
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(part, near, fc.emailAddress()), (text) => {
        const address = readEmailAddress(text);
        if (!address.ok) return;
        taken += 1;
        expect(address.value).toMatch(/^[!#-'*+\-/-9=?^-~]+(\.[!#-'*+\-/-9=?^-~]+)*@[a-z0-9.-]+\.[a-z][a-z0-9-]*$/);
        expect(address.value).toBe(address.value.toLowerCase());
        expect(readEmailAddress(address.value)).toEqual(address);
      }),
      { numRuns: 2_000, seed: 7 },
    );
    expect(taken).toBeGreaterThan(300);
  });
});
