import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { faultOfSecret, lackingMembers, readPublicJwk, type TokenAlg, tokenAlgs } from "../../src/lib/public-jwk.ts";

type Jwk = Record<string, unknown>;
const publicOf = (pair: { publicKey: { export(options: { format: "jwk" }): Jwk } }): Jwk =>
  pair.publicKey.export({ format: "jwk" });
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  publicOf(generateKeyPairSync("rsa", { modulusLength, publicExponent }) as never);
const keys: Record<Exclude<TokenAlg, "HS256">, Jwk> = {
  EdDSA: publicOf(generateKeyPairSync("ed25519") as never),
  ES256: publicOf(generateKeyPairSync("ec", { namedCurve: "P-256" }) as never),
  RS256: rsa(2048),
};
const refusal = (alg: TokenAlg, jwk: unknown) => {
  const read = readPublicJwk(alg, jwk);
  return read.ok ? null : read.refusal;
};

test("each key is taken for its own algorithm, without what is not of the key, and for no other", () => {
  for (const [of, jwk] of Object.entries(keys)) {
    for (const alg of tokenAlgs) expect(refusal(alg, jwk), `${of} for ${alg}`).toBe(alg === of ? null : "key_of_another_type");
    const read = readPublicJwk(of as TokenAlg, {
      ...jwk,
      kid: "k1",
      use: "sig",
      alg: of,
      key_ops: ["verify"],
      x5c: ["MII"],
      x5t: "a",
    });
    expect(read).toEqual({ ok: true, value: { ...jwk, kid: "k1" } });
  }
});

test("EdDSA may be called Ed25519 (RFC 9864)", () => {
  expect(refusal("EdDSA", { ...keys.EdDSA, alg: "Ed25519" })).toBeNull();
});

describe("what is no key to verify with is refused", () => {
  test.each([
    ["a private key", "EdDSA", { ...keys.EdDSA, d: "AAAA" }, "key_private"],
    ["a secret", "RS256", { kty: "oct", k: "AAAA" }, "key_private"],
    ["an RSA key's prime", "RS256", { ...keys.RS256, p: "AAAA" }, "key_private"],
    ["a key for encryption", "RS256", { ...keys.RS256, use: "enc" }, "key_of_another_type"],
    ["a key of another algorithm's name", "RS256", { ...keys.RS256, alg: "PS256" }, "key_of_another_type"],
    ["a key that is for signing only", "ES256", { ...keys.ES256, key_ops: ["sign"] }, "key_of_another_type"],
    ["another curve", "ES256", publicOf(generateKeyPairSync("ec", { namedCurve: "P-384" }) as never), "key_of_another_type"],
    ["the curve for key agreement", "EdDSA", { ...keys.EdDSA, crv: "X25519" }, "key_of_another_type"],
    ["RSA of 1,024 bits", "RS256", rsa(1024), "key_too_small"],
    ["RSA of 2,047 bits", "RS256", { ...keys.RS256, n: Buffer.concat([Buffer.from([0x7f]), randomBytes(255)]).toString("base64url") }, "key_too_small"],
    ["RSA of 4,104 bits", "RS256", { ...keys.RS256, n: Buffer.alloc(513, 0xff).toString("base64url") }, "key_malformed"],
    ["an exponent of 3", "RS256", { ...keys.RS256, e: "Aw" }, "key_malformed"],
    ["a modulus with a leading zero", "RS256", { ...keys.RS256, n: Buffer.concat([Buffer.from([0]), randomBytes(256)]).toString("base64url") }, "key_malformed"],
    ["an even modulus", "RS256", { ...keys.RS256, n: Buffer.alloc(256, 0xfe).toString("base64url") }, "key_weak"],
    ["a modulus that 3 divides", "RS256", { ...keys.RS256, n: Buffer.alloc(256, 0xff).toString("base64url") }, "key_weak"],
    ["a modulus that 751 divides", "RS256", { ...keys.RS256, n: multipleOf751() }, "key_weak"],
    ["a short point", "EdDSA", { ...keys.EdDSA, x: "AAAA" }, "key_malformed"],
    ["a padded point", "EdDSA", { ...keys.EdDSA, x: `${String(keys.EdDSA["x"])}=` }, "key_malformed"],
    ["an id that cannot be seen", "EdDSA", { ...keys.EdDSA, kid: "a\u0000b" }, "key_malformed"],
    ["an id that is none", "EdDSA", { ...keys.EdDSA, kid: 7 }, "key_malformed"],
    ["no object", "EdDSA", "MCowBQYDK2VwAyEA", "key_malformed"],
    ["nothing", "EdDSA", null, "key_malformed"],
  ] as const)("%s", (_, alg, jwk, expected) => {
    expect(refusal(alg, jwk)).toBe(expected);
  }); // prettier-ignore
});

