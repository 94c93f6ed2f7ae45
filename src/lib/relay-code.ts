/** Crockford's base32: no I, L, O or U, which are read as other characters or make words. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const characters = 8;

/** Eight characters, 40 bits, of the first five bytes. */
export function relayCodeOf(bytes: Uint8Array): string {
  let bits = bytes.subarray(0, 5).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let code = "";
  for (; code.length < characters; bits >>= 5n) code = alphabet[Number(bits & 31n)] + code;
  return code;
}

/** The code that a person typed: spaces, hyphens and case do not matter, and look-alikes are what they look like. Null for none. */
export function readRelayCode(text: string): string | null {
  const code = text.replaceAll(/[\s-]/g, "").toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  return code.length === characters && code.split("").every((character) => alphabet.includes(character)) ? code : null;
}

/** As it is shown: in two halves. */
export const shownCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;
