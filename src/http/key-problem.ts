import type { KeyRefusal } from "../domain/token-issuers/judge-key.ts";
import type { TokenAlg } from "../lib/public-jwk.ts";
import { invalid, type Problem } from "./problem.ts";

/** What each algorithm takes. */
const taken: Readonly<Record<TokenAlg, string>> = {
  EdDSA: "a public key of Ed25519, or a key set",
  ES256: "a public key of P-256, or a key set",
  RS256: "a public RSA key, or a key set",
  HS256: "a `secret`, and no public key or key set",
};
const secretForm = "32 to 128 bytes in base64url, without padding";
const malformed: Readonly<Record<TokenAlg, string>> = {
  EdDSA: "That is no key of Ed25519: `x` is 32 bytes in base64url, without padding.",
  ES256: "That is no key of P-256: `x` and `y` are a point of the curve, 32 bytes each in base64url, without padding.",
  RS256:
    "That is no RSA key that is taken: `n` is a modulus of 2,048 to 4,096 bits in base64url, without padding and leading zeros, `e` is AQAB.",
  HS256: `A secret is ${secretForm}: letters, digits, - and _, as an encoder writes whole bytes. Of 32 bytes the 43rd character is one of AEIMQUYcgkosw048.`,
};
const details: Readonly<
  Record<Exclude<KeyRefusal["code"], "required">, string | ((alg: TokenAlg, field: KeyRefusal["field"]) => string)>
> = {
  key_wanted: (alg) => (alg === "HS256" ? "HS256 takes a `secret`." : `${alg} takes a \`public_key\` or a \`jwks_url\`.`),
  one_key_wanted: "Give only one of public_key, jwks_url and secret.",
  key_private: "That is a private key or a secret: give the public key alone. Whoever has seen it can sign; make a new one.",
  // A secret and an address say nothing of themselves, and HS256 takes no key that could.
  key_of_another_type: (alg, field) =>
    alg === "HS256" || field !== "public_key"
      ? `${alg} takes ${taken[alg]}.`
      : `${alg} takes ${taken[alg]}. What a key says of itself (\`kty\`, \`crv\`, \`alg\`, \`use\`, \`key_ops\`) fits that, and that it verifies.`,
  key_too_small: (alg) => (alg === "HS256" ? `A secret is ${secretForm}.` : "An RSA key has 2,048 to 4,096 bits."),
  key_weak: (alg) => `${weakness(alg)} Take one as ${alg === "HS256" ? "`openssl rand`" : "a library"} makes it.`,
  key_malformed: (alg) => `${malformed[alg]}${alg === "HS256" ? "" : " A `kid` is 1 to 256 visible characters."}`,
  address_refused: "A public https address is needed, on its usual port, without user-info or query, and not our own.",
  timeout: "The address did not answer in time.",
  unreachable: "The address could not be reached.",
  redirected: "The address answered with a redirect, which is not followed: give the one that it leads to.",
  answer_too_large: "The answer is larger than a key set is.",
  answer_refused: "The address answered with another status than 200.",
  no_key_set: "The answer is no JSON with `keys` (RFC 7517).",
  no_usable_key: (alg) => `No key of the set has a \`kid\` and fits ${alg}.`,
};

function weakness(alg: TokenAlg): string {
  if (alg === "HS256") return "That secret can be guessed: it repeats a pattern, counts, or has fewer than 12 different bytes.";
  if (alg === "RS256") return "That modulus has a small factor, by which the key can be found.";
  return "That point has a small order: anybody could sign for it.";
}

/** Why an issuer's key is refused, by its field or the member that it lacks, with what the algorithm at hand takes. */
export function keyProblem(refusal: KeyRefusal): Problem {
  if (refusal.code === "required")
    return invalid(
      ...refusal.lacking.map(([member, holds]) => ({
        pointer: `/public_key/${member}`,
        code: refusal.code,
        detail: `Required: ${holds}.`,
      })),
    );
  const { field, code, alg } = refusal;
  const detail = details[code];
  return invalid({
    pointer: field === "key" ? "" : `/${field}`,
    code,
    detail: typeof detail === "string" ? detail : detail(alg, field),
  });
}
