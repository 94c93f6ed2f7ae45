/**
 * Numbers are looked up by keyed hash: there are some 6.4e9 North American numbers, so that a plain digest of one is
 * the number itself for anyone with a minute of computing. The key (pepper) never reaches the database.
 */
export interface HashedNumber {
  readonly pepperVersion: number;
  readonly hmac: Uint8Array<ArrayBuffer>;
}
export interface NumberHasher {
  /** With the newest pepper: what a new person row carries. */
  hash(e164: string): Promise<HashedNumber>;
  /** With every pepper version still held: what a look-up must try. */
  hashAll(e164: string): Promise<readonly HashedNumber[]>;
}

/** @param peppers by version; the highest is the newest. Keys of at least 32 bytes. */
export async function numberHasher(peppers: ReadonlyMap<number, Uint8Array<ArrayBuffer>>): Promise<NumberHasher> {
  const versions = [...peppers.keys()].toSorted((a, b) => b - a);
  if (versions.length === 0) throw new Error("no pepper: numbers cannot be looked up, so nothing may be dialed");
  const keys = await Promise.all(
    versions.map(async (version) => {
      const bytes = peppers.get(version) as Uint8Array<ArrayBuffer>;
      if (bytes.length < 32) throw new Error(`pepper version ${version} is shorter than 32 bytes`);
      return { version, key: await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]) };
    }),
  );
  const hashWith = async ({ version, key }: (typeof keys)[number], e164: string): Promise<HashedNumber> => ({
    pepperVersion: version,
    hmac: new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(e164))),
  });
  return {
    hash: (e164) => hashWith(keys[0] as (typeof keys)[number], e164),
    hashAll: (e164) => Promise.all(keys.map((key) => hashWith(key, e164))),
  };
}