test("a key lacks what its algorithm wants of it, unless it says that it is another", () => {
  const lacking = (alg: TokenAlg, jwk: unknown) => lackingMembers(alg, jwk).map(([member]) => member);
  for (const [of, jwk] of Object.entries(keys)) {
    for (const alg of tokenAlgs) expect(lacking(alg, jwk), `${of} for ${alg}`).toEqual([]);
    for (const member of Object.keys(jwk)) {
      const { [member]: _, ...rest } = jwk;
      expect(lacking(of as TokenAlg, rest)).toEqual([member]);
    }
  }
  expect(lacking("ES256", null)).toEqual([]);
});

/** A number of 2,048 bits with no factor but 751 that is smaller. */
function multipleOf751(): string {
  const least = 1n << 2047n;
  const isRough = (n: bigint) => Array.from({ length: 749 }, (_, at) => BigInt(at + 2)).every((factor) => n % factor !== 0n);
  let cofactor = least / 751n + 1n;
  while (!isRough(cofactor)) cofactor += 1n;
  return Buffer.from((cofactor * 751n).toString(16), "hex").toString("base64url");
}

test("a point of Ed25519 of small order is no key, in any spelling and either sign", () => {
  const identity = Buffer.alloc(32);
  identity[0] = 1;
  const jwk = (point: Buffer) => ({ kty: "OKP", crv: "Ed25519", x: point.toString("base64url") });
  const points = [
    identity,
    Buffer.alloc(32),
    ...["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"].map((hex) => Buffer.from(hex, "hex")),
    ...[0xec, 0xed, 0xee].map((low) => Buffer.concat([Buffer.from([low]), Buffer.alloc(30, 0xff), Buffer.from([0x7f])])),
  ]; // prettier-ignore
  for (const point of points) {
    expect(refusal("EdDSA", jwk(point)), point.toString("hex")).toBe("key_weak");
    point[31] = (point[31] ?? 0) | 0x80;
    expect(refusal("EdDSA", jwk(point)), point.toString("hex")).toBe("key_weak");
  }
});

const secretOf = (bytes: Iterable<number> | string) => Buffer.from(bytes as string).toString("base64url");
test("a secret has 256 bits at least, in unpadded base64url", () => {
  const secret = randomBytes(32).toString("base64url");
  expect(faultOfSecret(secret)).toBeNull();
  for (const text of [secretOf(randomBytes(31)), ""]) expect(faultOfSecret(text), text).toBe("key_too_small");
  for (const text of [secretOf(randomBytes(129)), `${secret}=`, "a secret that was thought up by someone"])
    expect(faultOfSecret(text), text).toBe("key_malformed");
}); // prettier-ignore

describe("a secret that nobody drew at random is refused", () => {
  const numbers = (length: number, of: (at: number) => number) => Array.from({ length }, (_, at) => of(at) & 0xff);
  const block = (length: number) => randomBytes(length);
  test.each<[string, Iterable<number> | string]>([
    ["32 equal bytes", numbers(32, () => 0x41)],
    ["128 zeros", numbers(128, () => 0)],
    ["equal bytes but for the last", [...numbers(31, () => 0x41), 0x42]],
    ["one letter of base64url", Buffer.from("a".repeat(43), "base64url")],
    ["a pattern of two", numbers(32, (at) => at % 2)],
    ["a word, again and again", "secretkey!".repeat(4)],
    ["a pattern that is cut at the end", "correct-horse-bat".repeat(3).slice(0, 40)],
    ["sixteen random bytes twice", Buffer.concat(Array<Buffer>(2).fill(block(16)))],
    ["thirty-one random bytes four times", Buffer.concat(Array<Buffer>(4).fill(block(31)))],
    ["counting up", numbers(32, (at) => at)],
    ["counting down, over zero", numbers(40, (at) => 20 - at)],
    ["counting by sevens", numbers(64, (at) => at * 7)],
    ["a few letters, mashed", "asdfasdffdsaasdfjjkllkjasdfjklasdfjdkslaasdf"],
  ])("%s", (_, bytes) => {
    expect(faultOfSecret(secretOf(bytes))).toBe("key_weak");
  });

  test("and random ones are not, in whatever spelling: bytes, a good one twice, hexadecimal as text", () => {
    for (let round = 0; round < 2_000; round += 1) {
      const secret = randomBytes(32);
      for (const one of [secret, randomBytes(32 + (round % 97)), Buffer.concat([secret, secret]), secret.toString("hex")])
        expect(faultOfSecret(secretOf(one)), secretOf(one)).toBeNull();
    }
  });
});

test("keys as libraries make them are taken, each time", () => {
  for (let round = 0; round < 200; round += 1) {
    expect(refusal("EdDSA", publicOf(generateKeyPairSync("ed25519") as never))).toBeNull();
    if (round % 25 === 0) expect(refusal("RS256", rsa(2048))).toBeNull();
  }
});
