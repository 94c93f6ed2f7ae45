import * as z from "zod";
import { fromBase64Url } from "./base64url.ts";
import { publicId, uuidOf } from "./ids.ts";
import type { Seconds } from "./instant.ts";
import { keyIdForm, type TokenAlg, tokenAlgs } from "./public-jwk.ts";
import { ok, refuse, type Result } from "./result.ts";
import { isStorable } from "./storable-text.ts";
import { strictJson } from "./strict-json.ts";

/** What a token says, of which nothing is proved: what could be refused without asking anyone has been. */
export interface UnprovenToken {
  readonly text: string;
  readonly alg: TokenAlg;
  /** Which of the issuer's keys, if it says so. */
  readonly keyId: string | null;
  /** The one audience: it names this environment and the issuer's record. */
  readonly audience: string;
  /** The row's uuid, out of the audience. */
  readonly issuerId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly issuedAt: Seconds;
  readonly expiresAt: Seconds;
  /** What it asks for; null: all that its issuer may. */
  readonly scopes: readonly string[] | null;
}

export const tokenLimits = { bytesMax: 8192, lifeSecondsMax: 86_400, skewSeconds: 60, subjectCharactersMax: 200 } as const;

/** Why a token was refused before its issuer was looked up, as its maker is told. Values are never repeated. */
export const tokenFaults = {
  token_malformed:
    "A token is three parts of base64url without padding, joined by dots, of 8,192 bytes at most, and its header and claims are JSON objects that name nothing twice.",
  header_refused: "The token's header holds `alg`, and `typ` (`JWT` or `at+jwt`) and `kid` where they are needed; nothing else.",
  alg_unknown: "The token's `alg` is none of EdDSA, ES256, RS256, HS256, or its signature is not as long as that makes it.",
  claims_refused:
    "The token needs `iss`, `sub` (1 to 200 characters), `aud`, `iat` and `exp`; times are numbers, `scope` is text.",
  audience_unknown: "The token's `aud` is not one address of the form that GET /v1/token_issuers shows as `audience`.",
  life_too_long: "The token's `exp` is more than 24 hours after its `iat`, or not after it.",
  expired: "The token has expired.",
  not_yet_valid: "The token's `iat` or `nbf` lies in the future: compare the clocks.",
} as const;
export type TokenFault = keyof typeof tokenFaults;

/** What a token is and an API key is not. */
export const looksLikeToken = (text: string): boolean => text.includes(".");

/** Neither a key (`jwk`, `jku`, `x5u`, `x5c`) nor an extension that has to be understood (`crit`, `b64`) is ever taken from a token. */
const header = z.strictObject({
  alg: z.enum(tokenAlgs),
  typ: z.enum(["JWT", "at+jwt"]).optional(),
  kid: z.string().regex(keyIdForm).optional(),
  // A certificate's digest names a key as `kid` does, and brings none.
  x5t: z.string().optional(),
  "x5t#S256": z.string().optional(),
});
/** Text that can be stored and shown without breaking a line. */
const isOneLine = (text: string): boolean => isStorable(text) && !/[\t\n\r]/.test(text);
// What else a token holds is its issuer's business, and is dropped.
const claims = z.object({
  iss: z.string().min(1).max(500).refine(isOneLine),
  sub: z.string().min(1).max(tokenLimits.subjectCharactersMax).refine(isOneLine),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
  jti: z.string().optional(),
  // Words as RFC 6749 §3.3 spells them.
  scope: z
    .string()
    .regex(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/)
    .optional(),
});

/** RSA signatures are as long as the key: 2,048 to 4,096 bits. */
const signatureBytes: Readonly<Record<TokenAlg, readonly [least: number, most: number]>> = {
  EdDSA: [64, 64],
  ES256: [64, 64],
  RS256: [256, 512],
  HS256: [32, 32],
};

/**
 * Everything that a token can be refused for without knowing its issuer: size, shape, header, algorithm, audience, times.
 * @param origin where this environment is reached: an audience of another one is not ours.
 */
export function readToken(text: string, origin: string, now: Seconds): Result<UnprovenToken, TokenFault> {
  if (text.length > tokenLimits.bytesMax) return refuse("token_malformed");
  const parts = text.split(".").map((part) => (part === "" ? null : fromBase64Url(part)));
  const [first, second, signature] = parts;
  if (parts.length !== 3 || first == null || second == null || signature == null) return refuse("token_malformed");
  const [head, body] = [objectIn(first), objectIn(second)];
  if (head === null || body === null) return refuse("token_malformed");
  if (!tokenAlgs.some((alg) => alg === head["alg"])) return refuse("alg_unknown");
  const read = header.safeParse(head);
  if (!read.success) return refuse("header_refused");
  const { alg, kid = null } = read.data;
  const [least, most] = signatureBytes[alg];
  if (signature.length < least || signature.length > most) return refuse("alg_unknown");
  const meant = audienceOf(body["aud"], origin);
  if (meant === null) return refuse("audience_unknown");
  const said = claims.safeParse(body);
  if (!said.success) return refuse("claims_refused");
  const { iss: issuer, sub: subject, exp: expiresAt, iat: issuedAt, nbf, scope } = said.data;
  const late = lifeFault(issuedAt, expiresAt, nbf ?? issuedAt, now);
  if (late !== null) return refuse(late);
  const scopes = scope === undefined ? null : scope.split(" ").filter((word) => word !== "");
  return ok({ text, alg, keyId: kid, ...meant, issuer, subject, issuedAt, expiresAt, scopes });
}

function objectIn(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const value = strictJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

/** Where a token for the issuer's record is meant to go: the address in this environment of that record, and of no other. */
export const tokenAudience = (origin: string, issuerId: string): string => `${origin}/${publicId("tokenIssuer", issuerId)}`;

/** One audience, alone or in a list of one: a token that is for others, too, could be replayed by them. */
function audienceOf(given: unknown, origin: string): { audience: string; issuerId: string } | null {
  const audience: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (typeof audience !== "string" || !audience.startsWith(`${origin}/`)) return null;
  const issuerId = uuidOf("tokenIssuer", audience.slice(origin.length + 1));
  return issuerId === null ? null : { audience, issuerId };
}

/** The end is strict. Clocks may differ by a minute at the beginning. */
function lifeFault(issuedAt: Seconds, expiresAt: Seconds, notBefore: Seconds, now: Seconds): TokenFault | null {
  if (expiresAt <= issuedAt || expiresAt - issuedAt > tokenLimits.lifeSecondsMax) return "life_too_long";
  if (expiresAt <= now) return "expired";
  return Math.max(issuedAt, notBefore) > now + tokenLimits.skewSeconds ? "not_yet_valid" : null;
}
