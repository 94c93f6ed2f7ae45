import { anyMark, asShown, callerOfVoice, isDisguised, isUnchecked, markNames, otherMark, sellerMark } from "./consent-names.ts";
import { numbersIn } from "./consent-numbers.ts";
import { invisible, normalise, textLengthMax } from "./consent-words.ts";
import { consentVocabulary } from "./rules/consent-vocabulary.ts";

/** What a consent text says, worked out without a clock: the same text always reads the same. */
export interface ConsentTextReading {
  readonly vocabulary: string;
  readonly authorisesVoice: boolean;
  /** Somebody agrees to be called, by whatever voice. */
  readonly agreesToCalls: boolean;
  /** It denies such a voice, or denies itself: worse than silence. */
  readonly deniesVoice: boolean;
  readonly saysNoCondition: boolean;
  /** The calls that are agreed to are for information, and for no sales. */
  readonly isInformational: boolean;
  /** National digits of every phone number in the text. */
  readonly numbers: readonly string[];
  /** One of the seller's names stands in it, in whole words, and not as somebody's whom others call about or instead of. */
  readonly namesSeller: boolean;
}

const vocabulary = consentVocabulary;

/**
 * Read for a seller, by its registered and trade names. The legal form counts: "Acme Solar LLC" is not "Acme Solar Inc.",
 * and a trade name followed by a legal form is some other company's name.
 */
export function readConsentText(text: string, names: readonly string[]): ConsentTextReading {
  const isWhole = text.length <= textLengthMax;
  const shown = asShown(text);
  const marked = markNames(shown, names);
  const sentences = sentencesOf(marked);
  const agreed = sentences.filter((sentence, index) => agreesToCalls(sentence, sentences[index + 1]));
  // A text that authorises the voice in one sentence and denies it in another authorises nothing.
  const deniesVoice =
    !isWhole ||
    isDisguised(text) ||
    isUnchecked(shown) ||
    sentences.some((sentence) => (sentence.namesVoice ? denies(sentence) : deniesElsewhere(sentence)));
  return {
    vocabulary: vocabulary.version,
    authorisesVoice: !deniesVoice && authorisesVoice(agreed, sentences),
    agreesToCalls: agreed.length > 0,
    deniesVoice,
    saysNoCondition: isWhole && sentences.some(saysNoCondition) && !sentences.some(saysCondition),
    isInformational: isInformational(agreed, sentences),
    numbers: numbersIn(shown),
    namesSeller: marked.includes(sellerMark),
  };
}

const notSignatures: ReadonlySet<string> = new Set(vocabulary.notSignatures);

/** Whether it says how a text was signed: "none", "oral" or "-" says that it was not. */
export function isSigned(signature: string | null): boolean {
  const words = normalise(signature ?? "");
  return words !== "" && !notSignatures.has(words);
}

/** Whether two names are the same company's. */
export const sameName = (left: string, right: string): boolean => normalise(left) !== "" && normalise(left) === normalise(right);

interface Sentence {
  /** Normalised, with a space on each side … */
  readonly words: string;
  /** … and with the marks of other companies, for who calls. */
  readonly named: string;
  /** What is left once the phrases are set aside that hold a negation or an end and deny nothing; a bar stands for each. */
  readonly rest: string;
  /** Which of its words name the voice. */
  readonly voicesAt: readonly number[];
  readonly namesVoice: boolean;
  /** A question, which agrees to nothing by itself. */
  readonly isAsked: boolean;
}

