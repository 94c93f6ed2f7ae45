/** Who signed a report of leaked keys; null: nobody who is known here. The bytes are the body as it arrived. */
export type LeakSigner = (raw: Uint8Array<ArrayBuffer>, headers: Headers) => Promise<"github" | null>;

/**
 * GitHub's secret scanning signs each report: ECDSA on P-256 over SHA-256 of the body, in DER, with the key that a header names
 * (docs.github.com, Secret scanning partner program, "Implement signature verification").
 * @param keys GitHub's public keys by identifier, as base64 of their SPKI; from api.github.com/meta/public_keys/secret_scanning
 */
export const githubLeaks =
  (keys: ReadonlyMap<string, string>): LeakSigner =>
  async (raw, headers) => {
    const spki = keys.get(headers.get("github-public-key-identifier") ?? "");
    const signature = rawSignature(bytesOf(headers.get("github-public-key-signature") ?? ""));
    if (spki === undefined || signature === null) return null;
    const key = await crypto.subtle.importKey("spki", bytesOf(spki), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    const holds = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, raw);
    return holds ? "github" : null;
  };

/** Empty for what is no base64. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > 1024 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return new Uint8Array();
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const integerBytes = 32;
/** DER's SEQUENCE of two INTEGERs (RFC 3279 §2.2.3) as WebCrypto takes it: both in 32 bytes. Null for anything else. */
function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const signature = new Uint8Array(2 * integerBytes);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  let at = 2;
  for (const place of [1, 2]) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || length === 0 || integer.length !== length) return null;
    const digits = integer[0] === 0 ? integer.subarray(1) : integer;
    if (digits.length > integerBytes) return null;
    signature.set(digits, place * integerBytes - digits.length);
    at += 2 + length;
  }
  return at === der.length ? signature : null;
}
