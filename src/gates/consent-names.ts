import { invisible, normalise, textLengthMax } from "./consent-words.ts";
import { consentVocabulary as vocabulary } from "./rules/consent-vocabulary.ts";

/**
 * Who is named in a consent text, put into marks before a word of it is read: no name then holds a negation, a voice or
 * a sentence's end. The marks are letters that no form writes; a text that does write them loses them first.
 */
export const sellerMark = "\uA66E";
/** Stands behind another company's name, whose words stay. */
export const otherMark = "\uA6C0";
/** The seller, named in a role other than the caller's. */
const asideMark = "\uA6C1";
export const anyMark = new RegExp(`[${sellerMark}${otherMark}${asideMark}]`, "gu");

const entities: Readonly<Record<string, string>> = {
  nbsp: " ",
  amp: "&",
  quot: '"',
  apos: "'",
  lt: "<",
  gt: ">",
  rsquo: "’",
  lsquo: "‘",
  ldquo: "“",
  rdquo: "”",
  ndash: "–",
  mdash: "—",
  bull: "•",
  reg: "®",
  trade: "™",
  copy: "©",
  shy: "",
};

/** Struck or hidden words were not agreed to as they stand. */
const struck = /<(?:s|del|strike)\b[^<>]*>|<[a-z][^<>]*(?:display\s*:\s*none|visibility\s*:\s*hidden|\bhidden\b)[^<>]*>/iu;
const overlaid = /[\u0334-\u0338\u20D2\u20D3\u20D8\u20E5-\u20EB]/u;
const mixedScripts =
  /(?=[\p{L}\p{M}]*\p{Script=Latin})(?=[\p{L}\p{M}]*[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}])[\p{L}\p{M}]+/u;

/** A word whose letters are of two scripts, or that is struck through, hides what it says. */
export const isDisguised = (text: string): boolean =>
  struck.test(text) || overlaid.test(text) || mixedScripts.test(text.normalize("NFKC"));

/** An empty box stands in it, and no ticked one. */
export const isUnchecked = (text: string): boolean => /[☐□⬜]|\[\s?\]/u.test(text) && !/[☑☒✓✔✅]|\[\s?[x✓✔]\s?\]/iu.test(text);

/** The text as a reader sees it, as far as it is read: no tags, no entities, no addresses of pages. */
export function asShown(text: string): string {
  return text
    .slice(0, textLengthMax)
    .replace(/<\/?(?:p|br|div|li|ul|ol|tr|td|table|h[1-6])\b[^<>]{0,500}>/giu, "\n")
    .replace(/<\/?(?:a|b|i|u|em|strong|span|small|sup|sub|font|label|input|s|del|strike)\b[^<>]{0,500}>/giu, "")
    .replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]{2,6}));/giu, (whole, decimal, hex, name: string | undefined) =>
      name === undefined
        ? codePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal))
        : (entities[name.toLowerCase()] ?? whole),
    )
    .normalize("NFKC")
    .replace(invisible, "")
    .replace(anyMark, "")
    .replace(reference, " ")
    .replace(shortened, "")
    .replace(/\b(?:https?:\/\/|www\.)[^\s)\]"'<>]+/giu, " ");
}

/** A licence's number is nobody's phone, and its "no." no denial. */
const reference = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${vocabulary.references.join("|")})\\s*(?:no|number|id|#)\\s?[.:#]{0,2}\\s*\\d{3,}[\\d-]*`,
  "giu",
);

/** The full stop of "Inc." or "St." in the midst of a sentence. */
const shortened = new RegExp(
  `(?<=(?<![\\p{L}\\p{N}])(?:${vocabulary.abbreviations.flatMap((each) => [each, each.replace(/^./, (first) => first.toUpperCase()), each.toUpperCase()]).join("|")}))\\.(?=\\s*[,)]|\\s+["“(]?\\p{Ll}|\\s+\\()`,
  "gu",
);

const codePoint = (code: number): string => (code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : " ");

const letter = "[\\p{L}\\p{N}]";
const apostrophe = "['’´\u0060]";
const gap = "[^\\p{L}\\p{N}]{1,5}";
const quoted = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");

/** One word of a name as forms spell it: "L.L.C.", "Johns" and "John's". */
const spelled = (word: string): string => {
  if (word === "and") return "(?:and|&)";
  if (/^\p{L}{2,4}$/u.test(word)) return Array.from(word).join("\\.?") + "(?:(?<=\\.\\p{L})\\.)?";
  return quoted(word).replace(/s$/, `${apostrophe}?s`);
};

