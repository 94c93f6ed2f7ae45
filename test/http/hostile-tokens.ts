/** Tokens that nobody should be let in with, each by the name of what is wrong with it, and how many look-ups it may cost. */
import { constants, createHash, sign } from "node:crypto";
import { publicId } from "../../src/lib/ids.ts";
import { base64Url, claimsFor, headerFor, hmac, type Json, mintToken, type Part, type Sign, signerOf, type TestIssuer, tokenOf } from "../support/tokens.ts"; // prettier-ignore
import type { TokenGround } from "./token-ground.ts";

type Class = "shape" | "size" | "header" | "algorithm" | "audience" | "claims" | "time" | "key" | "signature" | "issuer";
export interface HostileToken {
  readonly class: Class;
  readonly name: string;
  /** Of its issuer's record: none where shape, size, algorithm, audience or time are wrong already. */
  readonly lookUps: 0 | 1;
  make(ground: TokenGround): string;
}
type Make = (ground: TokenGround) => string;

const of = (kind: Class, lookUps: 0 | 1, tokens: Readonly<Record<string, Make>>): HostileToken[] =>
  Object.entries(tokens).map(([name, make]) => ({ class: kind, name, lookUps, make }));

/** What the issuer itself would sign, but for one thing. */
const good = ({ issuers: { EdDSA }, now }: TokenGround): string => mintToken(EdDSA, now);
const claims =
  (over: Json): Make =>
  ({ issuers: { EdDSA }, now }) =>
    mintToken(EdDSA, now, { claims: over });
const header =
  (over: Json): Make =>
  ({ issuers: { EdDSA }, now }) =>
    mintToken(EdDSA, now, { header: over });
const parts =
  (make: (head: Json, said: Json) => readonly [Part, Part]): Make =>
  ({ issuers: { EdDSA }, now }) =>
    tokenOf(...make(headerFor(EdDSA), claimsFor(EdDSA, now)), EdDSA.signer.sign);
const signed =
  (pick: (ground: TokenGround) => TestIssuer, sign: (ground: TokenGround) => Sign, head: Json = {}): Make =>
  (ground) =>
    mintToken(pick(ground), ground.now, { sign: sign(ground), header: head });
/** Everything as it was signed, and another signature under it. */
const resealed =
  (change: (signature: Buffer) => Uint8Array): Make =>
  (ground) => {
    const [head = "", said = "", signature = ""] = good(ground).split(".");
    return `${head}.${said}.${base64Url(change(Buffer.from(signature, "base64url")))}`;
  };
const textOf = (value: Json): string => JSON.stringify(value);
/** The same object with a member once more, at its end. */
const twice = (value: Json, member: string): string => `${textOf(value).slice(0, -1)},${member}}`;

const evd = ({ issuers }: TokenGround) => issuers.EdDSA;
const es = ({ issuers }: TokenGround) => issuers.ES256;
const rs = ({ issuers }: TokenGround) => issuers.RS256;
const hs = ({ issuers }: TokenGround) => issuers.HS256;
const set = ({ issuers }: TokenGround) => issuers.set;
const rsaPem = (ground: TokenGround): string => String(rs(ground).signer.publicKey?.export({ type: "spki", format: "pem" }));
const rsaDer = (ground: TokenGround): Uint8Array =>
  rs(ground).signer.publicKey?.export({ type: "spki", format: "der" }) as Buffer;
const pointOf = (issuer: TestIssuer): Uint8Array => Buffer.from(String(issuer.signer.jwk?.["x"]), "base64url");

