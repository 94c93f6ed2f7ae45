import { hexOf } from "./bytes.ts";

const algorithm = { name: "HMAC", hash: "SHA-256" } as const;
const text = new TextEncoder();

const keyOf = (secret: string, use: "sign" | "verify") =>
  crypto.subtle.importKey("raw", text.encode(secret), algorithm, false, [use]);

/** HMAC-SHA-256 under a secret's UTF-8 bytes, as lower-case hexadecimal. */
export async function hmacSha256(secret: string, message: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.sign(algorithm, await keyOf(secret, "sign"), message)));
}

/** Compared inside WebCrypto, which takes the same time wherever the two differ. */
export async function hmacSha256Holds(
  secret: string,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return crypto.subtle.verify(algorithm, await keyOf(secret, "verify"), signature, message);
}

/** The pieces one after the other, for a message that is signed without separators of its own. */
export function joinBytes(...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) => (typeof part === "string" ? text.encode(part) : part));
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