const inCapitals = (words: readonly string[]): string =>
  words.map((word) => word.replace(/^./, (first) => first.toUpperCase())).join("|");
const isPrefixed = new RegExp(`(?<!${letter})(?:${inCapitals(vocabulary.namePrefixes)})[ -]$`, "u");
const isContinued = new RegExp(`^ (?:${inCapitals(vocabulary.nameEndings)})(?!${letter})`, "u");
const legalForm = `(?:${vocabulary.legalForms.map(spelled).join("|")})`;
const isFormed = new RegExp(`^${gap}${legalForm}(?!${letter})`, "iu");
const goesOn = new RegExp(`${sellerMark}\\.(?=\\s+(?:${vocabulary.goesOn.join("|")})(?!${letter}))`, "giu");

const goesOnInLowerCase = new RegExp(`${sellerMark}\\.(?=\\s+\\p{Ll})`, "gu");

function markSeller(text: string, names: readonly string[]): string {
  let marked = text;
  for (const name of names.toSorted((left, right) => right.length - left.length)) {
    const words = normalise(name.replace(new RegExp(apostrophe, "gu"), "").replace(/&/g, " and "))
      .split(" ")
      .filter((word) => word !== "");
    if (words.length === 0) continue;
    const hasForm = (vocabulary.legalForms as readonly string[]).includes(words.at(-1) ?? "");
    const pattern = words
      .map(spelled)
      .join(gap)
      .replaceAll(`${gap}(?:and|&)${gap}`, "[^\\p{L}\\p{N}&]*(?:(?<!\\p{L})and(?!\\p{L})|&)[^\\p{L}\\p{N}&]*");
    marked = marked.replace(new RegExp(`(?<!${letter})${pattern}(?!${letter})`, "giu"), (found, ...rest: unknown[]) => {
      const at = rest.find((each) => typeof each === "number") ?? 0;
      const behind = marked.slice(at + found.length, at + found.length + 40);
      const isAnothers =
        isPrefixed.test(marked.slice(Math.max(0, at - 12), at)) ||
        (!hasForm && (isFormed.test(behind) || isContinued.test(behind)));
      return isAnothers ? found : ` ${sellerMark}`;
    });
  }
  const isInCapitals = !/\p{Ll}/u.test(text);
  return marked.replace(isInCapitals ? goesOn : goesOnInLowerCase, sellerMark);
}

const phrase = (words: string): string => words.replaceAll(" ", "\\s+");
const anyPhrase = (phrases: readonly string[]): string => phrases.map(phrase).join("|");
const asideBefore = new RegExp(
  `((?<!${letter})(?:${anyPhrase(vocabulary.rolesBefore)})(?:\\s+\\d{4})?\\s+(?:the\\s+)?)${sellerMark}`,
  "giu",
);
/** "Calls and texts from X" are X's calls. */
const writesFrom = new RegExp(
  `((?<!${letter})(?<!calls?(?:[\\s,/]|and|or|automated|text|sms)*)(?:${anyPhrase(vocabulary.writings)})\\s+from\\s+)${sellerMark}`,
  "giu",
);
const asideBehind = new RegExp(
  `${sellerMark}(?=(?:${apostrophe}s)?\\s+(?:${anyPhrase(vocabulary.rolesBehind)})(?!${letter}))`,
  "giu",
);