export const hostileTokens: readonly HostileToken[] = [
  ...of("shape", 0, {
    "one part and a dot": (g) => `${good(g).split(".")[0]}.`,
    "two parts": (g) => good(g).split(".").slice(0, 2).join("."),
    "four parts": (g) => `${good(g)}.${base64Url("x")}`,
    "five parts, as an encrypted token has": (g) => `${good(g)}.${base64Url("x")}.${base64Url("y")}`,
    "no header": (g) => good(g).replace(/^[^.]+/, ""),
    "no claims": (g) => good(g).replace(/\.[^.]+\./, ".."),
    "no signature": (g) => good(g).replace(/[^.]+$/, ""),
    "dots alone": () => "..",
    "padded base64": (g) => `${good(g)}==`,
    "base64 with + and /": (g) => good(g).replace(/[^.]+$/, base64Url(Buffer.alloc(64, 0xfb)).replaceAll("-", "+").replaceAll("_", "/")),
    "a second spelling of the signature": (g) => respelled(good(g), 2),
    "a second spelling of the claims": (g) => respelled(mintToken(evd(g), g.now, { claims: { pad: padTo(claimsFor(evd(g), g.now)) } }), 1),
    "a line feed, percent-encoded": (g) => good(g).replace(".", "%0A."),
    "JSON serialization": (g) => {
      const [protectedHeader, payload, signature] = good(g).split(".");
      return JSON.stringify({ payload, protected: protectedHeader, signature, v: "1.0" });
    },
    "a header that is no JSON": parts((_, said) => ["{alg:'EdDSA'}", said]),
    "a header that is a list": parts((head, said) => [textOf([head] as never), said]),
    "a header that is a text": parts((head, said) => [JSON.stringify(textOf(head)), said]),
    "a header behind a byte order mark": parts((head, said) => [`\ufeff${textOf(head)}`, said]),
    "a header that is not UTF-8": parts((head, said) => [Buffer.from(textOf({ ...head, typ: "\xff" }), "latin1"), said]),
    "claims that are no JSON": parts((head) => [head, "iss=a&aud=b"]),
    "claims that are a list": parts((head, said) => [head, textOf([said] as never)]),
    "claims that are null": parts((head) => [head, "null"]),
    "claims with a trailing comma": parts((head, said) => [head, `${textOf(said).slice(0, -1)},}`]),
    "claims nested three thousand deep and not closed": parts((head, said) => [head, twice(said, `"x":${"[".repeat(3_000)}`)]),
    "`alg` twice": parts((head, said) => [twice(head, '"alg":"none"'), said]),
    "`aud` twice": parts((head, said) => [head, twice(said, '"aud":"https://elsewhere.example"')]),
    "`sub` twice, once with an escape": parts((head, said) => [head, twice(said, '"s\\u0075b":"admin"')]),
    "`exp` twice": parts((head, said) => [head, twice(said, '"exp":9999999999')]),
    "a nested member twice": parts((head, said) => [head, twice(said, '"x":{"a":1,"a":2}')]),
  }),
  ...of("size", 0, {
    "8,193 bytes, well signed": (g) => tokenOfLength(g.issuers.EdDSA, g.now, 8_193),
    "a hundred thousand bytes": claims({ x: "a".repeat(100_000) }),
    "a signature of a thousand bytes": (g) => good(g).replace(/[^.]+$/, base64Url(Buffer.alloc(1_000, 1))),
    "a signature of one byte": (g) => good(g).replace(/[^.]+$/, "AA"),
  }),
  ...of("algorithm", 0, {
    "none, without a signature": (g) => mintToken(evd(g), g.now, { header: { alg: "none" }, sign: () => new Uint8Array(0) }),
    "none, with a signature": header({ alg: "none" }),
    None: header({ alg: "None" }),
    NONE: header({ alg: "NONE" }),
    nOnE: header({ alg: "nOnE" }),
    "none with a space": header({ alg: " none" }),
    "an empty name": header({ alg: "" }),
    "no `alg`": header({ alg: undefined }),
    null: header({ alg: null }),
    "a list": header({ alg: ["EdDSA"] }),
    "a number": header({ alg: 0 }),
    "an object": header({ alg: { EdDSA: true } }),
    "lower case": header({ alg: "eddsa" }),
    "the name behind a NUL": header({ alg: "EdDSA\u0000none" }),
    HS384: signed(hs, (g) => hmac(Buffer.from(hs(g).signer.secret ?? "", "base64url"), "sha384"), { alg: "HS384" }),
    HS512: signed(hs, (g) => hmac(Buffer.from(hs(g).signer.secret ?? "", "base64url"), "sha512"), { alg: "HS512" }),
    PS256: signed(rs, (g) => pss(g), { alg: "PS256" }),
    RS512: signed(rs, (g) => (input) => sign("sha512", Buffer.from(input), rs(g).signer.privateKey as never), { alg: "RS512" }),
    ES384: header({ alg: "ES384" }),
    ES256K: header({ alg: "ES256K" }),
    "ECDH-ES": header({ alg: "ECDH-ES" }),
    "constructor, a member that every object has": header({ alg: "constructor" }),
    __proto__: parts((head, said) => [textOf(head).replace('"EdDSA"', '"__proto__"'), said]),
  }),
  ...of("header", 0, {
    "crit that names exp": header({ crit: ["exp"] }),
    "crit that names nothing": header({ crit: [] }),
    "b64 off": header({ b64: false, crit: ["b64"] }),
    "jku of the attacker": header({ jku: "https://attacker.example/jwks.json", kid: "a" }),
    "jku of the issuer": header({ jku: "https://idp.acme-solar.com/jwks.json" }),
    "x5u of the attacker": header({ x5u: "https://attacker.example/cert.pem" }),
    "x5c of the attacker": header({ x5c: [Buffer.from("a certificate").toString("base64")] }),
    "jwk that signed it": (g) => {
      const attacker = signerOf("EdDSA");
      return mintToken(evd(g), g.now, { header: { jwk: attacker.jwk }, sign: attacker.sign });
    },
    "compressed claims": header({ zip: "DEF" }),
    "a token inside": header({ cty: "JWT" }),
    encrypted: header({ enc: "A256GCM" }),
    "the type of a logout token": header({ typ: "logout+jwt" }),
    "the type of a security event": header({ typ: "secevent+jwt" }),
    "the type of a proof of possession": header({ typ: "dpop+jwt" }),
    "a type that is no text": header({ typ: ["JWT"] }),
    "an unknown member": header({ admin: true }),
    "kid that is an object": header({ kid: { $ne: null } }),
    "kid with a NUL": header({ kid: "a\u0000b" }),
    "kid with a statement in it": header({ kid: "x' union select 'AAAA" }),
    "kid of ten thousand characters": header({ kid: "k".repeat(5_000) }),
    "an empty kid": header({ kid: "" }),
  }),
  ...of("audience", 0, {
    "no audience": claims({ aud: undefined }),
    "another environment's": (g) => claims({ aud: evd(g).audience.replace("api.", "staging.") })(g),
    "a host that begins like ours": (g) => claims({ aud: evd(g).audience.replace(".test/", ".test.evil.example/") })(g),
    "http instead of https": (g) => claims({ aud: evd(g).audience.replace("https", "http") })(g),
    "our origin alone": (g) => claims({ aud: g.origin })(g),
    "with a slash at its end": (g) => claims({ aud: `${evd(g).audience}/` })(g),
    "with a query": (g) => claims({ aud: `${evd(g).audience}?a=b` })(g),
    "the id alone": (g) => claims({ aud: evd(g).id })(g),
    "in capitals": (g) => claims({ aud: evd(g).audience.replace(evd(g).id, evd(g).id.toUpperCase()) })(g),
    "an id of another kind": (g) => claims({ aud: `${g.origin}/${publicId("apiKey", g.api.deps.newId())}` })(g),
    "two in a list, ours among them": (g) => claims({ aud: [evd(g).audience, "https://elsewhere.example"] })(g),
    "an empty list": claims({ aud: [] }),
    "a list in a list": (g) => claims({ aud: [[evd(g).audience]] })(g),
    "an object": (g) => claims({ aud: { 0: evd(g).audience, length: 1 } })(g),
    null: claims({ aud: null }),
  }),
  ...of("time", 0, {
    "no end": claims({ exp: undefined }),
    "an end that is text": (g) => claims({ exp: String(g.now + 600) })(g),
    "an end that is null": claims({ exp: null }),
    "an infinite end": parts((head, said) => [head, textOf(said).replace(/"exp":\d+/, '"exp":1e400')]),
    "expired an hour ago": (g) => claims({ iat: g.now - 7_200, exp: g.now - 3_600 })(g),
    "expired this second": (g) => claims({ exp: g.now })(g),
    "a day and a second long": (g) => claims({ iat: g.now, exp: g.now + 86_401 })(g),
    "ten years long": (g) => claims({ exp: g.now + 315_360_000 })(g),
    "an end before its beginning": (g) => claims({ iat: g.now + 30, exp: g.now + 20 })(g),
    "an end in milliseconds": (g) => claims({ iat: g.now, exp: (g.now + 600) * 1_000 })(g),
    "no beginning": claims({ iat: undefined }),
    "a beginning that is text": (g) => claims({ iat: String(g.now) })(g),
    "issued in two minutes": (g) => claims({ iat: g.now + 120 })(g),
    "issued a second past what clocks may differ": (g) => claims({ iat: g.now + 61 })(g),
    "valid in two minutes": (g) => claims({ nbf: g.now + 120 })(g),
    "valid a second past what clocks may differ": (g) => claims({ nbf: g.now + 61 })(g),
    "valid from a text on": (g) => claims({ nbf: String(g.now - 60) })(g),
    "never valid": parts((head, said) => [head, textOf(said).replace(/}$/, ',"nbf":1e400}')]),
  }),
  ...of("claims", 0, {
    "no issuer": claims({ iss: undefined }),
    "an issuer that is a list": (g) => claims({ iss: [evd(g).issuer] })(g),
    "an issuer that is a number": claims({ iss: 1 }),
    "no subject": claims({ sub: undefined }),
    "an empty subject": claims({ sub: "" }),
    "a subject of 201 characters": claims({ sub: "s".repeat(201) }),
    "an issuer with a NUL": claims({ iss: "a\u0000b" }),
    "an issuer with a line break": claims({ iss: "a\nb" }),
    "an issuer with half a surrogate pair": claims({ iss: "a\ud800" }),
    "a subject with a NUL": claims({ sub: "lead\u0000sync" }),
    "a subject with a line break": claims({ sub: "lead-sync\nadmin" }),
    "half of a surrogate pair in the subject": parts((head, said) => [head, textOf(said).replace("lead-sync", "\\ud800")]),
    "a subject that is a list": claims({ sub: ["lead-sync"] }),
    "scopes in a list": claims({ scope: ["sellers:read"] }),
    "a scope with a quote": claims({ scope: 'sellers:read" or "1"="1' }),
    "an id that is a number": claims({ jti: 1 }),
  }),
  ...of("key", 1, {
    "HS256 with the RSA public key's PEM as secret": signed(rs, (g) => hmac(rsaPem(g)), { alg: "HS256" }),
    "HS256 with that PEM without its last line end": signed(rs, (g) => hmac(rsaPem(g).trimEnd()), { alg: "HS256" }),
    "HS256 with the RSA public key's DER as secret": signed(rs, (g) => hmac(rsaDer(g)), { alg: "HS256" }),
    "HS256 with the RSA public key's JWK as secret": signed(rs, (g) => hmac(JSON.stringify(rs(g).signer.jwk)), { alg: "HS256" }),
    "HS256 with the RSA modulus as secret": signed(rs, (g) => hmac(Buffer.from(String(rs(g).signer.jwk?.["n"]), "base64url")), { alg: "HS256" }),
    "HS256 with the Ed25519 public key as secret": signed(evd, (g) => hmac(pointOf(evd(g))), { alg: "HS256" }),
    "HS256 with a key of the key set as secret": signed(set, (g) => hmac(JSON.stringify(set(g).signer.jwk)), { alg: "HS256" }),
    "HS256 with an empty secret": signed(hs, () => hmac("")),
    "HS256 with the secret's text for its bytes": signed(hs, (g) => hmac(hs(g).signer.secret ?? "")),
    "HS256 with 32 zero bytes": signed(hs, () => hmac(Buffer.alloc(32))),
    "HS256 with its issuer's id as secret": signed(hs, (g) => hmac(hs(g).id)),
    "the secret's issuer, signed by Ed25519": signed(hs, () => signerOf("EdDSA").sign, { alg: "EdDSA" }),
    "the Ed25519 issuer, signed by P-256": signed(evd, (g) => es(g).signer.sign, { alg: "ES256" }),
    "the P-256 issuer, signed by Ed25519": signed(es, (g) => evd(g).signer.sign, { alg: "EdDSA" }),
    "the RSA issuer, signed by a P-256 key": signed(rs, (g) => es(g).signer.sign, { alg: "ES256" }),
    "an attacker's Ed25519 key": signed(evd, () => signerOf("EdDSA").sign),
    "an attacker's P-256 key": signed(es, () => signerOf("ES256").sign),
    "an attacker's RSA key": signed(rs, () => signerOf("RS256").sign),
    "an attacker's secret": signed(hs, () => signerOf("HS256").sign),
    "an attacker's key for the key set": signed(set, () => signerOf("RS256").sign),
    "kid that climbs to a file": signed(evd, (g) => evd(g).signer.sign, { kid: "../../../../dev/null" }),
    "kid that climbs, for an empty secret": signed(hs, () => hmac(""), { kid: "/dev/null" }),
    "kid that ends a statement": signed(hs, () => hmac("AAAA"), { kid: "';select'AAAA" }),
    "kid of another key than the issuer's one": signed(rs, (g) => rs(g).signer.sign, { kid: "another" }),
    "kid that the key set lacks": signed(set, (g) => set(g).signer.sign, { kid: "unheard-of" }),
    "no kid, for a key set": signed(set, (g) => set(g).signer.sign, { kid: undefined }),
    "kid of the set's key for encryption": (g) => mintToken(set(g), g.now, { header: { kid: "for-encryption" }, sign: g.setKeys.encryption.sign }),
    "kid of the set's key of another algorithm": (g) => mintToken(set(g), g.now, { header: { kid: "of-another-kind", alg: "ES256" }, sign: g.setKeys.other.sign }),
    "kid that two keys of the set have, by the first": (g) => mintToken(set(g), g.now, { header: { kid: "twice" }, sign: g.setKeys.twice.sign }),
    "kid that two keys of the set have, by the second": (g) => mintToken(set(g), g.now, { header: { kid: "twice" }, sign: g.setKeys.again.sign }),
    "kid of a private key that the set tells": (g) => mintToken(set(g), g.now, { header: { kid: "told" }, sign: g.setKeys.told.sign }),
    "kid of the set's RSA key of 1,024 bits": (g) => mintToken(set(g), g.now, { header: { kid: "small" }, sign: g.setKeys.small.sign }),
  }),
  ...of("signature", 1, {
    "one bit of the signature turned": resealed((signature) => signature.fill((signature[0] ?? 0) ^ 1, 0, 1)),
    "the last byte of the signature turned": resealed((signature) => signature.fill((signature[63] ?? 0) ^ 0x80, 63)),
    "a signature of zeros": resealed((signature) => signature.fill(0)),
    "a signature of ones": resealed((signature) => signature.fill(0xff)),
    "its halves exchanged": resealed((signature) => Buffer.concat([signature.subarray(32), signature.subarray(0, 32)])),
    "r and s of zero, for P-256": signed(es, () => () => new Uint8Array(64)),
    "r and s of the group's order, for P-256": signed(es, () => () => Buffer.from(p256Order + p256Order, "hex")),
    "zeros for RSA": signed(rs, () => () => new Uint8Array(256)),
    "one for RSA": signed(rs, () => () => Buffer.concat([Buffer.alloc(255), Buffer.from([1])])),
    "PSS for RS256": signed(rs, pss),
    "SHA-1 for RS256": signed(rs, (g) => (input) => sign("sha1", Buffer.from(input), rs(g).signer.privateKey as never)),
    "SHA-512 for RS256": signed(rs, (g) => (input) => sign("sha512", Buffer.from(input), rs(g).signer.privateKey as never)),
    "the bare digest for a secret": signed(hs, () => (input) => createHash("sha256").update(input).digest()),
    "another token's signature": (g) => good(g).replace(/[^.]+$/, claims({ iat: g.now - 11 })(g).split(".")[2] ?? ""),
    "another token's claims": (g) => good(g).replace(/\.[^.]+\./, `.${claims({ sub: "admin" })(g).split(".")[1]}.`),
    "another token's header": (g) => good(g).replace(/^[^.]+/, header({ typ: "at+jwt" })(g).split(".")[0] ?? ""),
    "claims that were signed alone": (g) => mintToken(evd(g), g.now, { sign: (input) => evd(g).signer.sign(input.split(".")[1] ?? "") }),
  }),
  ...of("issuer", 1, {
    "one that was never registered": (g) => claims({ aud: `${g.origin}/${publicId("tokenIssuer", g.api.deps.newId())}` })(g),
    "the nil id": (g) => claims({ aud: `${g.origin}/${publicId("tokenIssuer", "00000000-0000-0000-0000-000000000000")}` })(g),
    "a revoked one": ({ ended: { revoked }, now }) => mintToken(revoked, now),
    "an expired one": ({ ended: { expired }, now }) => mintToken(expired, now),
    "another organisation's, signed by ours": (g) => claims({ aud: g.foreign.audience, iss: g.foreign.issuer })(g),
    "ours, signed by another organisation's": signed(evd, (g) => g.foreign.signer.sign),
    "ours of another key, with this one's signature": (g) => claims({ aud: es(g).audience })(g),
    "another `iss` for the right audience": claims({ iss: "https://attacker.example" }),
    "`iss` with a slash at its end": (g) => claims({ iss: `${evd(g).issuer}/` })(g),
    "`iss` in capitals": (g) => claims({ iss: evd(g).issuer.toUpperCase() })(g),
    "a subject that the issuer may not speak for": (g) => mintToken(set(g), g.now, { claims: { sub: "somebody-else" } }),
    "a subject that begins like one": (g) => mintToken(set(g), g.now, { claims: { sub: `${set(g).subject}-2` } }),
  }),
]; // prettier-ignore

