import { consentVocabulary } from "./rules/consent-vocabulary.ts";

/** What a consent text says, worked out without a clock: the same text always reads the same. */
export interface ConsentTextReading {
  readonly vocabulary: string;
  readonly authorisesVoice: boolean;
  readonly saysNoCondition: boolean;
  /** National digits of every phone number in the text. */
  readonly numbers: readonly string[];
  /** The whole text, normalised, for names. */
  readonly normalised: string;
}

const {
  version,
  voiceKinds,
  voiceFillers,
  voiceNouns,
  voicePhrases,
  negations,
  neutralPhrases,
  conditionSubjects,
  conditionClauses,
  conditionSentences,
  legalForms,
} = consentVocabulary;

/** Beyond this the text is read no further: what would be proven only there is not proven. */
const textLengthMax = 20_000;

export function readConsentText(text: string): ConsentTextReading {
  const bounded = text.slice(0, textLengthMax);
  const sentences = sentencesOf(bounded);
  const voice = sentences.filter(namesVoice);
  return {
    vocabulary: version,
    // A text that authorises the voice in one sentence and denies it in another authorises nothing.
    authorisesVoice: voice.length > 0 && !voice.some(denies),
    saysNoCondition: sentences.some(saysNoCondition),
    numbers: numbersIn(bounded),
    normalised: normalise(bounded),
  };
}

/** Lower case, in words: "ACME SOLAR, L.L.C." and "Acme Solar LLC" are the same name. */
export function normalise(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/(?<![\p{L}\p{N}])(\p{L})\./gu, "$1")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

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
  const padded = ` ${text} `;
  for (let from = padded.indexOf(` ${name} `); from !== -1; from = padded.indexOf(` ${name} `, from + 1)) {
    const next = padded.slice(from + name.length + 2).split(" ", 1)[0] ?? "";
    const last = name.slice(name.lastIndexOf(" ") + 1);
    if (!isLegalForm(next) || isLegalForm(last)) return true;
  }
  return false;
}

const isLegalForm = (word: string): boolean => (legalForms as readonly string[]).includes(word);

function sentencesOf(text: string): string[] {
  return text
    .normalize("NFKC")
    .replace(/(?<![\p{L}\p{N}])(\p{L})\./gu, "$1")
    .split(/[.;!?\n\r]+/u)
    .map((sentence) => normalise(sentence).replaceAll("pre recorded", "prerecorded"))
    .filter((sentence) => sentence !== "");
}

const has = (sentence: string, phrase: string): boolean => ` ${sentence} `.includes(` ${phrase} `);

function namesVoice(sentence: string): boolean {
  if (voicePhrases.some((phrase) => has(sentence, phrase))) return true;
  const words = sentence.split(" ");
  return words.some((word, index) => isKind(word) && reachesVoice(words, index + 1));
}

const isKind = (word: string): boolean => (voiceKinds as readonly string[]).includes(word);

/** From a kind of voice to the noun, over nothing but other kinds and fillers. */
function reachesVoice(words: readonly string[], from: number): boolean {
  for (let index = from; index < words.length; index++) {
    const word = words[index] ?? "";
    if ((voiceNouns as readonly string[]).includes(word)) return true;
    if (!isKind(word) && !(voiceFillers as readonly string[]).includes(word)) return false;
  }
  return false;
}

/** A negation anywhere in the sentence, once the phrases that hold one and deny nothing are set aside. */
function denies(sentence: string): boolean {
  let rest = ` ${sentence} `;
  for (const phrase of [...conditionSentences, ...conditionClauses, ...neutralPhrases])
    rest = rest.replaceAll(` ${phrase} `, " ");
  return negations.some((negation) => rest.includes(` ${negation} `));
}

function saysNoCondition(sentence: string): boolean {
  if (conditionSentences.some((phrase) => has(sentence, phrase))) return true;
  return conditionClauses.some((clause) => {
    const at = ` ${sentence} `.indexOf(` ${clause} `);
    if (at === -1) return false;
    const before = ` ${sentence.slice(0, Math.max(at, 0))} `;
    return conditionSubjects.some((subject) => before.includes(` ${subject} `));
  });
}

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
