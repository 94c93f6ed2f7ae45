const listed = (phrases: string): readonly string[] => phrases.split(", ");

/**
 * The words by which a consent text is read, as data. Narrow on purpose: a text that these do not recognise proves
 * nothing, and counsel adds to them under a new version. Everything is matched on normalised text, in whole words:
 * lower case, no punctuation, one space.
 */
export const consentVocabulary = {
  version: "2026-11-30",

  /** (f)(9), FCC 24-17: a kind of voice … */
  voiceKinds: ["artificial", "automated", "automatic", "prerecorded", "ai", "synthetic", "synthesized", "robotic"],
  /** … with nothing but these between the kind … */
  voiceFillers: [
    "or",
    "and",
    "a",
    "an",
    "intelligence",
    "generated",
    "powered",
    "based",
    "assisted",
    "computer",
    "machine",
    "phone",
    "telephone",
  ],
  /** … and the voice. */
  voiceNouns: ["voice", "voices"],
  /** Whole phrases that name such a voice without the noun. */
  voicePhrases: ["prerecorded call", "prerecorded calls", "prerecorded message", "prerecorded messages", "robocall", "robocalls"],

  /** A sentence that names the voice and holds one of these, or one of the words below that deny, does not authorise it. */
  negations: listed(
    "no, not, never, none, nor, neither, nothing, nobody, zero, non, nope, don t, doesn t, didn t, won t, wouldn t, " +
      "can t, couldn t, isn t, aren t, wasn t, weren t, haven t, hasn t, hadn t, shouldn t, mustn t, mayn t, needn t, " +
      "ain t, shan t, dont, doesnt, didnt, wont, wouldnt, cannot, cant, couldnt, isnt, arent, wasnt, havent, hasnt, " +
      "shouldnt, mustnt, aint, false, untrue, incorrect, wrong, hardly, against, opposed, unwilling, exempt, avoid, " +
      "cease, refrain, off limits, out of the question",
  ),
  /** Of the voice itself these deny too; elsewhere they say how to end the calls. */
  endings: ["opt out", "opted out", "opting out", "stop calling", "stop all", "stop using", "stop any"],
  /** What takes something out of a consent. */
  exceptions: listed(
    "without, except, excepting, excluding, unless, barring, other than, rather than, instead of, apart from, " +
      "aside from, save for, but for, in lieu of, as opposed to, short of",
  ),
  /** Who says one of these, anywhere in the text, denies. */
  denials: listed(
    "prohibit, prohibits, prohibited, prohibiting, forbid, forbids, forbidden, forbidding, ban, bans, banned, " +
      "barred, disallow, disallows, disallowed, exclude, excludes, excluded, reject, rejects, rejected, refuse, " +
      "refuses, refused, decline, declines, declined, deny, denies, denied, withhold, withholds, withheld, revoke, " +
      "revokes, revoked, withdraw, withdraws, withdrawn, withdrew, rescind, rescinds, rescinded, disagree, disagrees, " +
      "object, objects, objected, oppose, opposes, disapprove, disapproves, dissent, veto, unauthorized, unauthorised, " +
      "unwelcome, unacceptable, impermissible, no thanks, no thank you, no way, not at all, by no means, " +
      "under no circumstances, i opt out, opted out, opt me out, stop calling me",
  ),
  /** Where the voice is not named, a negation denies when one of these is near behind it. */
  deniable: listed(
    "agree, agrees, agreed, agreeing, agreement, consent, consents, consented, consenting, accept, accepts, " +
      "accepted, approve, approved, authorize, authorise, authorized, authorised, authorization, authorisation, " +
      "permission, permit, permits, permitted, allow, allows, allowed, give, given, grant, granted, provided, want, " +
      "wants, wish, like, okay, ok, valid, true, apply, applies, opt in, opted in, call, calls, called, calling, " +
      "phone, ring, dial, contact, contacted, above, foregoing, preceding, aforementioned, such, ai, artificial, " +
      "automated, automatic, prerecorded, recorded, synthetic, synthesized, robotic, robot, robots, robocall, " +
      "robocalls, bot, bots, machine, machines, voice, voices",
  ),
  /** Who restricts the consent to these denies the voice … */
  only: ["only", "solely", "exclusively"],
  /** … as do these. */
  otherWays: listed(
    "live, living, human, humans, manual, manually, text, texts, texting, sms, email, emails, e mail, mail, letter, " +
      "letters, post, writing",
  ),
  /** Phrases that hold a negation and deny nothing: they are set aside before one is looked for. */
  neutralPhrases: listed(
    "do not call registry, do not call registries, do not call list, do not call lists, do not call register, " +
      "do not call rules, do not call request, do not call requests, whether or not, at no cost, at no charge, " +
      "no obligation, without obligation, not limited to, where prohibited, unless prohibited, without my consent, " +
      "without your consent",
  ),
  /** What says that someone may end a consent later denies nothing now: one of these … */
  optionPhrases: listed(
    "may, can, right to, free to, option to, able to, how to, until i, until you, unless i, unless you, when i, " +
      "when you, if i, if you, should i, should you, if i wish to, if you wish to, if i want to, if you want to, " +
      "if you would like to, if i decide to, if you decide to, may be, can be",
  ),
  /** … and then one of these. */
  optionVerbs: listed(
    "revoke, withdraw, opt out, decline, refuse, cancel, object, rescind, unsubscribe, revoked, withdrawn, " +
      "cancelled, canceled, rescinded",
  ),
  /** Where the voice is not named these deny nothing either. */
  neutralElsewhere: listed(
    "not required, not necessary, not obligated, not obliged, not a condition, not a requirement, not have to, " +
      "not need to, need not, if i do not, if you do not, if i don t, if you don t, or not, no purchase",
  ),

  /** (f)(9)(i)(B): consent is no condition of purchase. A subject … */
  conditionSubjects: [
    "consent",
    "consenting",
    "agreement",
    "agreeing",
    "agree",
    "permission",
    "authorization",
    "authorisation",
    "signing",
    "sign",
  ],
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

  /** After a clause that ends in a purchase: of "a house" says nothing of other purchases … */
  determiners: ["a", "an", "the", "this", "that", "these", "those", "my", "your", "our"],
  /** … but of "a product" it does. */
  purchasables: listed("product, products, good, goods, service, services, item, items, property, purchase, thing"),
  /** A sentence about a purchase that holds one of these says the opposite, unless the word before negates it. */
  conditionContradictions: listed(
    "consent is required, consent required, agreement is required, must consent, must agree, must sign, must accept, " +
      "must authorize, required to consent, required to agree, required to sign, need to consent, need to agree, " +
      "have to consent, have to agree, have to sign, is a condition of, is a requirement, is required to buy, " +
      "is required to purchase, is required for purchase, conditioned on, conditional on, contingent on",
  ),
  purchases: ["buy", "buying", "purchase", "purchases", "purchasing", "order", "ordering"],

  /** A name that is followed by one of these is another company's, unless the name itself ends with it. */
  legalForms: [
    "llc",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "ltd",
    "limited",
    "lp",
    "llp",
    "lllp",
    "pllc",
    "plc",
    "pc",
    "pa",
    "na",
    "gmbh",
  ],
} as const;
