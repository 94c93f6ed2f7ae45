import { base62Of, bytesOfUuid, uuidOfBase62 } from "./base62.ts";

/**
 * API keys: `dg_test_<id: 22 base62>_<secret: 43 base62><checksum: 6 base62>`. The fixed prefix lets secret scanners find
 * them, the checksum (CRC-32 of everything before it) lets a mistyped or made-up key be refused without a database.
 */
export interface ApiKey {
  /** The key row's uuid. */
  readonly id: string;
  readonly livemode: boolean;
  readonly clear: string;
}

const pattern = /^dg_(live|test)_([0-9A-Za-z]{22})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;
const secretBytes = 32;

/** @param random 32 bytes: 256 bits, of which 43 base62 digits hold each value once. */
export function mintApiKey(id: string, livemode: boolean, random: Uint8Array): ApiKey {
  if (random.length !== secretBytes) throw new RangeError("an API key takes 32 random bytes");
  const body = `dg_${livemode ? "live" : "test"}_${base62Of(bytesOfUuid(id), 22)}_${base62Of(random, 43)}`;
  return { id, livemode, clear: body + checksumOf(body) };
}

/** Null for anything that was never issued: wrong form, or a checksum that does not fit. */
export function parseApiKey(text: string): ApiKey | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const [, mode = "", id = "", , checksum] = match;
  if (checksumOf(text.slice(0, -6)) !== checksum) return null;
  const uuid = uuidOfBase62(id);
  return uuid === null ? null : { id: uuid, livemode: mode === "live", clear: text };
}

/** What is stored of a key: its HMAC under a pepper that the database never sees. */
export type ApiKeyHasher = (clear: string) => Promise<Uint8Array<ArrayBuffer>>;

export async function apiKeyHasher(pepper: Uint8Array<ArrayBuffer>): Promise<ApiKeyHasher> {
  if (pepper.length < 32) throw new RangeError("the pepper of API keys is shorter than 32 bytes");
  const key = await crypto.subtle.importKey("raw", pepper, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (clear) => new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(clear)));
}

/** A key as it is made: what its owner is shown once, and what is stored. */
export interface MintedApiKey {
  readonly id: string;
  readonly clear: string;
  readonly hash: Uint8Array;
}
export type ApiKeyMint = (livemode: boolean) => Promise<MintedApiKey>;

export const apiKeyMint =
  (newId: () => string, random: (bytes: number) => Uint8Array, hash: ApiKeyHasher): ApiKeyMint =>
  async (livemode) => {
    const { id, clear } = mintApiKey(newId(), livemode, random(secretBytes));
    return { id, clear, hash: await hash(clear) };
  };

const checksumOf = (text: string): string => {
  const crc = crc32(text);
  return base62Of(Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc), 6);
};

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