/** A line that goes on is no sentence's end: one that ends in a colon or a comma, or whose next begins in lower case. */
function sentencesOf(text: string): Sentence[] {
  const parts = text
    .normalize("NFKC")
    .replace(invisible, "")
    .replace(initial, "$1")
    .replace(/[\r\n]+/g, "\n")
    .replace(/([:,])[^\S\r\n]*[\r\n]+/gu, "$1 ")
    .replace(/[\r\n]+[^\S\r\n]*(?=(?:[-–•*·▪]\s*)?\p{Ll})/gu, " ")
    // No sentence ends inside of "acme.example" or "203.0.113.7".
    .split(/((?:\.(?!\p{Ll}|(?<=\d\.)\d)|[;!?\n\r])+)/u);
  const sentences: Sentence[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const words = normalise(parts[at] ?? "").replaceAll("pre recorded", "prerecorded");
    if (words !== "") sentences.push(readSentence(words, parts[at + 1]?.includes("?") ?? false));
  }
  return sentences;
}

/** The full stop of an initial; what marks a name is none. */
const initial = new RegExp(`(?<![\\p{L}\\p{N}])(?!${anyMark.source})(\\p{L})\\.`, "gu");

function readSentence(normalised: string, isAsked: boolean): Sentence {
  const named = padded(normalised);
  const words = named.replaceAll(` ${otherMark}`, "");
  const voicesAt = voicesIn(normalised.split(" "));
  return { words, named, rest: words.replace(neutral, " |"), voicesAt, namesVoice: voicesAt.length > 0, isAsked };
}

/** One of the phrases, in whole words of a text that is padded with a space on each side. */
const anyOf = (phrases: readonly string[]): RegExp => new RegExp(` (?:${phrases.join("|")})(?= )`);
const everyOf = (phrases: readonly string[]): RegExp => new RegExp(` (?:${phrases.join("|")})(?= )`, "g");
const oneOf = (...lists: (readonly string[])[]): string => `(?:${lists.flat().join("|")})`;
const padded = (sentence: string): string => ` ${sentence} `;

const kinds: ReadonlySet<string> = new Set(vocabulary.voiceKinds);
const fillers: ReadonlySet<string> = new Set(vocabulary.voiceFillers);
const nouns: ReadonlySet<string> = new Set(vocabulary.voiceNouns);
const callKinds: ReadonlySet<string> = new Set(vocabulary.callKinds);
const callFillers: ReadonlySet<string> = new Set([...vocabulary.voiceFillers, ...vocabulary.callFillers]);
const callNouns: ReadonlySet<string> = new Set(vocabulary.callNouns);
const voiceWords: ReadonlySet<string> = new Set(vocabulary.voiceWords);

/** Where the sentence names such a voice: from a kind of it to the noun, over nothing but other kinds and fillers. */
function voicesIn(words: readonly string[]): number[] {
  let isOfKind = false;
  let isOfCalls = false;
  return words.flatMap((word, at) => {
    const isNamed = (isOfKind && nouns.has(word)) || (isOfCalls && callNouns.has(word)) || voiceWords.has(word);
    isOfKind = kinds.has(word) || (isOfKind && fillers.has(word));
    isOfCalls = callKinds.has(word) || (isOfCalls && (kinds.has(word) || callFillers.has(word)));
    return isNamed ? [at] : [];
  });
}

const negation = anyOf(vocabulary.negations);
const ending = anyOf(vocabulary.endings);
const exception = anyOf(vocabulary.exceptions);
const denial = anyOf(vocabulary.denials);
const deniable = anyOf(vocabulary.deniable);
/** "Valid until 2026-11-01", "between September and October": a consent that ends by itself. An offer may. */
const notOffers = `(?<! ${oneOf(vocabulary.offers)}(?: is| are)?(?: valid| good| effective| open)?)`;
const untilWhen = new RegExp(
  `${notOffers} (?:${oneOf(vocabulary.untils)} \\d|until (?:\\d{4}|\\d{1,2} \\d{1,2} \\d{4}|${oneOf(vocabulary.months)} \\d+) )| between ${oneOf(vocabulary.months)} `,
);
const onlyWord = anyOf(vocabulary.only);
const otherWay = anyOf(vocabulary.otherWays);

