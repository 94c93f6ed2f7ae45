import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { describe, expect, it } from "vitest";
import { phoneMemo, readPhone } from "../../src/lib/phone.ts";

const read = (text: string) => {
  const reading = readPhone(text, phoneMemo());
  return reading.ok ? reading.e164 : reading.code;
};

describe("reading a phone number", () => {
  it.each([
    "2125550123",
    "12125550123",
    "+12125550123",
    "(212) 555-0123",
    "212.555.0123",
    "1-212-555-0123",
    " +1 212 555 0123 ",
    "(+1) 212 555 0123",
    "(+1)(212) 555-0123",
    "'(+1)2125550123",
    '="2125550123"',
    "'+12125550123",
    '"2125550123"',
    "\u202a+12125550123\u202c",
    "212\u00a0555\u00a00123",
  ])("takes %j for the same number", (text) => {
    expect(read(text)).toBe("+12125550123");
  });

  it.each([
    "",
    "n/a",
    "12345",
    "555-CALL-NOW",
    "1.70121815E+10",
    "2125550123 / 2125550124",
    "2125550123 ext. 5",
    "1-123-456-7890",
    "9999999999999999",
    "x".repeat(5_000),
  ])("refuses %j as no number", (text) => {
    expect(read(text)).toBe("phone_invalid");
  });

  it.each(["8005550123", "+1 900 555 0123", "+80012345678", "5005550123"])("refuses %j as belonging to no place", (text) => {
    expect(read(text)).toBe("phone_not_geographic");
  });

  it.each(["+442079460199", "+14165550123", "+18765550123", "011 44 20 7946 0199", "(+44) 20 7946 0199"])(
    "refuses %j as not of the United States",
    (text) => {
      expect(read(text)).toBe("phone_not_us");
    },
  );

  it.each([
    ["+17875550123", "PR"],
    ["+13405550123", "VI"],
    ["+16715550123", "GU"],
    ["+16846330123", "AS"],
    ["+16705550123", "MP"],
  ])("counts a territory as the United States: %s", (text, country) => {
    expect(readPhone(text, phoneMemo())).toMatchObject({ ok: true, country });
  });

  it("does not take ten digits after a plus for an American number", () => {
    expect(read("+9165786579")).not.toBe("+19165786579");
  });

  it("says with its memo what the library says without one", () => {
    const memo = phoneMemo();
    let state = 12_345;
    const next = (max: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state % max;
    };
    for (let run = 0; run < 4_000; run += 1) {
      // Few area codes and exchanges, so that most answers come from the memo.
      const text = `${[212, 787, 416, 800, 907, 911, 999, 448][next(8)]}${200 + next(5)}${String(next(10_000)).padStart(4, "0")}`;
      const answer = readPhone(text, memo);
      const number = parsePhoneNumberFromString(text, "US");
      expect(answer.ok || answer.code !== "phone_invalid").toBe(number?.isValid() ?? false);
      expect(answer.ok ? answer.e164 : null).toBe(answer.ok ? number?.number : null);
    }
  });

  it("learns of four digits at once only what the library says of every block with them", () => {
    const memo = phoneMemo();
    let state = 4_321;
    const next = (max: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state % max;
    };
    let ordinary = 0;
    for (let prefix = 2_000; prefix < 10_000; prefix += 1) {
      if (prefix % 10 < 2) continue;
      const first = readPhone(`${prefix}${String(next(100)).padStart(2, "0")}4567`, memo);
      if (!first.ok || first.country !== "US") continue;
      ordinary += 1;
      for (let block = 0; block < 2; block += 1) {
        const text = `${prefix}${String(next(100)).padStart(2, "0")}${String(next(10_000)).padStart(4, "0")}`;
        const number = parsePhoneNumberFromString(text, "US");
        const said = { ok: number?.isValid() ?? false, e164: number?.number, country: number?.country, type: number?.getType() };
        expect(readPhone(text, memo)).toMatchObject(said);
      }
    }
    expect(ordinary).toBeGreaterThan(2_000);
  });
});
