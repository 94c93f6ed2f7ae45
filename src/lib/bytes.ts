import { createHash } from "node:crypto";

/** Each byte's two digits: made once, because an import spells out a hundred bytes for each of its rows. */
export const byteHex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lower-case hexadecimal text. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byteHex[byte];
  return text;
}

/** @throws RangeError when the text is not whole bytes in hexadecimal. */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new RangeError("not whole bytes in hexadecimal");
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}

/** Postgres's text form of a bytea value, the one that both of the driver's transports keep. */
export const byteaText = (bytes: Uint8Array): string => `\\x${hexOf(bytes)}`;

// Not WebCrypto's: a digest of a few kilobytes takes some microseconds, and a promise for each ten times as long.

/** SHA-256 of a text, behind bytes given in hexadecimal where there are some; itself in hexadecimal. */
export function sha256Hex(text: string, before = ""): string {
  return createHash("sha256").update(before, "hex").update(text, "utf8").digest("hex");
}

/** SHA-256 of bytes, or of a text in UTF-8. */
export const sha256 = (data: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash("sha256").update(data).digest());
