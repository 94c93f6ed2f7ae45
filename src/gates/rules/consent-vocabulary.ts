import { consentAgreement } from "./consent-agreement.ts";
import { consentCallers } from "./consent-callers.ts";
import { consentCondition } from "./consent-condition.ts";
import { listed } from "./listed.ts";

/**
 * The words by which a consent text is read, as data. Narrow on purpose: a text that these do not recognise proves
 * nothing, and counsel adds to them under a new version. Everything is matched on normalised text, in whole words:
 * lower case, no punctuation, one space.
 */
export const consentVocabulary = {
  version: "2026-12-01.1",

  ...consentAgreement,
  ...consentCallers,
  ...consentCondition,

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
  /** A recorded one is named by its calls as well: this … */
  callKinds: ["prerecorded"],
  /** … with nothing but these, the kinds and the fillers between … */
  callFillers: listed(
    "telemarketing, marketing, sales, promotional, advertising, solicitation, autodialed, recurring, voice, outbound",
  ),
  /** … and these. */
  callNouns: ["call", "calls", "message", "messages"],
  /** Words that name such calls alone. */
  voiceWords: ["robocall", "robocalls"],

  /** A sentence that names the voice and holds one of these, or one of the words below that deny, does not authorise it. */
  negations: listed(
    "no, not, never, none, nor, neither, nothing, nobody, zero, non, nope, don t, doesn t, didn t, won t, wouldn t, " +
      "can t, couldn t, isn t, aren t, wasn t, weren t, haven t, hasn t, hadn t, shouldn t, mustn t, mayn t, needn t, " +
      "ain t, shan t, dont, doesnt, didnt, wont, wouldnt, cannot, cant, couldnt, isnt, arent, wasnt, havent, hasnt, " +
      "shouldnt, mustnt, aint, false, untrue, incorrect, wrong, hardly, against, opposed, unwilling, exempt, avoid, " +
      "cease, refrain, off limits, out of the question",
  ),
  /** Of the voice itself these deny too; elsewhere they say how to end the calls. */
  endings: listed(
    "opt out, opting out, stop, quit, expire, expires, for one day, for one week, for one month, for a day, for a week, for a month, for today, today only, this week only",
  ),
  /** What takes something out of a consent. */
  exceptions: listed(
    "without, except, excepting, excluding, unless, barring, other than, rather than, instead of, apart from, " +
      "aside from, save for, but for, in lieu of, as opposed to, short of",
  ),
  /** Who says one of these, anywhere in the text, denies. */
  denials: listed(
    "opt in 0, optin 0, " +
      "prohibit, prohibits, prohibited, prohibiting, forbid, forbids, forbidden, forbidding, ban, bans, banned, " +
      "barred, disallow, disallows, disallowed, exclude, excludes, excluded, reject, rejects, rejected, refuse, " +
      "refuses, refused, decline, declines, declined, deny, denies, denied, withhold, withholds, withheld, revoke, " +
      "revokes, revoked, withdraw, withdraws, withdrawn, withdrew, rescind, rescinds, rescinded, disagree, disagrees, " +
      "object, objects, objected, oppose, opposes, disapprove, disapproves, dissent, veto, unauthorized, unauthorised, " +
      "unwelcome, unacceptable, impermissible, no thanks, no thank you, no way, not at all, by no means, " +
      "under no circumstances, i opt out, opted out, opts out, opt me out, opt out requested, opt out received, " +
      "declining, refusing, rejecting, objecting, denying, withholding, revoking, withdrawing, rescinding, " +
      "cancel, cancels, cancelled, canceled, cancelling, canceling, void, voids, voided, voiding, null, nullified, " +
      "invalid, invalidated, terminate, terminates, terminated, terminating, expired, lapsed, consent expires, " +
      "consent will expire, authorization expires, authorisation expires, permission expires, agreement expires, " +
      "unsubscribe, unsubscribes, unsubscribed, unsubscribing, remove me, remove my, remove us, remove this, " +
      "remove customer, removed, removal requested, requests removal, requested removal, wants removal, take me off, " +
      "taken off, off the list, off your list, off my list, leave me alone, stop calling, stop contacting, stop the calls, " +
      "stop these calls, stop all calls, quit calling, asked to stop, asks to stop, asked us to stop, asks us to stop, " +
      "told us to stop, tells us to stop, told you to stop, wants us to stop, wants to stop, wants calls to stop, " +
      "wants it to stop, said stop, says stop, said to stop, please stop, dnc, donotcall, do not contact, " +
      "lack, lacks, lacked, lacking, absent, unable, ineligible, failed, fails to, unsigned, unchecked, unticked, " +
      "unconfirmed, unverified, unproven, forged, forgery, fake, ceased, consent is over, consent over, not me, wasn t me, isn t me, disputed, disputes, duress, " +
      "wrong number, deceased, reluctant, undecided, i hesitate, hate, hates, dislike, dislikes, unwanted, sues, sued, " +
      "suing, lawsuit, illegal, illegally, unlawfully, harass, harasses, harassed, harassing, harassment, violates, " +
      "violated, violating, retract, retracts, retracted, retracting, take back, takes back, taken back, took back, hereby ended, " +
      "is ended, has ended, was ended, ends now, consent ended, consent ends, i end, end my consent, pull my consent, " +
      "pulling my consent, pulled my consent, wants out, is opting out, am opting out, customer opting out, unsub, cxl, " +
      "suppressed, blocked, superseded, inactive, litigator, cease and desist, complained, annoy, annoys, annoyed, annoying, " +
      "bothers, bothered, texted stop, replied stop, responded stop, sent stop, got stop, stop received, " +
      "stop request received, signature missing, missing signature, consent missing, missing consent, left blank, " +
      "hereby do so, hereby do, do so now, and do so, i do so, changed my mind, " +
      "i take it back, take this back, take that back, never mind, nevermind, forget it, forget that, wrong person, not anymore, not any more, lose my number, forget my number, delete my number, i want a human, want a human to call, want a person to call, " +
      "rather be emailed, rather be texted, rather you email, rather you text, prefer to be emailed, prefer email, prefer emails, prefer texts, " +
      "unconsented, not consented, opt in n, opt in no, opt in false, consent 0, consent n, consent no, consent false, " +
      "agreed n, agreed no, agreed 0, agreed false, accepted no, accepted n, " +
      "closed page without, closed the page without, left page without, left the page without, without clicking, without submitting, abandoned, before submit, " +
      "consent good for, consent valid for, authorization good for, is good for, is valid for, good until, good through, consent valid until, authorization valid until, " +
      "no me llame, no me llamen, no me llames, no llamar, no llame, no llamen, no quiero, no deseo, no acepto, no autorizo, no consiento, ya no quiero, revoco, revocada, revocado, cancelado, cancelada, dar de baja, dado de baja, de baja, " +
      "what i will never say, i will never say, i would never say, sample text, not shown to, fraudulent, fraud, bot traffic, " +
      "signed by minor, minor child, a minor, prechecked box, pre checked box, this is a draft, this is a test, n0t, n o t, d0 not, " +
      "i exercise, hereby exercise, am exercising, exercised",
  ),
  /** Where the voice is not named, a negation denies when one of these is near behind it. */
  deniable: listed(
    "agree, agrees, agreed, agreeing, agreement, consent, consents, consented, consenting, accept, accepts, " +
      "accepted, approve, approved, authorize, authorise, authorized, authorised, authorization, authorisation, " +
      "permission, permit, permits, permitted, allow, allows, allowed, give, given, grant, granted, provided, want, " +
      "wants, wish, like, okay, ok, valid, true, apply, applies, opt in, opted in, call, calls, called, calling, " +
      "phone, ring, dial, contact, contacted, above, foregoing, preceding, aforementioned, such, ai, artificial, " +
      "automated, automatic, prerecorded, recorded, synthetic, synthesized, robotic, robot, robots, robocall, " +
      "robocalls, bot, bots, machine, machines, voice, voices, signed, checked, ticked, confirmed, verified, obtained, " +
      "effective, binding, in effect, in force, active, signature, interested, sign, fill, fill out, filled out, submitted",
  ),
  /** In a sentence of few words one of these is such a note, too: "Note: STOP", "pls remove". */
  noteWords: ["stop", "opt out", "optout", "remove", "removal"],
  /** Who is put on a list does not agree: one of these, before a do-not-call list that is otherwise nobody's denial. */
  listings: listed("add, added, adding, put, place, placed"),
  /** A sentence that is one of these alone, but for dates, is a note that ends the consent. */
  alone: listed(
    "stop, stopped, please stop, stop please, stop stop, end, quit, cancel, remove, removed, remove me, unsubscribe, " +
      "n, no, false, f, off, nope, baja, alto, detener, ended, revoked, withdrawn, cancelled, canceled, draft copy, revoke, opt out, optout, opt out customer, do not call, do not contact, dnc, void, refused, no consent, pending, incomplete, missing, draft, sample, sample text, template, test, blank, do not use",
  ),
  /** The same, where a cell was drawn into the text. */
  bareNotes: ["0"],
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
      "do not call rules, do not call request, do not call requests, do not call registration, do not call laws, " +
      "do not call dnc list, do not call dnc lists, do not call dnc registry, do not call dnc registries, " +
      "do not contact list, do not contact lists, dnc list, dnc lists, dnc registry, dnc registries, dnc rules, " +
      "whether or not, at no cost, at no charge, " +
      "no obligation, without obligation, no purchase necessary, no purchase required, no purchase is necessary, " +
      "no purchase is required, not limited to, void where prohibited, where prohibited, unless prohibited, " +
      "without my consent, without your consent, without affecting, without further notice, without giving reasons, " +
      "without giving a reason, without giving any reason, if you do not want, if you do not wish, if i do not want, " +
      "if i do not wish, if you don t want, if i don t want, hate spam, i am not a robot, i m not a robot, if you prefer not, if i prefer not, unsubscribing is, opt in data, " +
      "opt in information, reschedule or cancel, change or cancel, confirm or cancel, " +
      "modify or cancel, cancel appointments, cancel my appointment, cancel your appointment, cancel an appointment, " +
      "cancel orders, cancelled appointments, canceled appointments, cancelled orders, canceled orders, expired card, " +
      "expired cards, expired policy, expired policies, expired prescriptions, lapsed policy, lapsed policies, " +
      "failed payment, failed payments, failed delivery, failed deliveries, unsigned documents, disputed charges, " +
      "may choose not to consent, may choose not to agree, can choose not to consent, can choose not to agree, not only from, do not hesitate, don t hesitate, does not expire, do not expire, will not expire, never expires, " +
      "if i no longer wish, if you no longer wish, if i no longer want, if you no longer want, when you no longer wish, " +
      "when i no longer wish, unable to reach, unable to answer, unable to contact, unsubscribe link, unsubscribe links, unsubscribe button, " +
      "unsubscribe option, unsubscribe instructions, opt out link, opt out instructions, opt out method, opt out request, " +
      "opt out requests",
  ),
  /** Whom a consent leaves out beside the seller: "and not its partners" … */
  leftOut: listed(
    "not its, not their, not our, not any, not any of its, not any other, not other, no other, not to its, " +
      "not to any, not for its",
  ),
  /** … are others, who carry no denial of the seller's calls. */
  others: listed(
    "partner, partners, affiliate, affiliates, agent, agents, vendor, vendors, contractor, contractors, subsidiary, " +
      "subsidiaries, companies, company, seller, sellers, party, parties, third party, third parties, marketing partners, " +
      "business partners, affiliated companies, partner companies, lead buyers",
  ),
  /** Not behind one of these: "Acme may not, its partners may". */
  negatable: listed("may, can, do, does, did, will, shall, must, should, would, could, is, are, am, has, have, had"),
  /** Only where one of these follows, or nothing: "not its partners by AI voice" may say more. */
  afterOthers: listed("may, can, will, to, at, about, regarding, for, is, are, has, have"),
  /** What says that someone may end a consent later denies nothing now: one of these … */
  optionPhrases: listed(
    "may, can, right to, free to, option to, able to, how to, until, unless, when, if, once, should i, should you, " +
      "opportunity to, way to, ways to, in order to, ability to",
  ),
  /** … over nothing but these … */
  optionBetween: listed(
    "at any time, at anytime, anytime, any time, at any point, also, then, still, always, simply, later, freely, in writing, " +
      "by law, choose to, elect to, request to, ask to, decide to, wish to, want to, ask us to, ask you to, exercise my right to, " +
      "exercise your right to, and until, or until, it, this, my, your, the, such, consent, authorization, authorisation, " +
      "permission, agreement, number, name, phone number, is, are, be, been, has, have, i, you, we, expressly, otherwise, " +
      "time as, would like to, modify, change, request deletion, or",
  ),
  /** … and then one of these. */
  optionVerbs: listed(
    "revoke, revokes, withdraw, withdraws, opt out, opt me out, decline, refuse, cancel, cancels, object, rescind, " +
      "unsubscribe, terminate, terminates, remove, remove me, remove my, revoked, withdrawn, cancelled, canceled, rescinded, " +
      "terminated, unsubscribed, removed, opted out, stop calling, stop, stop these calls, " +
      "change my mind and withdraw, change my mind and revoke, change my mind, change your mind, " +
      "end, quit, added to, add me to, add you to, placed on, place me on",
  ),
  /** Or one of these, and of whom: "I may ask Acme to stop calling". */
  optionRequests: listed(
    "may ask, can ask, may tell, can tell, may instruct, can instruct, may direct, may request, can request",
  ),
  /** … and with what. */
  optionTools: ["by", "with", "via", "using"],
  /** Nor does telling how: one of these before "to" and such a verb … */
  optionMeans: listed(
    "click, clicking, call, calling, email, emailing, e mail, mail, mailing, write, writing, visit, visiting, contact, " +
      "contacting, dial, dialing, use, using, notify, notifying, follow, following, go, log, reply, replying, text, texting, " +
      "say, saying, press, pressing, send, sending, type, respond, responding, answer, stop, end, quit, cancel, unsubscribe, " +
      "link, number",
  ),
  /** … with nothing of these between: "call: customer asked to cancel". */
  optionBreaks: listed(
    "i, he, she, they, customer, consumer, client, lead, person, asked, asks, ask, wants, want, wanted, requested, requests, " +
      "called, decided, decides, wishes, likes, and, but, me, my",
  ),
  /** Or the words that end calls, as something to be said: "Reply STOP, CANCEL or END". */
  optionKeywords: listed(
    "stop, end, quit, cancel, unsubscribe, opt out, optout, stopall, remove, revoke, no, or, and, the word, the words, with, " +
      "back, us, to",
  ),
  optionSayings: listed(
    "txt, click, clicking, reply, replying, respond, responding, text, texting, say, saying, type, typing, send, sending, press",
  ),
  /** A sentence that begins with such a verb and ends so: "Unsubscribe at any time". */
  optionEnds: listed("at any time, anytime, at anytime, any time, whenever"),
  /** "By revoking", "without withdrawing": ways, not acts. */
  optionByways: listed("by, of, for, from, before, after, upon, without, method of, means of"),
  optionForms: listed(
    "revoking, withdrawing, cancelling, canceling, rescinding, terminating, unsubscribing, opting out, declining, refusing",
  ),
  /** Where the voice is not named these deny nothing either. */
  neutralElsewhere: listed(
    "not required, not necessary, not obligated, not obliged, not a condition, not a requirement, not have to, " +
      "not need to, need not, if i do not, if you do not, if i don t, if you don t, or not, no purchase",
  ),

  /** What stands for a signature and says that there is none, or none in writing. */
  notSignatures: listed(
    "none, unsigned, not signed, never signed, no signature, without signature, unknown, n a, na, no, nil, null, undefined, false, " +
      "missing, absent, blank, empty, pending, tbd, tba, not available, not applicable, not provided, not given, not known, not yet, " +
      "unsure, phone call, telephone call, call, by phone, over the phone, voice recording, recording, call recording, recorded call, oral, orally, oral consent, oral agreement, verbal, verbally, verbal consent, verbal agreement, spoken, implied, " +
      "declined, refused",
  ),

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
