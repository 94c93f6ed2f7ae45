const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Bytes as one number, in so many digits: the leading ones are zeros. */
export function base62Of(bytes: Uint8Array, digits: number): string {
  let text = "";
  for (let rest = bigOf(bytes); text.length < digits; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}

/** The uuid that 22 digits say; null when they say more than 128 bits, or are no digits. */
export function uuidOfBase62(digits: string): string | null {
  if (!/^[0-9A-Za-z]{22}$/.test(digits)) return null;
  const number = digits.split("").reduce((sum, digit) => sum * 62n + BigInt(alphabet.indexOf(digit)), 0n);
  if (number >= 1n << 128n) return null;
  const hex = number.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const bytesOfUuid = (uuid: string): Uint8Array =>
  Uint8Array.from(uuid.replaceAll("-", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));

function bigOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
