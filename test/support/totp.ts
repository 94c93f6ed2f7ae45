/** What an authenticator app shows (RFC 6238), written anew: it shares no code with what is tested. */
import { createHmac } from "node:crypto";
import { type Instant, secondsOf } from "../../src/lib/instant.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
export function bytesOfBase32(text: string): Buffer {
  let bits = "";
  for (const digit of text) bits += alphabet.indexOf(digit).toString(2).padStart(5, "0");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** @param steps of 30 seconds, later or earlier. */
export function totpCodeAt(base32: string, now: Instant, steps = 0): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(secondsOf(now) / 30) + steps));
  const digest = createHmac("sha1", bytesOfBase32(base32)).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
