/** Tokens as an integrator's library makes them, and as nobody's does: made by hand with node's own signatures, not with the library that verifies. */
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { TokenAlg } from "../../src/lib/public-jwk.ts";

export type Json = Record<string, unknown>;
/** Text stands for itself, so that a header or claims can be no JSON at all. */
export type Part = Json | string | Uint8Array;
export type Sign = (input: string) => Uint8Array;

export const base64Url = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString("base64url");
const partText = (part: Part): string =>
  base64Url(typeof part === "string" || part instanceof Uint8Array ? part : JSON.stringify(part));

/** One token; `seal` makes its signature over the first two parts. */
export function tokenOf(header: Part, claims: Part, seal: Sign): string {
  const input = `${partText(header)}.${partText(claims)}`;
  return `${input}.${base64Url(seal(input))}`;
}

export interface Signer {
  readonly alg: TokenAlg;
  readonly sign: Sign;
  /** The public key as a JWK; null for a secret. */
  readonly jwk: Json | null;
  /** The secret in base64url; null for a key pair. */
  readonly secret: string | null;
  readonly publicKey: KeyObject | null;
  readonly privateKey: KeyObject | null;
}

const pairs = {
  EdDSA: () => generateKeyPairSync("ed25519"),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const signatures: Record<keyof typeof pairs, (key: KeyObject) => Sign> = {
  EdDSA: (key) => (input) => sign(null, Buffer.from(input), key),
  ES256: (key) => (input) => sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }),
  RS256: (key) => (input) => sign("sha256", Buffer.from(input), key),
};
export const hmac =
  (secret: Uint8Array | string, digest = "sha256"): Sign =>
  (input) =>
    createHmac(digest, secret).update(input).digest();

export function signerOf(alg: TokenAlg): Signer {
  if (alg === "HS256") {
    const secret = randomBytes(32);
    return { alg, sign: hmac(secret), jwk: null, secret: secret.toString("base64url"), publicKey: null, privateKey: null };
  }
  const { publicKey, privateKey } = pairs[alg]();
  const jwk = publicKey.export({ format: "jwk" }) as Json;
  return { alg, sign: signatures[alg](privateKey), jwk, secret: null, publicKey, privateKey };
}

/** An issuer as it was registered, with what signs for it. */
export interface TestIssuer {
  readonly id: string;
  readonly audience: string;
  readonly issuer: string;
  readonly subject: string;
  readonly signer: Signer;
  readonly keyId: string | null;
}

export const headerFor = ({ signer, keyId }: TestIssuer, over: Json = {}): Json => ({
  alg: signer.alg,
  typ: "JWT",
  ...(keyId === null ? {} : { kid: keyId }),
  ...over,
});
export const claimsFor = ({ issuer, subject, audience }: TestIssuer, nowSeconds: number, over: Json = {}): Json => ({
  iss: issuer,
  sub: subject,
  aud: audience,
  iat: nowSeconds - 10,
  exp: nowSeconds + 3_600,
  ...over,
});

/** A token that its issuer would sign, with claims or header changed. A change to undefined takes the member away. */
export function mintToken(
  issuer: TestIssuer,
  nowSeconds: number,
  over: { header?: Json; claims?: Json; sign?: Sign } = {},
): string {
  return tokenOf(headerFor(issuer, over.header), claimsFor(issuer, nowSeconds, over.claims), over.sign ?? issuer.signer.sign);
}