const { optionVerbs, optionKeywords, optionForms, leftOut, others } = vocabulary;
const conditionRefusal = ` ${oneOf(vocabulary.conditionRefusals)} ${oneOf(vocabulary.conditionActs)} ${oneOf(vocabulary.conditionEnds)}(?= )`;
const unbroken = `(?! ${oneOf(vocabulary.optionBreaks)} )`;
/** Each holds a negation or an end, and denies nothing. The first alternative that fits at a place is set aside whole. */
const neutral = new RegExp(
  [
    ` ${oneOf(vocabulary.optionPhrases)}(?: ${oneOf(vocabulary.optionBetween, optionVerbs)}){0,12} ${oneOf(optionVerbs)}(?: ${oneOf(vocabulary.optionEnds)})?(?: ${oneOf(vocabulary.optionTools)}(?: (?:${optionKeywords.join("|")}|\\d+)){1,8})?(?= )`,
    `(?: ${oneOf(optionVerbs)})? ${oneOf(vocabulary.optionSayings)}(?: (?:${optionKeywords.join("|")}|\\d+)){1,16}(?= )`,
    ` ${oneOf(vocabulary.optionMeans)}(?:${unbroken} [^ |]+){0,12} to (?:be )?${oneOf(optionVerbs)}(?= )`,
    ` ${oneOf(vocabulary.optionRequests)}(?:${unbroken} [^ |]+){1,6} to ${oneOf(optionVerbs)}(?= )`,
    `^ to (?:be )?${oneOf(optionVerbs)}(?= )`,
    `^ ${oneOf(optionVerbs)}(?:${unbroken} [^ |]+){0,6} ${oneOf(vocabulary.optionEnds)}(?= )`,
    ` ${oneOf(vocabulary.optionByways)} ${oneOf(optionForms)}(?= )`,
    `(?<! ${oneOf(vocabulary.negatable)}) ${oneOf(leftOut)}(?: [^ |]+){0,2} ${oneOf(others)}(?: (?:and|or)(?: [^ |]+){0,2} ${oneOf(others)}){0,3}(?= ${oneOf(vocabulary.afterOthers)} | $)`,
    conditionRefusal,
    ` ${oneOf(vocabulary.conditionClauses, vocabulary.conditionWholes, vocabulary.neutralPhrases)}(?= )`,
  ].join("|"),
  "g",
);
const neutralElsewhere = everyOf(vocabulary.neutralElsewhere);

const isElsewiseOnly = (rest: string): boolean => onlyWord.test(rest) && otherWay.test(rest);

/** In a sentence that names the voice a negation anywhere denies. */
function denies({ rest }: Sentence): boolean {
  return (
    [negation, ending, exception, denial].some((phrases) => phrases.test(rest)) || untilWhen.test(rest) || isElsewiseOnly(rest)
  );
}

/** As near as "not want to be called". */
const nearWords = 3;
const nearlyDenied = new RegExp(
  ` (?:${vocabulary.negations.join("|")})(?: [^ |]+){0,${nearWords - 1}} (?:${vocabulary.deniable.join("|")})(?= )`,
);
/** "I do not." and "AI: no" */
const deniedAtTheEnd = new RegExp(` (?:${vocabulary.negations.join("|")}) $`);

const alone: ReadonlySet<string> = new Set(vocabulary.alone);
const bareNotes: ReadonlySet<string> = new Set(vocabulary.bareNotes);
const noteWord = anyOf(vocabulary.noteWords);
const noteWordsMax = 6;
/** "STOP", "DNC 3/4", "pls remove": an agent's note that says no more. */
const isNote = ({ words, rest }: Sentence): boolean =>
  bareNotes.has(words.trim()) ||
  alone.has(words.replace(/ \d+(?= )/g, "").trim()) ||
  (noteWord.test(rest) && rest.trim().split(" ").length <= noteWordsMax);

const listing = new RegExp(` ${oneOf(vocabulary.listings)}(?: [^ |]+){0,3} (?:to|on)(?: [^ |]+){0,2} \\|`);

