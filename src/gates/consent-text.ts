import { consentVocabulary } from "./rules/consent-vocabulary.ts";

/** What a consent text says, worked out without a clock: the same text always reads the same. */
export interface ConsentTextReading {
  readonly vocabulary: string;
  readonly authorisesVoice: boolean;
  /** It denies such a voice, or denies itself: worse than silence. */
  readonly deniesVoice: boolean;
  readonly saysNoCondition: boolean;
  /** National digits of every phone number in the text. */
  readonly numbers: readonly string[];
  /** The whole text, normalised, for names. */
  readonly normalised: string;
}

const vocabulary = consentVocabulary;

/** Beyond this the text is read no further: what would be proven there is not proven, and it may deny what stands before. */
const textLengthMax = 20_000;

export function readConsentText(text: string): ConsentTextReading {
  const isWhole = text.length <= textLengthMax;
  const bounded = text.slice(0, textLengthMax);
  const sentences = sentencesOf(bounded);
  const voice = sentences.filter(namesVoice);
  // A text that authorises the voice in one sentence and denies it in another authorises nothing.
  const deniesVoice =
    !isWhole || sentences.some((sentence) => (voice.includes(sentence) ? denies(sentence) : deniesElsewhere(sentence)));
  return {
    vocabulary: vocabulary.version,
    authorisesVoice: voice.length > 0 && !deniesVoice,
    deniesVoice,
    saysNoCondition: isWhole && sentences.some(saysNoCondition) && !sentences.some(saysCondition),
    numbers: numbersIn(bounded),
    normalised: normalise(bounded),
  };
}

