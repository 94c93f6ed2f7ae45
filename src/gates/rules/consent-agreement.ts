import { listed } from "./listed.ts";

/**
 * The words by which somebody agrees to be called, as data: part of the consent vocabulary, and of its version. Only who is
 * heard to agree has agreed. A text that speaks of a seller and of a voice, and of nobody's agreement, authorises nothing.
 */
export const consentAgreement = {
  /** Who agrees: the person in whose words the text is, or who is addressed … */
  agreers: ["i", "we", "you"],
  /** … or of whom it speaks, by what was done. */
  signers: listed(
    "undersigned, customer, consumer, subscriber, applicant, borrower, homeowner, member, user, client, signer, signature, " +
      "submission, clicking, checking, ticking, signing, submitting, selecting, tapping, pressing, proceeding",
  ),
  /** Said of oneself, somewhere behind who agrees … */
  agreeVerbs: listed(
    "agree, authorize, authorise, consent to, consent by, consent that, consent for, consent and, consent on, consent freely, " +
      "opt in, opt into, want to be called, want to be contacted, would like to be called, would like to be contacted, d like to be called, " +
      "request calls, request a call, request to be called, request to be contacted",
  ).concat(
    listed("want, would like, d like, elect, choose, wish, opt").flatMap((verb) =>
      listed("calls, phone calls, sales calls, ai, automated, prerecorded, artificial, marketing, phone, telephone").map(
        (what) => `${verb} to receive ${what}`,
      ),
    ),
  ),
  /** … but not right behind one of these: "asked to agree", "would agree", "my consent". */
  notYetAgreed: listed(
    "to, would, might, could, should, may, must, shall, ever, they, who, experts, my, your, our, their, his, her, the, this, that, a, " +
      "an, any, such, no, of, for, written, express, prior, verbal, oral, informed, explicit, valid, required",
  ),
  /** … unless it says how: "check this box to agree". */
  signingActs: listed("click, check, tick, sign, select, tap, press, initial, submit, box, button"),
  /** These are right behind who agrees, or behind one of the words below. */
  closeVerbs: listed("permit, allow, accept, approve"),
  /** Said of another, or as done: likewise. */
  agreeForms: listed(
    "agrees, consents, authorizes, authorises, permits, allows, accepts, approves, agreed, consented, authorized, authorised, " +
      "permitted, allowed, accepted, approved, agreeing, consenting, authorizing, authorising, permitting, allowing, accepting, " +
      "opting in, opted in, opts in",
  ),
  agreeAdverbs: listed(
    "am, m, are, re, have, ve, has, hereby, do, does, expressly, knowingly, voluntarily, also, further, freely, specifically, " +
      "affirmatively, explicitly, electronically",
  ),
  /** A consent that is given: one of these … */
  givings: listed(
    "give, gives, giving, given, gave, grant, grants, granting, granted, provide, provides, providing, provided, " +
      "constitutes, constitute, is your, as your",
  ),
  /** "Consent is given to …": likewise. */
  givenForms: listed("given, granted, provided"),
  /** … or one of these, by which somebody gives their own … */
  ownGivings: ["constitutes my", "constitute my", "is my", "as my", "have my", "has my", "indicates my", "confirms my"],
  /** One of these says it whole. */
  wholeAgreements: listed("submission, signature").flatMap((what) =>
    listed("form, request, agreement").flatMap((of) =>
      listed("authorizes, authorises, permits").map((verb) => `${what} of this ${of} ${verb}`),
    ),
  ),
  /** … and, near behind it, one of these. */
  givenThings: listed("consent, permission, authorization, authorisation, approval, agreement, authority"),
  /** Who may be called: one of these … */
  allowances: listed(
    "may, can, authorized to, authorised to, permitted to, allowed to, free to, welcome to, ok to, okay to, ok for, okay for, fine with, fine for, happy for, happy with, i want, i would like, " +
      "i d like, i wish, please",
  ),
  /** … one of these … */
  contactVerbs: listed(
    "call, contact, phone, telephone, dial, ring, reach, text, message, communicate, use, send, leave, place, make, deliver, " +
      "calling, contacting, receive calls from",
  ),
  /** Or it is said of oneself: "I may be called by an AI voice". */
  beingCalled: ["be called", "be contacted", "be reached", "receive calls", "receive automated calls", "receive marketing calls"],
  /** … and, near behind it, who or where. "You may call us" invites; it allows nobody to call. */
  callees: [
    "me",
    "my",
    "you",
    "your",
    "the number",
    "this number",
    "that number",
    "these numbers",
    "the numbers",
    "the phone number",
    "the telephone number",
  ],
  ownCallees: ["me", "my"],
  /** An agreement to something else is none to calls: its sentence names one of these. */
  contacts: listed(
    "call, calls, called, calling, contact, contacts, contacted, contacting, phone, phoned, telephone, dial, dialed, dialing, " +
      "ring, reach, reached, message, messages, messaging, communicate, communications, communication, robocall, robocalls, " +
      "voicemail, voicemails",
  ),
  /** A sentence of its own may say how the agreed calls are made: it holds one of these. */
  descriptions: listed("may, might, will, can, could, include, includes, including, calls are, messages are, calls made, use"),
  /** A sentence that holds one of these speaks of an agreement, and is none. */
  doubts: [
    ...listed("if, whether, unless, once, when, until, before, after, because, should").flatMap((doubt) =>
      listed("i, you").flatMap((who) =>
        listed(
          "agree, agreed, consent, consented, have agreed, have consented, authorize, permit, opt in, accept, give, sign, have signed",
        ).map((verb) => `${doubt} ${who} ${verb}`),
      ),
    ),
    ...listed(
      "asked me to, asks me to, ask me to, wants me to, want me to, needs my, need my, requires my, require my, required my, " +
        "must obtain, must get, must have my, to obtain my, to get my, seeks my, asks for my, asked for my, claims i, claims that, " +
        "claims you, claims to, claim that, claimed, alleges, alleged, allegedly, pretends, supposedly, purportedly, " +
        "needs permission, wants permission, seeks permission, asks permission, asked permission, needs to obtain, says i, said i, " +
        "says that i, said that i, says you, says my, thinks i, thinks that i, thinks it, think it, believes it, believe it, says it, say it, as if, why, wonder, unclear, " +
        "regret, regrets, once agreed, once consented, used to agree, used to authorize, to have my, if it has, if they have, " +
        "if you want, if i want, if you would like, if you wish, if i wish, if you elect, if you choose, i doubt, doubtful, only with my, only after, only if, only when, subject to my, pending my, " +
        "pending approval, should end, should stop, i was tricked, i was told, i was forced, told me that i, under protest, if at all, " +
        "provided that i, provided i confirm, provided i sign, provided i later, provided i first, on condition that i, as long as i, assuming i",
    ),
    // What has not happened yet.
    ...listed("if i, once i, after i, when i, unless i, until i").flatMap((when) =>
      listed(
        "buy, become, purchase, ask, ask for, sign up, sign a, enroll, order, hire, later, move, decide, request, am on, qualify, win",
      ).map((verb) => `${when} ${verb}`),
    ),
    // Nobody agrees for another, nor to calls to another.
    ...listed("my, his, her, their, our").flatMap((whose) =>
      listed(
        "husband, wife, spouse, son, daughter, child, children, neighbor, neighbour, mother, father, grandmother, grandfather, aunt, uncle, cousin, kids, kid, girlfriend, boyfriend, fiance, fiancee, brother, sister, parents, friend, friends, employer, boss, colleague, tenant, roommate, partner",
      ).flatMap((who) => [
        ...listed("call, contact, phone, dial, ring, reach, text, calling, to").map((verb) => `${verb} ${whose} ${who}`),
        ...listed("agrees, consents, authorizes, agreed, consented").map((verb) => `${whose} ${who} ${verb}`),
      ]),
    ),
    "once my",
    "on behalf of the lead",
    "on behalf of the customer",
  ],
  /** What answers a question that asks for the agreement. */
  answers: listed("yes, i do, agreed, i agree to, i agree that, i consent to, i authorize, by clicking, by checking"),
  /** Or one of these and no more. */
  answersAlone: ["i agree", "i consent", "i accept"],
} as const;