const otherForm = new RegExp(
  `(?<=\\p{Lu}[^\\s]{0,40}\\s)(?:llc|inc|incorporated|corp|corporation|co|ltd|lp|llp|pllc|plc|gmbh)(?!${letter})`,
  "giu",
);
const otherName = new RegExp(
  `(?<=(?<!${letter})(?:from|by|(?:platform|system|calls|agents|dialer|assistant) of|behalf of)\\s+)(\\p{Lu}\\p{Ll}+)(?=[\\s.,;)])`,
  "gu",
);
const otherSubject =
  /(?<=^|[.;!?,\n]\s*|(?:that|agree|and|or|authorize|permit|allow|for)\s+)((?:\p{Lu}[\p{L}\p{N}&'’-]*\s+){0,4}\p{Lu}[\p{L}\p{N}&'’-]*)(?=\s+(?:(?:may|can|will|could)\s|to (?:call|contact)\s))/gu;
const otherGeneric = new RegExp(`(?<!${letter})(?:${anyPhrase(vocabulary.otherCallers)})(?!${letter})`, "giu");
const ordinary: ReadonlySet<string> = new Set(vocabulary.ordinaryWords);
const markOrdinary = (name: string): string =>
  ordinary.has(name.split(/\s/u, 1)[0]?.toLowerCase() ?? "") ? name : `${name} ${otherMark}`;

/** The text with the seller's names, in the caller's role and in others, and other companies marked. */
export function markNames(text: string, names: readonly string[]): string {
  return markSeller(text, names)
    .replace(asideBefore, `$1${asideMark}`)
    .replace(writesFrom, `$1${asideMark}`)
    .replace(asideBehind, asideMark)
    .replace(otherForm, `$& ${otherMark}`)
    .replace(otherName, markOrdinary)
    .replace(otherSubject, markOrdinary)
    .replace(otherGeneric, `$& ${otherMark}`);
}

interface Callers {
  readonly start: number;
  readonly end: number;
  readonly hasSeller: boolean;
}

const breaks: ReadonlySet<string> = new Set([...vocabulary.callerBreaks, "|"]);
const preps: ReadonlySet<string> = new Set(vocabulary.callerPreps);
const severs: ReadonlySet<string> = new Set(vocabulary.voiceSevers);
const voiceCalls: ReadonlySet<string> = new Set(vocabulary.voiceCalls);

const beforeCaller: ReadonlySet<string> = new Set([...vocabulary.beforeCaller, otherMark, sellerMark, "|"]);
const behindCaller: ReadonlySet<string> = new Set(vocabulary.behindCaller);
const behindCallee: ReadonlySet<string> = new Set(vocabulary.behindCallee);
const callersOf: ReadonlySet<string> = new Set(vocabulary.callersOf);

/** Whether the seller's name stands where a caller's does: "from X", "X may call", "agents of X". Elsewhere it is only mentioned. */
function isCaller(words: readonly string[], at: number): boolean {
  const [before, behind] = [words[at - 1], words[at + 1] ?? ""];
  if (before === undefined || beforeCaller.has(before) || behindCaller.has(behind)) return true;
  return (before === "of" && callersOf.has(words[at - 2] ?? "")) || (before === "to" && behindCallee.has(behind));
}

/** "Calls from my bank": from somebody whom no mark shows. */
const fromAnother = new RegExp(
  ` (?:call|calls|message|messages|voice|voices) from (?!(?:${vocabulary.unnamedCallers.join("|")}) )`,
);

/** The lists of callers of a sentence: names with nothing between them that parts them. */
function callersIn(words: readonly string[]): Callers[] {
  const lists: Callers[] = [];
  words.forEach((word, at) => {
    if (word !== otherMark && !(word === sellerMark && isCaller(words, at))) return;
    const last = lists.at(-1);
    const hasSeller = word === sellerMark;
    if (last === undefined || words.slice(last.end + 1, at).some((between) => breaks.has(between)))
      lists.push({ start: at, end: at, hasSeller });
    else lists[lists.length - 1] = { start: last.start, end: at, hasSeller: hasSeller || last.hasSeller };
  });
  return lists;
}

/** Who calls by the voice in this sentence: the seller, another, or nobody who is named. `voicesAt`: where the voice is named. */
export function callerOfVoice(sentence: string, voicesAt: readonly number[]): "seller" | "other" | "unnamed" {
  const words = sentence.trim().split(" ");
  const lists = callersIn(words);
  if (lists.length === 0) return fromAnother.test(sentence) ? "other" : "unnamed";
  if (sentence.includes(` on behalf of ${sellerMark} `)) return "seller";
  if (voicesAt.length === 0) return lists.some((each) => each.hasSeller) ? "seller" : "other";
  return voicesAt.some((at) => boundTo(words, at, lists)?.hasSeller) ? "seller" : "other";
}

/** "Voice calls from X" is X's; else the voice is that of who was named last before it. */
function boundTo(words: readonly string[], voiceAt: number, lists: readonly Callers[]): Callers | undefined {
  const before = lists.findLast((each) => each.end < voiceAt);
  const behind = lists.find((each) => each.start > voiceAt);
  if (behind === undefined || before === undefined) return before ?? behind;
  const between = words.slice(voiceAt + 1, behind.start);
  const prepAt = between.findLastIndex((word) => preps.has(word));
  if (prepAt < 0) return before;
  const said = between.slice(0, prepAt);
  return said.some((word) => severs.has(word)) && !said.some((word) => voiceCalls.has(word)) ? before : behind;
}
