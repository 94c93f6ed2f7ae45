/** What a consent text authorises, and what it takes back. */
import { describe, expect, test } from "vitest";
import { consent } from "../../src/gates/consent.ts";
import { readConsentText } from "../../src/gates/consent-text.ts";
import { consentVocabulary } from "../../src/gates/rules/consent-vocabulary.ts";
import { grant, snapshotOf } from "./fixture.ts";

const base = await snapshotOf();
const clause = "Consent is not required to buy.";
const ask = (text: string, purpose: "marketing" | "informational" = "marketing") =>
  consent.check({
    ...base,
    call: { ...base.call, purpose },
    consent: { ...base.consent, grants: [{ ...grant, text, purpose }] },
  });

describe("a text that denies the voice authorises nothing, wherever it says so", () => {
  const denying = [
    "I do not want calls by artificial voice.",
    "Live agents only; automated voice calls are prohibited.",
    "Automated voice calls are prohibited.",
    "An AI voice may call, but automated voice is excluded.",
    "Only live people, an AI voice is forbidden, may call.",
    "We use no automated voice.",
    "A non-automated voice may call.",
    "It is false that an AI voice may call.",
    "Use an AI voice. I do not agree to the above.",
    "Use an AI voice. I didn’t agree.",
    "Use an AI voice. Automated calls are prohibited.",
    "Use an AI voice. No robots.",
    "Use an AI voice. I decline.",
    "Use an AI voice. I withdraw my consent.",
    "Use an AI voice. I never gave permission.",
    "Use an AI voice. Permission has not been given.",
    "Use an AI voice. The above does not apply to me.",
    "Use an AI voice. This is agreed, except the above.",
    "Use an AI voice. Call me by email only.",
    "Use an AI voice. Don't call me.",
    "Use an AI voice. You may not revoke.",
    "May you use an AI voice? No.",
    "AI voice: no.",
    "I do not consent to:\n- texts\n- AI voice calls",
    "AI voice calls are strictly and\nabsolutely prohibited.",
    "You will never under\nany circumstance use AI voice.",
    "AI voice calls are pro\u00adhibited.",
  ];
  test.each(denying)("%j", (text) => {
    const answer = ask(`I agree that Acme Solar LLC may call me. ${text} ${clause}`);
    expect(answer.reason_code).toBe("consent_scope_mismatch");
    expect(answer.details["grants"]).toMatchObject([{ missing: expect.arrayContaining(["artificial_voice"]) }]);
  });
  test("every word that denies does, beside the voice and in a sentence of its own", () => {
    const { negations, endings, exceptions, denials, alone } = consentVocabulary;
    const authorises = (text: string): boolean => readConsentText(`${text}\nAcme Solar LLC`, ["Acme Solar LLC"]).authorisesVoice;
    expect(authorises("I agree to AI voice calls. So it is.")).toBe(true);
    for (const word of [...negations, ...endings, ...exceptions, ...denials])
      expect(authorises(`I agree to AI voice ${word} calls`), word).toBe(false);
    for (const word of denials) expect(authorises(`I agree to AI voice calls. So we ${word} it all.`), word).toBe(false);
    for (const word of [...negations, ...exceptions])
      expect(authorises(`I agree to AI voice calls. I ${word} agree.`), word).toBe(false);
    for (const note of alone) expect(authorises(`I agree to AI voice calls. ${note.toUpperCase()} 3/4`), note).toBe(false);
  });
  test("a text that is too long to be read whole", () => {
    expect(readConsentText(`I agree to calls by AI voice. ${clause} ${"x ".repeat(10_000)}`, ["Acme Solar LLC"])).toMatchObject({
      authorisesVoice: false,
      deniesVoice: true,
      saysNoCondition: false,
    });
  });
  test("is read in time that grows with its length", () => {
    const started = performance.now();
    for (const piece of ["\n", "Acme Sun ", "text ", "from A ", "offer valid until ", "not to any "])
      readConsentText(piece.repeat(20_000 / piece.length), ["Acme Solar LLC", "Acme Sun"]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
  test("carries no informational call either; one that is silent does", () => {
    expect(ask("Acme Solar LLC may call me.", "informational").verdict).toBe("allow");
    expect(ask("Acme Solar LLC may call me. Automated voice calls are prohibited.", "informational").reason_code).toBe(
      "consent_scope_mismatch",
    );
  });
});

describe("what texts say besides takes nothing back", () => {
  test.each([
    "Message and data rates may apply. Reply STOP to opt out. I may revoke my consent at any time. View our Privacy Policy.",
    "You may, at any time, withdraw this consent. To opt out, say stop. Consent can be withdrawn at any time.",
    "If you do not consent, write to us. No purchase necessary. Void where prohibited. Purchase is not required.",
    "We never sell your data without your consent. Calls will not exceed 3 per week. Results are not guaranteed.",
    "My number may be on a state or federal Do Not Call registry.",
    "You have the right to withdraw consent, until you opt out.",
  ])("%s", (rest) => {
    const text = `By clicking I agree that Acme Solar LLC may call me, including by\nprerecorded or artificial voice. ${clause} ${rest}`;
    expect(ask(text).reason_code).toBe("consent_valid");
  });
});

describe("the no-condition clause is taken back as well", () => {
  const says = (text: string) => readConsentText(`By AI voice. ${text}`, []).saysNoCondition;
  test.each([
    "Consent is not required to buy a house.",
    "Consent is not required to buy. You must consent to buy from us.",
    "Consent is not required to buy. Your consent is required to purchase solar.",
    "Consent is not required to buy. You are required to agree before you order.",
    "It is false that consent is not required to buy.",
    "I never said that consent is not a condition of purchase.",
    "I do not agree that consent is not required to buy.",
    "Consent is not required to buy unless it is solar.",
    "Is consent not a condition of purchase?",
    "Consent to the privacy policy is not a condition of purchase.",
    "Returning items is not a condition of purchase.",
    "Consent is not a condition of the purchase of a house.",
  ])("%s", (text) => expect(says(text)).toBe(false));
  test.each([
    "Consent is not required to purchase a product or service.",
    "Consent is not a condition of purchasing any goods, and I may revoke it at any time.",
    "You are not required to consent as a condition of purchase.",
    "I am not required to agree, directly or indirectly, as a condition of purchasing any property, goods, or services.",
    "You are not required (directly or indirectly) to agree as a condition of purchase.",
    "You are not required, directly or indirectly, to consent as a condition of purchasing any property.",
    "You are not required to consent to purchase goods or services from us.",
    "Consent is not a condition to the purchase of any goods or services.",
    "Consent is not a condition of the purchase.",
    "Consent is not required to obtain goods or services.",
    "You are not required to give your consent as a condition of making a purchase.",
    "Consent is not a condition of service or purchase.",
    "I don't need to consent to buy.",
    "You don't have to consent to make a purchase.",
    "You need not give consent to purchase.",
    "My consent is not required for me to purchase.",
    "My consent is not necessary for purchase of goods.",
    "Your purchase is not conditioned on your consent.",
    "This is not a condition of purchase.",
    "Not a condition of purchase.",
    "I am not required to sign or agree as a condition of purchase.",
    "Consent is not required as a condition to buy any goods.",
    "Consent is not a condition of obtaining goods or services.",
    "Consent is not a prerequisite to purchase.",
    "Consent is not mandatory for purchase.",
    "Consent is not a condition of sale.",
    "Checking this box is not required to buy any product.",
    "My consent does not require me to purchase, and consent is not a condition of purchase.",
  ])("%s stands", (text) => expect(says(text)).toBe(true));
});

test("a decision records the words by which it read", () => {
  expect(ask(`By AI voice, Acme Solar LLC. ${clause}`).details["vocabulary"]).toBe(consentVocabulary.version);
});
