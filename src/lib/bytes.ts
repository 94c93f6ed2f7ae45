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

/**
 * SHA-256 of a text, behind bytes given in hexadecimal where there are some; itself in hexadecimal. Not awaited: a digest
 * of a few kilobytes takes some microseconds, and a promise for each of a batch's leads more than that.
 */
export function sha256Hex(text: string, before = ""): string {
  return createHash("sha256").update(before, "hex").update(text, "utf8").digest("hex");
}

export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
