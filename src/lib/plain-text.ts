/**
 * What a text that people write may hold, by patterns that the API's document shows as well: without flags, so that every reader
 * of JSON Schema takes them. Halves of surrogate pairs are refused where a body is read.
 */

const controls = String.raw`\x00-\x1F\x7F-\x9F`;
const lineEnds = String.raw`\u2028\u2029`;
/** What turns the direction of the text around it. */
const turning = String.raw`\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069`;
/** Spaces, format characters, selectors and letters that are drawn as nothing, without the ones above. */
const blank = String.raw` \xA0\xAD\u034F\u0600-\u0605\u06DD\u070F\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200D\u202F\u205F-\u2065\u206A-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF9-\uFFFB`;
/** Those beyond U+FFFF all begin with this half. */
const blankPair = String.raw`\uDB40[\uDC00-\uDFFF]`;
const seen = String.raw`(?:[^${blank}${controls}${lineEnds}${turning}\uD800-\uDFFF]|[\uD800-\uDB3F\uDB41-\uDBFF][\uDC00-\uDFFF])`;

// What comes first can be taken in one way alone, so that no text is read more than once.
const line = String.raw`(?:[${blank}]|${blankPair})*${seen}[^${controls}${lineEnds}${turning}]*`;
/**
 * A name, or text on one line: it is shown beside others, in lists and in mails, where it must neither break the line, nor turn what
 * follows, nor be blank. That it looks like another is not told: letters of many scripts do.
 */
export const linePattern = new RegExp(`^${line}$`);
/** The same, or nothing at all. */
export const lineOrNothingPattern = new RegExp(`^(?:${line})?$`);
export const lineWords =
  "One line of text is needed, with something to see on it, and without control characters or ones that turn its direction.";

const lines = String.raw`(?:[${blank}\t\n\r\x80-\x9F${lineEnds}${turning}]|${blankPair})*${seen}[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*`;
/** Text of as many lines as somebody likes: all that a database and a column of values can carry, and something to see. */
export const linesPattern = new RegExp(`^${lines}$`);
export const linesOrNothingPattern = new RegExp(`^(?:${lines})?$`);
export const linesWords = "Text with something to see is needed, without control characters but tabs and ends of lines.";
