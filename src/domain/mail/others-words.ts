import { readEmailAddress } from "../../lib/email-address.ts";

/** What others wrote, in a mail of ours. */

export interface Named {
  /** As they call themselves. */
  readonly name: string | null;
  /** By which they sign in: the service has verified it. */
  readonly email: string;
}

const nameCharactersMax = 80;
const addressCharactersMax = 254;

/**
 * Someone's own words, in quotes: on one line, without control and direction characters, of bounded length.
 * Mail programs make links of what looks like an address: a name must not become one, so that dots, slashes and at signs
 * inside words are written as characters that look alike.
 */
export function quoted(words: string, charactersMax: number = nameCharactersMax): string {
  const line = words
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
  const characters = Array.from(line);
  const short = characters.length > charactersMax ? `${characters.slice(0, charactersMax - 1).join("")}…` : line;
  const inert = short
    .replaceAll(/[.\u3002\uff0e\uff61](?=\S)/g, "\u2024")
    .replaceAll("/", "\u2215")
    .replaceAll("@", "\uff20")
    .replaceAll(/["“”]/g, "'");
  return `“${inert === "" ? "?" : inert}”`;
}

/**
 * An address that somebody signs in by, sign by sign, so that it can be compared and written to: in the one form that the service
 * keeps it has no spaces, quotes or line ends. Whatever else is given for one is quoted; so is an address that mail
 * programs could read as that of a page, because its owner chose what stands before the at sign.
 */
export function addressed(email: string): string {
  const read = readEmailAddress(email);
  const isPlain = read.ok && read.value === email && !/^www\.|[/?#]/.test(email);
  return isPlain ? email : quoted(email, addressCharactersMax);
}

/** Their name, which is theirs to choose, and the address, which is not. */
export const named = ({ name, email }: Named): string =>
  name === null ? addressed(email) : `${quoted(name)} (${addressed(email)})`;
