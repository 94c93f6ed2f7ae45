import { listed } from "./listed.ts";

/** The words by which a text says that consent is no condition of purchase: part of the consent vocabulary, and of its version. */
export const consentCondition = {
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
    "checking this box",
    "checking the box",
    "submitting this form",
    "sign",
  ],
  /** … then, in the same sentence, one of these. */
  conditionClauses: listed("is not, isn t, isnt, not, are not, aren t, shall not be, will not be, is never").flatMap((be) =>
    listed(
      "required to buy, required to purchase, required to make a purchase, required to make any purchase, " +
        "required in order to buy, required in order to purchase, required in order to make a purchase, " +
        "required for purchase, required for any purchase, required for a purchase, required as a condition of purchase, " +
        "required as a condition of any purchase, required as a condition of purchasing, required as a condition of buying, " +
        "a condition of purchase, a condition of any purchase, a condition of a purchase, a condition of my purchase, " +
        "a condition of your purchase, a condition of making a purchase, a condition of making any purchase, " +
        "a condition of purchasing, a condition of buying, a condition to purchase, a condition to purchasing, " +
        "a condition to any purchase, a condition to make a purchase, a condition to make any purchase, " +
        "a condition for purchase, a condition for purchasing, a condition for any purchase, " +
        "a condition precedent to purchase, a requirement of purchase, a requirement of any purchase, " +
        "a requirement for purchase, a requirement to purchase, a requirement to buy, necessary to buy, " +
        "necessary to purchase, needed to buy, needed to purchase, necessary for purchase, necessary for any purchase, necessary for the purchase, " +
        "required to obtain goods, required to obtain any goods, required to obtain products, required to obtain services, required for me to purchase, required for you to purchase, " +
        "required for me to buy, required for you to buy, required as a condition to buy, required as a condition to purchase, required as a condition of the purchase, " +
        "required to enroll or make a purchase, required to enroll or purchase, a condition to the purchase, a condition of the purchase, a condition for the purchase, " +
        "a condition of service or purchase, a condition of services or purchase, a condition of credit or purchase, a condition of enrollment or purchase, a condition of sale, a condition of any sale, " +
        "a condition of obtaining goods, a condition of obtaining any goods, a condition of obtaining products, a condition of receiving a quote or purchasing, " +
        "a prerequisite to purchase, a prerequisite for purchase, a prerequisite of purchase, a prerequisite to any purchase, a prerequisite to buy, " +
        "mandatory for purchase, mandatory to purchase, mandatory for any purchase",
    ).map((what) => `${be} ${what}`),
  ),
  /** A sentence about something else says nothing of the consent to calls. */
  conditionOtherSubjects: listed(
    "consent to the privacy policy, consent to our privacy policy, consent to the terms, consent to our terms, consent to cookies, consent to emails, consent to receive emails, " +
      "agreement to the terms, agreement to our terms, agreeing to the terms, agreeing to our terms, agreeing to the privacy policy, consent to the credit check",
  ),
  /** One of these says it whole. */
  conditionWholes: [
    ...listed(
      "purchase, your purchase, my purchase, no purchase, any purchase, purchase of goods or services, purchase of any goods or services, purchases",
    ).flatMap((what) =>
      listed("conditioned on, contingent on, conditional on").flatMap((how) =>
        listed("consent, your consent, my consent, this consent, agreement, your agreement, my agreement").map(
          (on) => `${what} ${what === "no purchase" ? "is" : what === "purchases" ? "are not" : "is not"} ${how} ${on}`,
        ),
      ),
    ),
    ...listed("consent, agreement, my consent, your consent").flatMap((who) =>
      listed(
        "does not require me to purchase, does not require me to buy, does not require you to purchase, does not require you to buy",
      ).map((what) => `${who} ${what}`),
    ),
    ...listed("purchasing, buying, a purchase").flatMap((what) =>
      listed("my consent, your consent, consent, this consent").map((on) => `${what} does not require ${on}`),
    ),
    ...listed("i, you").flatMap((who) =>
      listed("can, may").flatMap((may) =>
        listed("buy, purchase").flatMap((verb) =>
          listed(
            "without consenting, without agreeing, without giving consent, without giving this consent, without giving my consent, without giving your consent, without consent",
          ).map((how) => `${who} ${may} ${verb} ${how}`),
        ),
      ),
    ),
  ],
  /** Or one of these, which bring their subject along. */
  conditionRefusals: listed(
    "not required to, not obligated to, not obliged to, not have to, not need to, don t have to, don t need to, need not, never required to, " +
      "not required directly or indirectly to, not obligated directly or indirectly to, no obligation to, not required",
  ),
  conditionActs: listed(
    "agree, consent, sign, sign or agree, agree or sign, agree directly or indirectly, agree to this directly or indirectly, directly or indirectly to agree, directly or indirectly to consent, " +
      "directly or indirectly to sign this agreement, agree to this, consent to this, sign this, accept this, give consent, give my consent, " +
      "give your consent, give this consent, provide consent, provide my consent, provide your consent, provide this consent, " +
      "provide such consent, provide this authorization, give this authorization, give permission, give my permission, " +
      "agree to these calls, consent to these calls, consent to calls, agree to receive these calls, " +
      "agree to receive such calls, consent to receive these calls, consent to receive calls, " +
      "consent to such calls, agree to these terms, agree to such calls, consent to be contacted, agree to be contacted, " +
      "sign this agreement, sign the agreement, sign any agreement, enter into this agreement, enter into the agreement, " +
      "enter into any agreement, sign this authorization, sign this consent, sign this form, " +
      "sign the agreement directly or indirectly, sign this agreement directly or indirectly, " +
      "provide this consent directly or indirectly, provide consent directly or indirectly, " +
      "consent directly or indirectly, " +
      "sign the agreement directly or indirectly or agree to enter into such an agreement, " +
      "sign this agreement directly or indirectly or agree to enter into such an agreement, " +
      "sign or agree to this, directly or indirectly sign this agreement, directly or indirectly agree",
  ),
  conditionEnds: listed(
    "to buy, to purchase, to make a purchase, to make any purchase, to obtain goods, to obtain any goods, to obtain products, to obtain services, " +
      "as a condition of making a purchase, as a condition of making any purchase, as a condition of the purchase, as a condition to buy, as a condition of obtaining, " +
      "as a condition of purchase, as a condition of any purchase, as a condition of a purchase, as a condition of my purchase, " +
      "as a condition of your purchase, as a condition of purchasing, as a condition of buying, as a condition to purchase, " +
      "as a condition to purchasing, as a condition for purchasing, as a condition to buying, in order to buy, in order to purchase, " +
      "in order to make a purchase, in order to make any purchase",
  ),

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
} as const;
