import { toBase64Url } from "./base64url.ts";
import { sha256 } from "./bytes.ts";

/** What a mail carries, and what is stored of it: 256 bits need no keyed hash, because nobody can try them all. */
export interface MintedInvitation {
  readonly clear: string;
  readonly hash: Uint8Array;
}

/** `dgi_` and 43 digits of base64url. */
const pattern = /^dgi_[A-Za-z0-9_-]{43}$/;
const secretBytes = 32;

export function mintInvitation(random: (bytes: number) => Uint8Array): MintedInvitation {
  const clear = `dgi_${toBase64Url(random(secretBytes))}`;
  return { clear, hash: sha256(clear) };
}

/** Null for what was never made: nobody is asked about it. */
export function hashOfInvitation(token: string): Uint8Array | null {
  return pattern.test(token) ? sha256(token) : null;
}
