import { linePattern } from "./plain-text.ts";

/**
 * A name as another service writes it, as one that is shown to others here: on one line, without control, format and direction
 * characters, cut to its length. Null when nothing of it is left.
 */
export function readName(text: string, charactersMax: number): string | null {
  const line = text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  // A cut may fall within a pair.
  const short = line
    .slice(0, charactersMax)
    .replace(/\p{Cs}$/u, "")
    .trim();
  return /[\p{L}\p{N}]/u.test(short) && linePattern.test(short) ? short : null;
}
