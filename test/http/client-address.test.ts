import { SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientAddress, networkOf, unknownAddress } from "../../src/http/client-address.ts";

/** By the system's own inet_ntop, as RFC 5952 spells it. */
const canonical = (groups: readonly number[]): string =>
  new SocketAddress({ address: groups.map((one) => one.toString(16)).join(":"), family: "ipv6" }).address;

describe("whom an address stands for", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    [" 203.0.113.7 ", "203.0.113.7"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8::/64"],
    ["2001:db8:0:0:1::", "2001:db8::/64"],
    ["::1", "::/64"],
    ["::", "::/64"],
    ["fe80::a:b:c:d", "fe80::/64"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["0000:0000:0000:0000:0000:ffff:cb00:7107", "203.0.113.7"],
    ["64:ff9b::203.0.113.7", "64:ff9b::/64"],
    ["::203.0.113.7", "::/64"],
  ])("%s counts as %s", (text, name) => {
    expect(clientAddress(text)).toBe(name);
  });

  test("every spelling of one address, and every address of its /64, is one", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const network = fc.array(group, { minLength: 4, maxLength: 4 }).filter((groups) => groups.some((one) => one > 0));
    const host = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(network, host, fc.boolean(), fc.boolean(), (net, end, upper, padded) => {
        const spell = (groups: readonly number[]) => {
          const text = groups.map((one) => one.toString(16).padStart(padded ? 4 : 1, "0")).join(":");
          return upper ? text.toUpperCase() : text;
        };
        const name = `${canonical([...net, 0, 0, 0, 0])}/64`;
        expect(clientAddress(spell([...net, ...end]))).toBe(name);
        expect(networkOf(name)).toBe(`${canonical([...net.slice(0, 3), 0, 0, 0, 0, 0])}/48`);
        expect(clientAddress(`${spell(net)}::`)).toBe(name);
        const short = new URL(`http://[${spell([...net, ...end])}]`).hostname.slice(1, -1);
        expect(clientAddress(short)).toBe(name);
      }),
    );
  });

  test.each([
    undefined, "", " ", "unknown", "localhost", "203.0.113", "203.0.113.7.1", "203.0.113.256", "203.0.113.07", "0x7f.0.0.1", "2130706433",
    "203.0.113.7, 198.51.100.1", "203.0.113.7:443", "[2001:db8::1]", "2001:db8::1%eth0", "2001:db8::1/64", "2001:db8:::1", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9", "2001:db8::1]@evil.example/[::1", "::1]:80", "12345::", "g::1", "::ffff:203.0.113.256", "２０３.0.113.7", "203.0.113.7\u0000",
    ":", "::::::::", "a".repeat(100_000), `${"0:".repeat(50_000)}1`,
  ])("what is no address shares one bucket: %.40s", (text) => {
    expect(clientAddress(text)).toBe(unknownAddress);
  }); // prettier-ignore

  test("no text whatever breaks it, or makes a name of another form", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.ipV6(), fc.ipV4(), fc.ipV4Extended(), fc.stringMatching(/^[0-9a-f:.]{1,45}$/)),
        (text) => {
          expect(clientAddress(text)).toMatch(/^(unknown|\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]{2,40}\/64)$/);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