/** A sentence that does not name the voice denies it with the agreement: "I do not agree to the above", "automated calls are prohibited". */
function deniesElsewhere(sentence: Sentence): boolean {
  const rest = sentence.rest.replace(neutralElsewhere, " |");
  if (
    isNote(sentence) ||
    listing.test(rest) ||
    denial.test(rest) ||
    untilWhen.test(rest) ||
    isElsewiseOnly(rest) ||
    nearlyDenied.test(rest) ||
    deniedAtTheEnd.test(rest)
  )
    return true;
  return exception.test(rest) && deniable.test(rest);
}

const conditionSentence = new RegExp(conditionRefusal);
const conditionWhole = anyOf(vocabulary.conditionWholes);
const conditionClause = everyOf(vocabulary.conditionClauses);
/** "Not a condition of purchase.", "This is not a condition …": said of what stands before. */
const conditionStart = /^(?: this| it)? $/;
const otherSubject = anyOf(vocabulary.conditionOtherSubjects);
const conditionSubject = anyOf(vocabulary.conditionSubjects);
const purchases = anyOf(vocabulary.purchases);
const purchaseOfOneThing = new RegExp(
  `^ (?:of )?(?:${vocabulary.determiners.join("|")}) (?!(?:${vocabulary.purchasables.join("|")}) )`,
);

function saysNoCondition({ words: text, rest, isAsked }: Sentence): boolean {
  if (isAsked) return false;
  const isSaid =
    conditionSentence.test(text) ||
    conditionWhole.test(text) ||
    [...text.matchAll(conditionClause)].some(
      ({ 0: clause, index }) =>
        (conditionSubject.test(text.slice(0, index + 1)) || conditionStart.test(text.slice(0, index + 1))) &&
        !otherSubject.test(text.slice(0, index + 1)) &&
        !purchaseOfOneThing.test(text.slice(index + clause.length)),
    );
  return isSaid && !negation.test(rest) && !exception.test(rest) && !denial.test(rest);
}

const contradiction = new RegExp(
  `(?<! (?:${vocabulary.negations.join("|")})) (?:${vocabulary.conditionContradictions.join("|")})(?= )`,
);
/** Somewhere else the text says that consent is a condition after all. */
const saysCondition = ({ rest }: Sentence): boolean => contradiction.test(rest) && purchases.test(rest);

const agreer = anyOf(vocabulary.agreers);
const anyAgreer = anyOf([...vocabulary.agreers, ...vocabulary.signers]);
const agreeVerb = everyOf(vocabulary.agreeVerbs);
const closeVerb = everyOf(vocabulary.closeVerbs);
const agreeForm = everyOf(vocabulary.agreeForms);
/** "Check this box to agree". */
const signedTo = new RegExp(` ${oneOf(vocabulary.signingActs)}(?: [^ |]+){0,8} to ${oneOf(vocabulary.agreeVerbs)}(?= )`);
const notYetAgreed: ReadonlySet<string> = new Set(vocabulary.notYetAgreed);
const rightBehind: ReadonlySet<string> = new Set([...vocabulary.agreers, ...vocabulary.signers, ...vocabulary.agreeAdverbs]);
const given = new RegExp(` ${oneOf(vocabulary.givings)}(?: [^ |]+){0,12} ${oneOf(vocabulary.givenThings)}(?= )`);
const givenBySaying = new RegExp(
  ` ${oneOf(vocabulary.givenThings)} (?:is|are)(?: ${oneOf(vocabulary.agreeAdverbs)})? ${oneOf(vocabulary.givenForms)} (?:to|for)(?= )`,
);
const wholeAgreement = anyOf(vocabulary.wholeAgreements);
const givenByOneself = new RegExp(` ${oneOf(vocabulary.ownGivings)}(?: [^ |]+){0,3} ${oneOf(vocabulary.givenThings)}(?= )`);
const allowed = (callees: readonly string[]): string =>
  ` ${oneOf(vocabulary.allowances)}(?: [^ |]+){0,8}? ${oneOf(vocabulary.contactVerbs)}(?: [^ |]+){0,12}? ${oneOf(callees)}(?= )`;
