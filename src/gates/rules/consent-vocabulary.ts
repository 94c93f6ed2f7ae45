/**
 * The words by which a consent text is read, as data. Narrow on purpose: a text that these do not recognise proves
 * nothing, and counsel adds to them under a new version. Everything is matched on normalised text, in whole words:
 * lower case, no punctuation, one space.
 */
export const consentVocabulary = {
  version: "2026-11-21",

  /** (f)(9), FCC 24-17: a kind of voice … */
  voiceKinds: ["artificial", "automated", "automatic", "prerecorded", "ai", "synthetic", "synthesized", "robotic"],
  /** … with nothing but these between the kind … */
  voiceFillers: ["or", "and", "a", "an", "intelligence", "generated", "powered", "based", "assisted", "computer", "machine", "phone", "telephone"],
  /** … and the voice. */
  voiceNouns: ["voice", "voices"],
  /** Whole phrases that name such a voice without the noun. */
  voicePhrases: ["prerecorded call", "prerecorded calls", "prerecorded message", "prerecorded messages", "robocall", "robocalls"],

  /** A sentence with one of these does not authorise, whatever else it says. */
  negations: [
    "no",
    "not",
    "never",
    "none",
    "nor",
    "neither",
    "without",
    "except",
    "excluding",
    "unless",
    "decline",
    "refuse",
    "revoke",
    "withdraw",
    "object",
    "don t",
    "dont",
    "won t",
    "cannot",
    "can t",
    "other than",
    "rather than",
    "instead of",
    "opt out",
  ],
  /** Phrases that hold a negation and deny nothing: they are set aside before negations are looked for. */
  neutralPhrases: [
    "do not call registry",
    "do not call registries",
    "do not call list",
    "do not call lists",
    "whether or not",
    "at no cost",
    "at no charge",
    "no obligation",
    "without obligation",
    "not limited to",
    "i may opt out at any time",
    "you may opt out at any time",
    "i can opt out at any time",
    "you can opt out at any time",
    "i may revoke my consent at any time",
    "i can revoke my consent at any time",
    "you may revoke your consent at any time",
    "you can revoke your consent at any time",
  ],

  /** (f)(9)(i)(B): consent is no condition of purchase. A subject … */
  conditionSubjects: ["consent", "consenting", "agreement", "agreeing", "agree", "permission", "authorization", "authorisation", "signing", "sign"],
  /** … then, in the same sentence, one of these. */
  conditionClauses: [
    "is not required to buy",
    "is not required to purchase",
    "is not required to make a purchase",
    "is not required to make any purchase",
    "is not required in order to buy",
    "is not required in order to purchase",
    "is not required for purchase",
    "is not required for any purchase",
    "is not required for a purchase",
    "is not required as a condition of purchase",
    "is not required as a condition of any purchase",
    "is not required as a condition of purchasing",
    "is not required as a condition of buying",
    "is not a condition of purchase",
    "is not a condition of any purchase",
    "is not a condition of a purchase",
    "is not a condition of my purchase",
    "is not a condition of purchasing",
    "is not a condition of buying",
    "is not a condition to purchase",
    "is not a condition for purchase",
    "is not a requirement of purchase",
    "is not a requirement to purchase",
    "is not necessary to buy",
    "is not necessary to purchase",
    "isn t required to buy",
    "isn t required to purchase",
    "isn t a condition of purchase",
  ],
  /** Or one of these, which bring their subject along. */
  conditionSentences: [
    "i am not required to agree as a condition of purchase",
    "i am not required to consent as a condition of purchase",
    "i am not required to sign as a condition of purchase",
    "i am not required to provide consent as a condition of purchase",
    "you are not required to agree as a condition of purchase",
    "you are not required to consent as a condition of purchase",
    "you are not required to sign as a condition of purchase",
    "you are not required to provide consent as a condition of purchase",
    "not required to sign this agreement as a condition of purchasing",
    "not required to sign the agreement as a condition of purchasing",
    "not required to enter into this agreement as a condition of purchasing",
  ],

  /** A name that is followed by one of these is another company's, unless the name itself ends with it. */
  legalForms: ["llc", "inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "lp", "llp", "lllp", "pllc", "plc", "pc", "pa", "na", "gmbh"],
} as const;
