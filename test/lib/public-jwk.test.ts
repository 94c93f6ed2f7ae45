import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readPublicJwk, readTokenSecret, type TokenAlg, tokenAlgs } from "../../src/lib/public-jwk.ts";

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

test("a secret has 256 bits at least, in unpadded base64url", () => {
  const secret = randomBytes(32);
  expect(readTokenSecret(secret.toString("base64url"))).toEqual(new Uint8Array(secret));
  for (const text of [randomBytes(31).toString("base64url"), randomBytes(129).toString("base64url"), `${secret.toString("base64url")}=`, "a secret that was thought up by someone", ""])
    expect(readTokenSecret(text), text).toBeNull(); // prettier-ignore
});