const p256Order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
function pss(ground: TokenGround): Sign {
  const key = { key: rs(ground).signer.privateKey as never, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return (input) => sign("sha256", Buffer.from(input), key);
}

/** The same bytes of one part, spelled with bits after their end that decoders drop. */
function respelled(token: string, part: number): string {
  const parts = token.split(".");
  const text = parts[part] ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet[alphabet.indexOf(text.at(-1) ?? "") | 1] ?? "";
  const other = `${text.slice(0, -1)}${last}`;
  if (other === text || !Buffer.from(other, "base64url").equals(Buffer.from(text, "base64url")))
    throw new Error("no second spelling");
  return parts.with(part, other).join(".");
}
/** A token of so many bytes, well signed. Not every length has a spelling in base64url: two parts are stretched. */
export function tokenOfLength(issuer: TestIssuer, now: number, bytes: number): string {
  for (let thumb = 0; thumb < 4; thumb += 1) {
    const made = (pad: number) =>
      mintToken(issuer, now, { header: { x5t: "t".repeat(thumb) }, claims: { pad: "a".repeat(pad) } });
    const near = Math.floor(((bytes - made(0).length) * 3) / 4);
    for (const pad of [near - 1, near, near + 1]) if (made(pad).length === bytes) return made(pad);
  }
  throw new Error(`no token of ${bytes} bytes`);
}
/** A text that makes the claims as long as needs bits after its end. */
const padTo = (value: Json): string => "x".repeat((3 - (JSON.stringify({ ...value, pad: "" }).length % 3) + 1) % 3);

/** What the report of access quotes. */
export type TokenFigures = {
  readonly hostile_tokens: number;
  readonly refused: number;
  readonly tenant_rows_read: number;
  readonly look_ups_max: number;
  /** Of those whose shape, size, header, algorithm, audience, time or claims are wrong already. */
  readonly look_ups_when_refused_early: number;
  readonly refused_early: number;
  /** The control: proper tokens, one an algorithm and one of a key set, and the rows that were read with them. */
  readonly proper_tokens: number;
  readonly proper_tokens_let_in: number;
  readonly rows_read_with_proper_tokens: number;
};

const path = "/v1/sellers";
export interface Tried {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
  readonly json: any;
  readonly lookUps: number;
  readonly tenantRows: number;
  readonly statements: readonly string[];
}
/** One request with the token, and what it asked of the database. */
export async function tryToken({ api, asked }: TokenGround, token: string): Promise<Tried> {
  asked();
  const { status, headers, json } = await api.send("GET", path, { headers: { authorization: `Bearer ${token}` } });
  return { status, headers, json, ...asked() };
}

/** All of them, each to an isolate that remembers no issuer. */
export async function tokenFigures(ground: TokenGround): Promise<TokenFigures> {
  let [refused, rows, most, early, earlyCount] = [0, 0, 0, 0, 0];
  for (const hostile of hostileTokens) {
    ground.forgetIssuers();
    const { status, lookUps, tenantRows } = await tryToken(ground, hostile.make(ground));
    if (status === 401) refused += 1;
    rows += tenantRows;
    most = Math.max(most, lookUps);
    if (hostile.lookUps === 0) {
      early += lookUps;
      earlyCount += 1;
    }
  }
  const proper = Object.values(ground.issuers).map((issuer) => mintToken(issuer, ground.now));
  let [letIn, ownRows] = [0, 0];
  for (const token of proper) {
    const { status, tenantRows } = await tryToken(ground, token);
    if (status === 200) letIn += 1;
    ownRows += tenantRows;
  }
  return {
    hostile_tokens: hostileTokens.length,
    refused,
    tenant_rows_read: rows,
    look_ups_max: most,
    look_ups_when_refused_early: early,
    refused_early: earlyCount,
    proper_tokens: proper.length,
    proper_tokens_let_in: letIn,
    rows_read_with_proper_tokens: ownRows,
  };
}
