import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { joinBytes } from "./hmac.ts";

// Named through its use: the platform types of Node and of workerd disagree on where the name lives.
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Key-encryption keys by version (`V1` …); the newest wraps, all of them unwrap. Keys cannot be read back out. */
export interface Keyring {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Key>;
}

/** One secret under a key of its own, and that key wrapped once for each purpose. Plain JSON, base64url. */
export interface Sealed {
  readonly version: number;
  readonly kek_version: string;
  readonly nonce: string;
  readonly ciphertext: string;
  readonly wrapped: Readonly<Record<string, { readonly nonce: string; readonly key: string }>>;
}

const gcm = (nonce: Uint8Array<ArrayBuffer>, bound: Uint8Array<ArrayBuffer>) => ({
  name: "AES-GCM",
  iv: nonce,
  additionalData: bound,
  tagLength: 128,
});
// Nonces and keys come from WebCrypto itself and from nowhere else: a caller who could pass one in could repeat it.
const freshNonce = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(12));

/** Each part with its length before it, so that no two lists of parts give the same bytes. */
function boundTo(label: string, parts: readonly string[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  return joinBytes(
    ...[label, ...parts].flatMap((part) => {
      const bytes = text.encode(part);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );
}
const dataBinding = (parts: readonly string[]) => boundTo("dialgate/sealed/v1", parts);
const keyBinding = (kek: string, purpose: string, parts: readonly string[]) =>
  boundTo("dialgate/sealed-key/v1", [kek, purpose, ...parts]);

/** @throws RangeError when a key is not 32 bytes of base64, or the current version is not among them. */
export async function importKeyring(keysByVersion: Readonly<Record<string, string>>, current: string): Promise<Keyring> {
  const keys = new Map<string, Key>();
  for (const [version, base64] of Object.entries(keysByVersion)) {
    const bytes = fromBase64Url(base64.trim().replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""));
    if (bytes?.length !== 32) throw new RangeError(`key-encryption key ${version} is not 32 bytes of base64`);
    keys.set(version, await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["wrapKey", "unwrapKey"]));
    bytes.fill(0);
  }
  if (!keys.has(current)) throw new RangeError(`key-encryption key ${current} is not in the keyring`);
  return { current, keys };
}

/**
 * Seals bytes under a fresh key. The key is wrapped once per purpose with that purpose in the additional data: there is one
 * ciphertext, but no way into it except through a purpose that was granted when it was sealed.
 */
export async function seal(
  keyring: Keyring,
  plaintext: Uint8Array<ArrayBuffer>,
  bound: readonly string[],
  purposes: readonly string[],
) {
  const data = (await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"])) as Key;
  const nonce = freshNonce();
  const ciphertext = await crypto.subtle.encrypt(gcm(nonce, dataBinding(bound)), data, plaintext);
  const wrapped: Record<string, { nonce: string; key: string }> = {};
  for (const purpose of purposes) wrapped[purpose] = await wrap(keyring, data, purpose, bound);
  return {
    kek_version: keyring.current,
    nonce: toBase64Url(nonce),
    ciphertext: toBase64Url(new Uint8Array(ciphertext)),
    wrapped,
  };
}

/** The plaintext, or null when anything at all does not fit: which part it was is nobody's business. The caller zero-fills it. */
export async function unseal(
  keyring: Keyring,
  sealed: Sealed,
  bound: readonly string[],
  purpose: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const data = await unwrap(keyring, sealed, bound, purpose, false);
  const nonce = fromBase64Url(sealed.nonce);
  const ciphertext = fromBase64Url(sealed.ciphertext);
  if (data === null || nonce?.length !== 12 || ciphertext === null) return null;
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(nonce, dataBinding(bound)), data, ciphertext));
  } catch {
    return null;
  }
}

/** The same secret under the keyring's current key. Ciphertext and nonce stay byte for byte: only the wrapping changes. */
export async function rewrap(keyring: Keyring, sealed: Sealed, bound: readonly string[]): Promise<Sealed | null> {
  const wrapped: Record<string, { nonce: string; key: string }> = {};
  for (const purpose of Object.keys(sealed.wrapped)) {
    const data = await unwrap(keyring, sealed, bound, purpose, true);
    if (data === null) return null;
    wrapped[purpose] = await wrap(keyring, data, purpose, bound);
  }
  return { ...sealed, kek_version: keyring.current, wrapped };
}

async function wrap(keyring: Keyring, data: Key, purpose: string, bound: readonly string[]) {
  const kek = keyring.keys.get(keyring.current);
  if (kek === undefined) throw new RangeError("the keyring lacks its current key");
  const nonce = freshNonce();
  const key = await crypto.subtle.wrapKey("raw", data, kek, gcm(nonce, keyBinding(keyring.current, purpose, bound)));
  return { nonce: toBase64Url(nonce), key: toBase64Url(new Uint8Array(key as ArrayBuffer)) };
}

async function unwrap(keyring: Keyring, sealed: Sealed, bound: readonly string[], purpose: string, extractable: boolean) {
  const kek = keyring.keys.get(sealed.kek_version);
  const entry = Object.hasOwn(sealed.wrapped, purpose) ? sealed.wrapped[purpose] : undefined;
  const nonce = entry === undefined ? null : fromBase64Url(entry.nonce);
  const key = entry === undefined ? null : fromBase64Url(entry.key);
  if (kek === undefined || nonce?.length !== 12 || key === null) return null;
  try {
    const binding = gcm(nonce, keyBinding(sealed.kek_version, purpose, bound));
    return await crypto.subtle.unwrapKey("raw", key, kek, binding, "AES-GCM", extractable, ["encrypt", "decrypt"]);
  } catch {
    return null;
  }
}
