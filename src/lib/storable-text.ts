const lineBreaks = "\t\n\r";
const del = "\u007f";

/**
 * Text that JSON, Postgres and a column of values can all carry: no control characters but tabs and line ends, and no
 * half of a surrogate pair. Postgres has no NUL in text, and names the whole value in its error.
 */
export function isStorable(text: string): boolean {
  if (!text.isWellFormed()) return false;
  for (const character of text) if ((character < " " || character === del) && !lineBreaks.includes(character)) return false;
  return true;
}

/** The same words without what `isStorable` refuses; a space stands for it, so that words stay apart. */
export const storableText = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.toWellFormed().replace(/[\0-\x08\v\f\x0e-\x1f\x7f]/g, " ");
