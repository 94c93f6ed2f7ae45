import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { hexOf } from "./bytes.ts";

/**
 * Numbers are looked up by keyed hash: there are some 6.4e9 North American numbers, so that a plain digest of one is
 * the number itself for anyone with a minute of computing. The key (pepper) never reaches the database.
 */
export interface HashedNumber {
  readonly pepperVersion: number;
  readonly hmac: Uint8Array<ArrayBuffer>;
}
export interface NumberHasher {
  /** The version of the newest pepper. */
  readonly newest: number;
  /** With the newest pepper: what a new person row carries. */
  hash(e164: string): Promise<HashedNumber>;
  /** With every pepper version still held, newest first: what a look-up must try. */
  hashAll(e164: string): Promise<readonly HashedNumber[]>;
  /** What this worker tells the database that it holds: each version and the hash of the canary under it, "1:ab…,2:cd…". */
  readonly held: string;
  /** The same as lower-case hexadecimal, and at once: a file has hundreds of thousands of numbers. */
  hexAll(e164: string): readonly string[];
}

/** Nobody's number. Its hash is a pepper's fingerprint, and the entry of each org's suppression list that must always be found. */
const canary = "dialgate canary";

/** @param peppers by version; the highest is the newest. Keys of at least 32 bytes. */
export async function numberHasher(peppers: ReadonlyMap<number, Uint8Array<ArrayBuffer>>): Promise<NumberHasher> {
  const versions = [...peppers.keys()].toSorted((a, b) => b - a);
  const [newest] = versions;
  if (newest === undefined) throw new Error("no pepper: numbers cannot be looked up, so nothing may be dialed");
  const keys = versions.map((version) => {
    const bytes = peppers.get(version) as Uint8Array<ArrayBuffer>;
    if (bytes.length < 32) throw new Error(`pepper version ${version} is shorter than 32 bytes`);
    return { version, key: createSecretKey(bytes) };
  });
  // At once: a promise of WebCrypto's for each number of a file took a third of an import's time.
  const hashWith = ({ version, key }: { version: number; key: KeyObject }, e164: string): HashedNumber => ({
    pepperVersion: version,
    hmac: new Uint8Array(createHmac("sha256", key).update(e164).digest()),
  });
  return {
    newest,
    held: keys.map((key) => `${key.version}:${hexOf(hashWith(key, canary).hmac)}`).join(","),
    hash: async (e164) => hashWith(keys[0] as (typeof keys)[number], e164),
    hashAll: async (e164) => keys.map((key) => hashWith(key, e164)),
    hexAll: (e164) => keys.map(({ key }) => createHmac("sha256", key).update(e164).digest("hex")),
  };
}