const allowance = new RegExp(
  `(?<! (?:${vocabulary.agreers.join("|")}))${allowed(vocabulary.callees)}|(?<! i)${allowed(vocabulary.ownCallees)}|` +
    ` ${oneOf(vocabulary.agreers)} (?:may|can)(?: [^ |]+){0,3} ${oneOf(vocabulary.beingCalled)}(?= )`,
);
const contact = anyOf(vocabulary.contacts);
const description = anyOf(vocabulary.descriptions);
const doubt = anyOf(vocabulary.doubts);
const answer = new RegExp(`^ (?:${oneOf(vocabulary.answers)}(?= )|${oneOf(vocabulary.answersAlone)} $)`);

/**
 * Somebody agrees to calls by the voice in a sentence that names it, or to calls that another sentence describes by it; and
 * the seller is who calls by it, or nobody is named there and the seller elsewhere.
 */
function authorisesVoice(agreed: readonly Sentence[], said: readonly Sentence[]): boolean {
  const isNamed = said.some(({ words }) => words.includes(` ${sellerMark} `));
  const isSellers = (sentence: Sentence): boolean => {
    const caller = callerOfVoice(sentence.named, sentence.voicesAt);
    return caller === "seller" || (caller === "unnamed" && isNamed);
  };
  const agreedTo = agreed.filter(isSellers);
  if (agreedTo.some((sentence) => sentence.namesVoice)) return true;
  const describes = (words: string): boolean => contact.test(words) && description.test(words);
  return (
    agreedTo.length > 0 &&
    said.some((sentence) => !sentence.isAsked && sentence.namesVoice && describes(sentence.words) && isSellers(sentence))
  );
}

/** What is set aside as neutral agrees to nothing either: "consent is not required to buy" is no consent. */
function agreesToCalls({ rest, isAsked }: Sentence, next: Sentence | undefined): boolean {
  if (isAsked && (next === undefined || !answer.test(next.words))) return false;
  return contact.test(rest) && !doubt.test(rest) && (allowance.test(rest) || agrees(rest));
}

function agrees(rest: string): boolean {
  if (signedTo.test(rest) || givenByOneself.test(rest) || givenBySaying.test(rest) || wholeAgreement.test(rest)) return true;
  const from = rest.search(anyAgreer);
  if (from < 0) return false;
  const behind = (pattern: RegExp, fits: (before: string) => boolean): boolean =>
    [...rest.matchAll(pattern)].some(({ index }) => index > from && fits(wordBefore(rest, index)));
  const isRightBehind = (before: string): boolean => rightBehind.has(before);
  return (
    (agreer.test(rest) && behind(agreeVerb, (before) => !notYetAgreed.has(before))) ||
    behind(closeVerb, (before) => before === "and" || isRightBehind(before)) ||
    behind(agreeForm, isRightBehind) ||
    given.test(rest.slice(from))
  );
}

const information = anyOf(vocabulary.informations);
const selling = anyOf(vocabulary.sellings);
const sellingDenied = everyOf(vocabulary.sellingDenials);
const isOfCalls = anyOf(vocabulary.callsAre);

/** What the agreed calls are for, where the sentences that agree to them, or say what they are, tell. */
function isInformational(agreed: readonly Sentence[], said: readonly Sentence[]): boolean {
  if (agreed.length === 0) return false;
  if (said.some(({ words }) => words.search(sellingDenied) >= 0)) return true;
  const telling = said.filter((sentence) => agreed.includes(sentence) || isOfCalls.test(sentence.words));
  return telling.some(({ rest }) => information.test(rest)) && !telling.some(({ rest }) => selling.test(rest));
}

const wordBefore = (text: string, index: number): string => text.slice(text.lastIndexOf(" ", index - 1) + 1, index);
