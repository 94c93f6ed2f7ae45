import { listed } from "./listed.ts";

/**
 * The words by which it is told who calls: the seller, named in whichever role, and others. Data, and part of the consent
 * vocabulary like the agreement's.
 */
export const consentCallers = {
  /** A full stop behind one of these shortens a word, and ends no sentence where the next goes on in lower case. */
  abbreviations: listed(
    "inc, co, corp, ltd, llc, lp, llp, st, ave, rd, blvd, mt, mr, mrs, dr, no, approx, tel, ext, am, pm, ie, eg, vs",
  ),
  /** What goes on behind the seller's "Inc." in a text that is all in capitals. */
  goesOn: listed("may, can, to, using, and, or, at, by, via, with, about, regarding, for, will, its, including, on"),
  /** A word in front of or behind a name, in capitals, by which it is another company's. */
  namePrefixes: listed("southern, northern, eastern, western, new, greater, american, national, united, not, never, anti"),
  nameEndings: listed(
    "times, partners, group, holdings, energy, services, solutions, technologies, systems, enterprises, industries",
  ),
  /** Right before its name the seller is not the caller: these … */
  rolesBefore: listed(
    "not, not by, not from, except, excepting, but, than, excluding, competitor of, competitors of, alternative to, alternatives to, instead of, " +
      "customer of, customers of, client of, clients of, employee of, partner of, partners of, affiliate of, affiliates of, " +
      "affiliated with, associated with, heard from, heard of, about this from, this from, prices with, compare with, compared with, " +
      "about, regarding, terms of, terms of use of, terms of service of, policy of, policies of, read, site of, website of, page of, formerly, copyright, " +
      "powered by, operated by, hosted by, owned by, published by, live calls from, suing, against, hold, to call, calling, to contact, " +
      "to phone, to dial, recommended by, referred by, matched by, selected by, chosen by, made by, installed by, sold by, network of, unlike, related to, to let",
  ),
  /** … or one of these and "from" … */
  writings: listed("email, emails, text, texts, text messages, sms, mail, letters, newsletters, brochures"),
  /** … and these right behind it. */
  rolesBehind: listed(
    "competitor, competitors, privacy, terms, policy, policies, partner, partners, affiliate, affiliates, marketing partners, website, site, " +
      "customers, product, products, connects, sells, recommends, selects, chooses, refers, matches, works with, harmless, told, was, has my email, has my number, hosts, thanks, installed, said, referred, gave, may share, may sell, may text me, may email me, may mail me, will never, will not, may not, must not, never",
  ),
  /** Others who may be the callers, and are not the seller. */
  otherCallers: listed(
    "partners, affiliates, companies, contractors, dealers, vendors, third parties, lead buyers, advertisers, installers, everyone, anyone, all sellers, any company",
  ),
  /** Capitalised words behind "from" or "by", or before "may", that name no company. */
  ordinaryWords: listed(
    "submit, clicking, checking, submitting, ticking, signing, pressing, selecting, providing, phone, telephone, text, texts, sms, email, call, calls, " +
      "messages, message, voice, voices, artificial, automated, automatic, prerecorded, pre, ai, the, this, these, those, that, such, you, us, we, i, " +
      "it, they, our, my, me, your, a, an, and, or, any, all, some, one, communications, consent, company, companies, seller, agent, agents, representatives, " +
      "customer, carrier, carriers, charges, rates, data, standard, msg, means, law, applicable, federal, state, time, prior, express, " +
      "autodialer, autodialed, who, which, there, yes, no, calling, marketing, telemarketing, offers, offer, purchase, buying, goods",
  ),
  /** What comes between the names of a list of callers and is none of it. */
  callerBreaks: listed(
    "may, can, will, could, would, call, calls, called, calling, text, texts, texted, email, emails, messages, using, via, with, who, which, that, about, " +
      "regarding, use, uses, agree, consent, for, at, voice, voices, prerecorded, artificial, automated",
  ),
  /** Digits behind one of these are no phone number. */
  references: listed(
    "license, licence, lic, roc, npn, nmls, form, registration, reg, ref, reference, permit, account, case, order, ticket",
  ),
  /** What the calls are for: information, where one of these stands … */
  informations: listed(
    "informational, information only, transactional, appointment reminder, appointment reminders, service reminders, service reminder, reminders only, payment reminders, " +
      "order only, my order, your order, my existing account, to confirm my appointment, appointment only, for reminders, my bill, my installation only, authentication codes, verification codes, warranty and maintenance, maintenance of my, account only, my account, your account, account notices, billing notices, account and billing notices, account alerts, account notifications, " +
      "service notifications, delivery notifications, delivery updates, shipping updates, safety recall, safety recalls, recall notices, emergency calls, emergency alerts, emergencies, outage alerts, " +
      "outage notifications, outages, customer service only, customer service purposes, customer support only, solely to schedule, only to schedule, solely to confirm, only to confirm, " +
      "status of my application, status of your application, status of my claim, status of my order, survey calls, surveys only, fraud alerts, security alerts",
  ),
  /** … and none of these. */
  sellings: [
    ...listed(
      "marketing, telemarketing, promotional, promotion, promotions, offer, offers, sale, sales, selling, advertise, advertising, advertisement, advertisements, solicitation, " +
        "solicitations, solicit, solar, quote, quotes, estimate, estimates, inquiry, enquiry, deals, savings, discounts, going solar, products and services, products or services",
    ),
    ...listed("its, our, their, your, about, regarding, new, other, more").flatMap((whose) =>
      listed("products, services, product").map((what) => `${whose} ${what}`),
    ),
  ],
  /** Or it says that they are not for sales. */
  sellingDenials: listed(
    "no marketing, not marketing, non marketing, nonmarketing, never marketing, not for marketing, never for marketing, not consent to marketing, no sales calls, not sales calls, not be sales calls, " +
      "non sales, not for sales, no promotional, non promotional, not promotional, no advertising, no advertisements, never for advertising, not for advertising, not contain any advertising, not telemarketing, no telemarketing, " +
      "no solicitation, no solicitations, not solicitations",
  ),
  /** A sentence that says what the calls are. */
  callsAre: ["calls will be", "calls are", "calls may be", "the calls", "these calls", "such calls", "all calls"],
  /** A consent ends by itself behind one of these and a date … */
  untils: listed(
    "valid until, valid through, valid till, good until, good through, good till, valid for, good for, valid only until, effective until, ends on",
  ),
  /** … unless it is of one of these. */
  offers: listed("offer, offers, quote, quotes, price, prices, coupon, coupons, promotion, discount, estimate, license, licence"),
  months: listed("january, february, march, april, may, june, july, august, september, october, november, december"),
  /** The seller's name is the caller's right behind one of these … */
  beforeCaller: listed(
    "from, by, including, include, includes, us, we, you, for, authorize, authorise, authorizes, authorizing, permit, permits, allow, allows, that, agree, agrees, consent, and, or, " +
      "give, gives, giving, grant, grants, granting, want, like, have, let, request, ask, company, seller, please, behalf",
  ),
  /** … or right before one of these … */
  behindCaller: listed("may, can, to, calling, contacting, has, have, is, s"),
  /** … or "to X" before one of these … */
  behindCallee: listed("and, or, its, using, placing, making"),
  /** … or behind these of it. */
  callersOf: listed("behalf, agent, agents, representative, representatives, team, staff, assistant, platform, system"),
  /** "Calls from" these name nobody. */
  unnamedCallers: listed("us, you, the company, the seller, this company, this seller, our company, time to time, or, and"),
  /** Before the caller's name. */
  callerPreps: ["from", "by", "of"],
  /** Between the voice and "from" these tell of something else than the voice, unless calls are named there too. */
  voiceSevers: listed(
    "email, emails, text, texts, sms, mail, letters, about, regarding, concerning, for, offers, products, services, provided, at, quotes, number, live",
  ),
  voiceCalls: ["call", "calls", "platform", "dialer", "assistant", "agent", "agents"],
} as const;
