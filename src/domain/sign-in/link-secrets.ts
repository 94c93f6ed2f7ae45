import { fromBase64Url, toBase64Url } from "../../lib/base64url.ts";
import { sha256 } from "../../lib/bytes.ts";
import { relayCodeOf } from "../../lib/relay-code.ts";

/** Of a link's token, and of what a browser keeps in each of its two cookies: 256 bits as 43 characters. */
const secretBytes = 32;
export type Random = (bytes: number) => Uint8Array;
/** Keyed by a secret that the database never sees. */
export type KeyedHash = (text: string) => Promise<Uint8Array>;

export const mintSecret = (random: Random): string => toBase64Url(random(secretBytes));
/** The text if it has the form of one, else null. */
export const givenSecret = (text: string | undefined): string | null =>
  text !== undefined && text.length === 43 && fromBase64Url(text)?.length === secretBytes ? text : null;

/** What is stored of a secret. It has too many bits to be guessed back, so that no key is needed (ASVS 6.5.2). */
export const hashOfSecret = (secret: string): Uint8Array => sha256(secret);

/** The code that goes with a link. It follows from the token, so that showing it writes nothing. */
export const relayCode = async (keyed: KeyedHash, token: string): Promise<string> =>
  relayCodeOf(await keyed(`relay code of sign-in link ${token}`));

/** What is stored of a code: bound to the browser that may enter it, and keyed, because 40 bits are soon guessed back. */
export const hashOfCode = (keyed: KeyedHash, verifier: string, code: string): Promise<Uint8Array> =>
  keyed(`relay code in browser ${verifier}: ${code}`);