/** Lower case, in words: "ACME SOLAR, L.L.C." and "Acme Solar LLC" are the same name. */
export function normalise(text: string): string {
  return text
    .normalize("NFKC")
    .replace(invisible, "")
    .toLowerCase()
    .replace(/(?<![\p{L}\p{N}])(\p{L})\./gu, "$1")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Soft hyphens and their kin part words for a reader of characters alone. */
const invisible = /\p{Cf}/gu;

/**
 * Whether one of the names stands in the text, in whole words. The legal form counts: "Acme Solar LLC" is not
 * "Acme Solar Inc.", and a trade name followed by a legal form is some other company's name.
 */
export function namesOneOf(reading: Pick<ConsentTextReading, "normalised">, names: readonly string[]): boolean {
  return names.some((given) => {
    const name = normalise(given);
    return name !== "" && hasName(reading.normalised, name);
  });
}

/** Whether two names are the same company's. */
export const sameName = (left: string, right: string): boolean => normalise(left) !== "" && normalise(left) === normalise(right);

function hasName(text: string, name: string): boolean {
  const whole = padded(text);
  for (let from = whole.indexOf(` ${name} `); from !== -1; from = whole.indexOf(` ${name} `, from + 1)) {
    const next = whole.slice(from + name.length + 2).split(" ", 1)[0] ?? "";
    const last = name.slice(name.lastIndexOf(" ") + 1);
    if (!isLegalForm(next) || isLegalForm(last)) return true;
  }
  return false;
}

const isLegalForm = (word: string): boolean => (vocabulary.legalForms as readonly string[]).includes(word);

/** A line that goes on is no sentence's end: one that ends in a colon or a comma, or whose next begins in lower case. */
function sentencesOf(text: string): string[] {
  return text
    .normalize("NFKC")
    .replace(invisible, "")
    .replace(/(?<![\p{L}\p{N}])(\p{L})\./gu, "$1")
    .replace(/([:,])[^\S\r\n]*[\r\n]+/gu, "$1 ")
    .replace(/[\r\n]+[^\S\r\n]*(?=\p{Ll})/gu, " ")
    .split(/[.;!?\n\r]+/u)
    .map((sentence) => normalise(sentence).replaceAll("pre recorded", "prerecorded"))
    .filter((sentence) => sentence !== "");
}

/** One of the phrases, in whole words of a text that is padded with a space on each side. */
const anyOf = (phrases: readonly string[]): RegExp => new RegExp(` (?:${phrases.join("|")})(?= )`);
const everyOf = (phrases: readonly string[]): RegExp => new RegExp(` (?:${phrases.join("|")})(?= )`, "g");
const padded = (sentence: string): string => ` ${sentence} `;

const voicePhrase = anyOf(vocabulary.voicePhrases);
const kinds: ReadonlySet<string> = new Set(vocabulary.voiceKinds);
const fillers: ReadonlySet<string> = new Set(vocabulary.voiceFillers);
const nouns: ReadonlySet<string> = new Set(vocabulary.voiceNouns);

function namesVoice(sentence: string): boolean {
  if (voicePhrase.test(padded(sentence))) return true;
  const words = sentence.split(" ");
  return words.some((word, index) => kinds.has(word) && reachesVoice(words, index + 1));
}

/** From a kind of voice to the noun, over nothing but other kinds and fillers. */
function reachesVoice(words: readonly string[], from: number): boolean {
  for (let index = from; index < words.length; index++) {
    const word = words[index] ?? "";
    if (nouns.has(word)) return true;
    if (!kinds.has(word) && !fillers.has(word)) return false;
  }
  return false;
}

const negation = anyOf(vocabulary.negations);
const ending = anyOf(vocabulary.endings);
const exception = anyOf(vocabulary.exceptions);
const denial = anyOf(vocabulary.denials);
const deniable = anyOf(vocabulary.deniable);
const onlyWord = anyOf(vocabulary.only);
const otherWay = anyOf(vocabulary.otherWays);
const option = new RegExp(
  ` (?:${vocabulary.optionPhrases.join("|")})(?: at any time)? (?:${vocabulary.optionVerbs.join("|")})(?= )|^ to (?:${vocabulary.optionVerbs.join("|")})(?= )`,
  "g",
);
const neutral = everyOf([...vocabulary.conditionSentences, ...vocabulary.conditionClauses, ...vocabulary.neutralPhrases]);
const neutralElsewhere = everyOf(vocabulary.neutralElsewhere);

/** What is left of a sentence once the phrases are set aside that hold a negation and deny nothing; a bar stands for each. */
const withoutNeutral = (sentence: string): string => padded(sentence).replace(option, " |").replace(neutral, " |");

const isElsewiseOnly = (rest: string): boolean => onlyWord.test(rest) && otherWay.test(rest);

/** In a sentence that names the voice a negation anywhere denies. */
function denies(sentence: string): boolean {
  const rest = withoutNeutral(sentence);
  return [negation, ending, exception, denial].some((words) => words.test(rest)) || isElsewiseOnly(rest);
}

/** As near as "not want to be called". */
const nearWords = 3;
const nearlyDenied = new RegExp(
  ` (?:${vocabulary.negations.join("|")})(?: [^ |]+){0,${nearWords - 1}} (?:${vocabulary.deniable.join("|")})(?= )`,
);
/** "I do not." and "AI: no" */
const deniedAtTheEnd = new RegExp(` (?:${vocabulary.negations.join("|")}) $`);

/** A sentence that does not name the voice denies it with the agreement: "I do not agree to the above", "automated calls are prohibited". */
function deniesElsewhere(sentence: string): boolean {
  const rest = withoutNeutral(sentence).replace(neutralElsewhere, " |");
  if (denial.test(rest) || isElsewiseOnly(rest) || nearlyDenied.test(rest) || deniedAtTheEnd.test(rest)) return true;
  return exception.test(rest) && deniable.test(rest);
}

const conditionSentence = anyOf(vocabulary.conditionSentences);
const conditionSubject = anyOf(vocabulary.conditionSubjects);
const purchases = anyOf(vocabulary.purchases);
const purchaseOfOneThing = new RegExp(`^ (?:${vocabulary.determiners.join("|")}) (?!(?:${vocabulary.purchasables.join("|")}) )`);

function saysNoCondition(sentence: string): boolean {
  const text = padded(sentence);
  const isSaid =
    conditionSentence.test(text) ||
    vocabulary.conditionClauses.some((clause) => {
      const at = text.indexOf(` ${clause} `);
      if (at === -1) return false;
      return conditionSubject.test(text.slice(0, at + 1)) && !purchaseOfOneThing.test(text.slice(at + clause.length + 1));
    });
  const rest = withoutNeutral(sentence);
  return isSaid && !negation.test(rest) && !exception.test(rest) && !denial.test(rest);
}

const contradiction = new RegExp(
  `(?<! (?:${vocabulary.negations.join("|")})) (?:${vocabulary.conditionContradictions.join("|")})(?= )`,
);
/** Somewhere else the text says that consent is a condition after all. */
const saysCondition = (sentence: string): boolean => {
  const text = padded(sentence).replace(neutral, " |");
  return contradiction.test(text) && purchases.test(text);
};

/** Ten digits, or eleven that begin with 1, however they are spaced: a phone number of this numbering plan. */
function numbersIn(text: string): string[] {
  const found = new Set<string>();
  for (const match of text.matchAll(/(?<!\d)\+?\d(?:[\s().\-–—/]{0,3}\d){6,14}(?!\d)/gu)) {
    const digits = match[0].replace(/\D/g, "");
    if (digits.length === 10) found.add(digits);
    else if (digits.length === 11 && digits.startsWith("1")) found.add(digits.slice(1));
    else if (digits.length > 11 || match[0].startsWith("+")) found.add(digits);
  }
  return [...found];
}
