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
