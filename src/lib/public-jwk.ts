import { fromBase64Url } from "./base64url.ts";
import { ok, refuse, type Result } from "./result.ts";
import { hasSmallFactor, isOfSmallOrder, isWeakSecret } from "./weak-keys.ts";

/** What a token may be signed by. Closed: an algorithm is a property of the issuer's record, never of what a token says. */
export const tokenAlgs = ["EdDSA", "ES256", "RS256", "HS256"] as const;
export type TokenAlg = (typeof tokenAlgs)[number];

/** A public key as a JWK (RFC 7517), with the members that verify and no others. */
export type PublicJwk = (
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string }
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string }
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
) & { readonly kid?: string };
/** Its members for each algorithm: what `kty` and `crv` say, and what the others hold. */
const keyForms = {
  EdDSA: { kty: "OKP", crv: "Ed25519", x: "32 bytes in base64url, without padding" },
  ES256: { kty: "EC", crv: "P-256", x: "32 bytes in base64url, without padding", y: "32 bytes in base64url, without padding" },
  RS256: { kty: "RSA", n: "a modulus of 2,048 to 4,096 bits in base64url, without padding", e: "AQAB" },
} as const satisfies Record<Exclude<TokenAlg, "HS256">, Record<string, string>>;
export type KeyFault = "key_private" | "key_of_another_type" | "key_too_small" | "key_weak" | "key_malformed";

/** RSA of 2,048 bits at least (RFC 7518 §3.3); of more than 4,096 it costs more to verify than a request may. */
const rsaBits = { least: 2048, most: 4096 } as const;
/** 65,537: what every library makes. With smaller ones, signatures have been forged. */
const rsaExponent = "AQAB";
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/** Compared and never looked up: as an id of a key it may hold whatever is visible. */
export const keyIdForm = /^[\x21-\x7e]{1,256}$/;

/**
 * The key, if it fits the algorithm and nothing else: a public RSA key that is taken for a secret, or a key of one curve for
 * another's, is how signatures were forged. A private key is refused by a fault of its own, because it has been told.
 */
export function readPublicJwk(alg: TokenAlg, given: unknown): Result<PublicJwk, KeyFault> {
  if (typeof given !== "object" || given === null) return refuse("key_malformed");
  const jwk = given as Readonly<Record<string, unknown>>;
  if (privateMembers.some((name) => Object.hasOwn(jwk, name))) return refuse("key_private");
  if (!isMeantFor(alg, jwk)) return refuse("key_of_another_type");
  const kid = jwk["kid"];
  if (kid !== undefined && (typeof kid !== "string" || !keyIdForm.test(kid))) return refuse("key_malformed");
  const key = keyOf(alg, jwk);
  return key.ok ? ok({ ...key.value, ...(kid === undefined ? {} : { kid }) }) : key;
}

/**
 * The members that a key of this algorithm lacks, each with what it holds. None where what it says of itself is another kind of
 * key: that lacks nothing, it is the wrong one.
 */
export function lackingMembers(alg: TokenAlg, given: unknown): readonly (readonly [member: string, holds: string])[] {
  if (alg === "HS256" || typeof given !== "object" || given === null) return [];
  const jwk = given as Readonly<Record<string, unknown>>;
  const form: Readonly<Record<string, string>> = keyForms[alg];
  const isAnother = ["kty", "crv"].some((name) => jwk[name] !== undefined && jwk[name] !== form[name]);
  return isAnother ? [] : Object.entries(form).filter(([name]) => jwk[name] === undefined);
}

function isMeantFor(alg: TokenAlg, { use, alg: named, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  // RFC 9864 calls EdDSA with this curve Ed25519.
  const names = alg === "EdDSA" ? ["EdDSA", "Ed25519"] : [alg];
  return (
    (use === undefined || use === "sig") &&
    (named === undefined || names.some((name) => name === named)) &&
    (operations === undefined || (Array.isArray(operations) && operations.includes("verify")))
  );
}

function keyOf(alg: TokenAlg, { kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): Result<PublicJwk, KeyFault> {
  if (alg === "EdDSA" && kty === "OKP" && crv === "Ed25519") {
    const point = bytesOf(x, 32);
    if (point === null) return refuse("key_malformed");
    return isOfSmallOrder(point) ? refuse("key_weak") : ok({ kty, crv, x: x as string });
  }
  if (alg === "ES256" && kty === "EC" && crv === "P-256") {
    const isPoint = bytesOf(x, 32) !== null && bytesOf(y, 32) !== null;
    return isPoint ? ok({ kty, crv, x: x as string, y: y as string }) : refuse("key_malformed");
  }
  if (alg !== "RS256" || kty !== "RSA") return refuse("key_of_another_type");
  const modulus = bytesOf(n);
  const bits = modulus === null ? null : bitsOf(modulus);
  if (modulus === null || bits === null || e !== rsaExponent || bits > rsaBits.most) return refuse("key_malformed");
  if (bits < rsaBits.least) return refuse("key_too_small");
  return hasSmallFactor(modulus) ? refuse("key_weak") : ok({ kty, n: n as string, e });
}

function bytesOf(text: unknown, length?: number): Uint8Array | null {
  const bytes = typeof text === "string" ? fromBase64Url(text) : null;
  return bytes !== null && (length === undefined || bytes.length === length) ? bytes : null;
}

function bitsOf(bytes: Uint8Array): number | null {
  const [first = 0] = bytes;
  return first === 0 ? null : bytes.length * 8 - (Math.clz32(first) - 24);
}

/** Why a text is no HS256 secret: 256 bits at least (RFC 7518 §3.2), in base64url, and drawn at random. Null: it is one. */
export function faultOfSecret(text: string): "key_too_small" | "key_weak" | "key_malformed" | null {
  const bytes = fromBase64Url(text);
  if (bytes === null || bytes.length > 128) return "key_malformed";
  if (bytes.length < 32) return "key_too_small";
  return isWeakSecret(bytes) ? "key_weak" : null;
}
