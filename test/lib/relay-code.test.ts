import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { deviceName } from "../../src/lib/device-name.ts";
import { readRelayCode, relayCodeOf, shownCode } from "../../src/lib/relay-code.ts";

describe("a relay code", () => {
  test("says all of its forty bits, and is read as it is shown", () => {
    expect(relayCodeOf(new Uint8Array(32))).toBe("00000000");
    expect(relayCodeOf(new Uint8Array([255, 255, 255, 255, 255, 0]))).toBe("ZZZZZZZZ");
    expect(relayCodeOf(new Uint8Array([0, 0, 0, 0, 33]))).toBe("00000011");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 5 }), fc.uint8Array({ minLength: 5, maxLength: 5 }), (one, other) => {
        const code = relayCodeOf(one);
        expect(readRelayCode(shownCode(code))).toBe(code);
        expect(relayCodeOf(other) === code).toBe(one.every((byte, at) => byte === other[at]));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [" 7k3m 9qtz ", "7K3M9QTZ"],
    ["oO1I-lL00", "00111100"],
    ["7K3M-9QT", null],
    ["7K3M-9QTZ0", null],
    ["7K3M-9QTU", null],
    ["7K3M_9QTZ", null],
    ["", null],
  ])("typed as %j is %j", (typed, code) => {
    expect(readRelayCode(typed)).toBe(code);
  });
});

describe("a browser", () => {
  test.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge on Windows"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome on Windows"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari on macOS"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"],
    ["Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36", "Chrome on Android"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36", "Chrome on Linux"],
    ["curl/8.0", "an unknown browser"],
    [null, "an unknown browser"],
  ])("that says %j is called %s", (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name);
  }); // prettier-ignore
});
