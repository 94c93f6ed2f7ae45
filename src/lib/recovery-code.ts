import type { ApiKeyHasher } from "./api-key.ts";

/**
 * Recovery codes: 24 digits of Crockford's base 32 (no i, l, o, u), 120 bits, in six groups. Made to be written down and
 * typed: case, hyphens and spaces count for nothing, and what is easily misread is read as meant.
 */
export interface RecoveryCodes {
  /** A set for this person: what they are shown once, and what is stored, in the same order. */
  mint(userId: string): Promise<{ readonly clear: readonly string[]; readonly hashes: readonly Uint8Array[] }>;
  /** What would be stored of a code as someone typed it; null for what is no code. */
  hashOf(userId: string, typed: string): Promise<Uint8Array | null>;
}

export const recoveryCodesInSet = 10;
const digits = "0123456789abcdefghjkmnpqrstvwxyz";
const randomBytes = 15;

export function recoveryCodes(random: (bytes: number) => Uint8Array, hash: ApiKeyHasher): RecoveryCodes {
  const stored = (userId: string, code: string) => hash(`recovery code ${userId} ${code}`);
  return {
    async mint(userId) {
      const codes = Array.from({ length: recoveryCodesInSet }, () => digitsOf(random(randomBytes)));
      const hashes = await Promise.all(codes.map((code) => stored(userId, code)));
      return { clear: codes.map((code) => (code.match(/.{4}/g) ?? []).join("-")), hashes };
    },
    async hashOf(userId, typed) {
      const code = typed.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
      return /^[0-9a-hjkmnp-tv-z]{24}$/.test(code) ? stored(userId, code) : null;
    },
  };
}

/** Five bits a digit: fifteen bytes are 24 digits, and each is as likely as any other. */
function digitsOf(bytes: Uint8Array): string {
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = "";
  for (; text.length < 24; number >>= 5n) text = digits[Number(number & 31n)] + text;
  return text;
}
