/** Who agrees to be called by a voice, and who only speaks of one: texts as web forms, people and agents write them. */
import { describe, expect, test } from "vitest";
import { consent } from "../../src/gates/consent.ts";
import { grant, snapshotOf, validText } from "./fixture.ts";

const base = await snapshotOf();
const ask = (text: string, purpose: "marketing" | "informational" = "marketing", seller = base.seller) =>
  consent.check({
    ...base,
    seller,
    call: { ...base.call, purpose },
    consent: {
      ...base.consent,
      grants: [{ ...grant, text, purpose, attested_seller: { registered_name: seller.registered_name, trade_names: [] } }],
    },
  }).reason_code;

const free = "Consent is not required to buy.";
const agreed = `I agree that Acme Solar LLC may call me by AI voice. ${free}`;

const lawful = [
  // Who agrees, and in which words.
  `I agree that Acme Solar LLC may call me by AI voice. ${free}`,
  `I agree to receive calls from Acme Solar LLC made with an artificial or prerecorded voice. ${free}`,
  `By clicking "Submit", I agree to be contacted by Acme Solar LLC by automated or AI voice. ${free}`,
  `By submitting this form, you agree that Acme Solar LLC may contact you using a prerecorded voice. ${free}`,
  `I consent to receive prerecorded messages from Acme Solar LLC at this number. ${free}`,
  `I hereby consent to calls from Acme Solar LLC using an artificial voice. ${free}`,
  `I authorize Acme Solar LLC to contact me at this number using an artificial or prerecorded voice for marketing; consent is not a condition of purchase.`,
  `I hereby authorise Acme Solar LLC and its agents to call me with an automated voice. ${free}`,
  `I permit Acme Solar LLC to call me with a synthetic voice. ${free}`,
  `I allow Acme Solar LLC to call me with an AI-generated voice. ${free}`,
  `I accept calls from Acme Solar LLC by AI voice. ${free}`,
  `I approve automated voice calls by Acme Solar LLC. ${free}`,
  `I opt in to AI voice calls from Acme Solar LLC. ${free}`,
  `By checking this box I opt into calls by Acme Solar LLC using AI voices. ${free}`,
  `I give my express written consent for Acme Solar LLC to call me using an artificial voice. ${free}`,
  `By clicking below, I am giving Acme Solar LLC my permission to call me using a prerecorded voice. ${free}`,
  `I provide my prior express written consent to be called by Acme Solar LLC with an automated voice. ${free}`,
  `My signature constitutes express written consent to prerecorded calls from Acme Solar LLC. ${free}`,
  `Acme Solar LLC may call me by AI voice. ${free}`,
  `Acme Solar LLC can contact me with an artificial voice. ${free}`,
  `Acme Solar LLC, you may phone me with an AI voice. ${free}`,
  `YES: ACME SOLAR, L.L.C. and its agents may phone me with automated technology and AI voices about solar offers. I understand that my consent is not required to purchase.`,
  `I would like Acme Solar LLC to call me, also with an AI voice. ${free}`,
  `Please call me by AI voice, Acme Solar LLC. ${free}`,
  `I understand that I may be contacted by Acme Solar LLC using an artificial voice. ${free}`,
  `The undersigned agrees to calls by Acme Solar LLC in an artificial voice. ${free}`,
  `Customer consents to AI voice calls from Acme Solar LLC. ${free}`,
  `Check this box to agree to prerecorded calls from Acme Solar LLC. ${free}`,
  `Do you agree to receive AI voice calls from Acme Solar LLC? Yes. ${free}`,
  `I have read the privacy policy, I am the owner of this number, and I authorize Acme Solar LLC to call it with an artificial voice. ${free}`,
  `Acme Solar LLC has my permission to call me by AI voice. ${free}`,
  `Acme Solar LLC and its agents are authorized to call me by AI voice. ${free}`,
  `I would like to receive automated voice calls from Acme Solar LLC. ${free}`,
  `I elect to receive AI voice calls from Acme Solar LLC. ${free}`,
  `I'm fine with Acme Solar LLC calling me by AI voice. ${free}`,
  // The voice in a sentence of its own, or in a list.
  `I agree to receive calls from Acme Solar LLC. Calls may be made with an artificial or prerecorded voice. ${free}`,
  `Calls may use an AI voice. By submitting I consent to be called by Acme Solar LLC. ${free}`,
  `I consent to receive from Acme Solar LLC:\n- autodialed calls\n- prerecorded voice messages\n${free}`,
  // Ways out, told in advance.
  `${agreed} You may revoke consent at any time.`,
  `${agreed} Reply STOP to opt out.`,
  `${agreed} I can cancel at any time.`,
  `${agreed} Msg & data rates may apply. Msg frequency varies.`,
  `I agree that Acme Solar LLC may call me by AI voice until I revoke. ${free}`,
  `I agree that Acme Solar LLC may call me by AI voice until I revoke this consent in writing. ${free}`,
  `I agree that Acme Solar LLC may call me by AI voice, and I may opt out at any time by replying STOP. ${free}`,
  `${agreed} Reply STOP, QUIT, CANCEL, END or UNSUBSCRIBE to opt out.`,
  `${agreed} Text HELP for help, STOP to cancel.`,
  `${agreed} To unsubscribe, call 1-212-555-0123.`,
  `${agreed} Unsubscribe at any time.`,
  `${agreed} Cancel anytime.`,
  `${agreed} You can unsubscribe or terminate this authorization at any time.`,
  `${agreed} My consent stays valid until it is revoked, withdrawn or cancelled.`,
  `${agreed} I may ask to be removed from your list at any time.`,
  `${agreed} To be removed from our list, write to us.`,
  `${agreed} If I wish to cancel, I may call or write.`,
  `${agreed} If you no longer wish to receive calls, reply STOP.`,
  `${agreed} I have the right to withdraw my consent by writing to the address above.`,
  `${agreed} Click the unsubscribe link to opt out.`,
  `${agreed} Void where prohibited. We hate spam too.`,
  `${agreed} This consent does not expire unless revoked.`,
  `${agreed} If we are unable to reach you, we may leave a message.`,
  `${agreed} Please do not hesitate to write.`,
  `${agreed} Opt-out: reply STOP.`,
  `${agreed} You can opt out anytime with STOP.`,
  `${agreed} Call us or email help@acme.example to opt out.`,
  `${agreed} I may ask Acme to stop calling me at any time.`,
  `${agreed} I can change my mind and withdraw my consent at any time.`,
  `${agreed} I can request to be placed on your do not call list.`,
  `${agreed} SMS opt-in data is not shared with third parties.`,
  // Registries, and whom the consent leaves out.
  `I agree that Acme Solar LLC may call me by AI voice, even if my number is on any state or federal Do Not Call (DNC) list. ${free}`,
  `${agreed} This applies even if I am on a DNC registry.`,
  `I agree that Acme Solar LLC (and not its partners) may call me by AI voice. ${free}`,
  `I agree that Acme Solar LLC, but not its affiliates or other third parties, may call me by AI voice. ${free}`,
  `I agree that Acme Solar LLC may call me by AI voice (but no other companies). ${free}`,
  // The no-condition clause in the words of forms.
  ...[
    "Consent not required to purchase.",
    "Consent isn't a condition of purchasing goods or services.",
    "Your consent is not a requirement for purchase.",
    "Agreement is not a condition to any purchase.",
    "Consent is not required to make a purchase.",
    "I understand that I am not required to provide my consent as a condition of purchasing any goods or services.",
    "You do not have to agree to receive these calls in order to make a purchase.",
    "I am not required to sign this agreement (directly or indirectly), or agree to enter into such an agreement, as a condition of purchasing any property, goods, or services.",
  ].map((clause) => `I agree that Acme Solar LLC may call me by AI voice. ${clause}`),
  `I agree that Acme Solar LLC may call me by AI voice, and I understand that I am not required to consent as a condition of purchase and may revoke my consent at any time.`,
];

const notAuthorising = [
  // Nobody agrees.
  "Acme Solar LLC sells AI voice software.",
  "Acme Solar LLC: AI voice.",
  "Contact Acme Solar LLC. AI voice demo.",
  "I am suing Acme Solar LLC over AI voice calls.",
  "I read that Acme Solar LLC uses an artificial voice.",
  "I understand that Acme Solar LLC calls people with an AI voice, consent",
  "Acme Solar LLC is an authorized dealer of AI voice call software.",
  "I agree that Acme Solar LLC sells AI voice software.",
  "I agree to the terms. Acme Solar LLC calls by AI voice.",
  "You may call Acme Solar LLC for a demo of its AI voice.",
  "You may call us at Acme Solar LLC to hear an AI voice.",
  "I hate that Acme Solar LLC calls me by AI voice.",
  "I dislike it when Acme Solar LLC calls me by AI voice.",
  "Acme Solar LLC calls me by AI voice illegally.",
  "Acme Solar LLC called me by AI voice. I agree that this is harassment.",
  "May Acme Solar LLC call me by AI voice?",
  "Do you agree that Acme Solar LLC may call you by AI voice?",
  "If I agree, Acme Solar LLC may call me by AI voice.",
  "Acme Solar LLC asked me to consent to AI voice calls.",
  "Acme Solar LLC needs my consent to call me by AI voice.",
  "Acme Solar LLC must obtain my permission to call me by AI voice.",
  "Acme Solar LLC claims that I agreed to AI voice calls.",
  "I would agree to AI voice calls from Acme Solar LLC.",
  "Experts agree: Acme Solar LLC is the best AI voice to call.",
  "I once agreed that Acme Solar LLC may call me by AI voice.",
  "I used to agree that Acme Solar LLC may call me by AI voice.",
  "Acme Solar LLC believes it may call me by AI voice.",
  "Acme Solar LLC may call me by AI voice only with my consent.",
  "Acme Solar LLC may call me by AI voice after I sign.",
  "I doubt that Acme Solar LLC may call me by AI voice.",
  "I agree to emails from Acme Solar LLC. Its hotline may use an AI voice when called.",
  // Denied.
  "Acme Solar LLC lacks my permission to call me by AI voice.",
  "Lacking my consent, Acme Solar LLC may call me by AI voice.",
  "I am unable to agree that Acme Solar LLC may call me by AI voice.",
  "Absent my consent, Acme Solar LLC may call me by AI voice.",
  "Acme Solar LLC failed to obtain my consent to AI voice calls.",
  "Acme Solar LLC is ineligible to call me by AI voice, I agree.",
  "I reserve the right to refuse AI voice calls by Acme Solar LLC and hereby do so.",
  "I am reluctant to agree that Acme Solar LLC may call me by AI voice.",
  "I agree that Acme Solar LLC may not, but its partners may, call me by AI voice.",
  "I agree that Acme Solar LLC may call me, but not its partners by AI voice.",
  // Ended.
  "I cancel my consent that Acme Solar LLC may call me by AI voice.",
  "I am cancelling my consent that Acme Solar LLC may call me by AI voice.",
  "My consent for Acme Solar LLC to call me by AI voice is void.",
  "My consent for Acme Solar LLC to call me by AI voice is null.",
  "My consent for Acme Solar LLC to call me by AI voice is hereby terminated.",
  "My consent for Acme Solar LLC to call me by AI voice is cancelled.",
  "My consent for Acme Solar LLC to call me by AI voice has expired.",
  "My agreement that Acme Solar LLC may call me by AI voice has lapsed.",
  "Unsubscribe me from Acme Solar LLC AI voice calls.",
  "Remove me: Acme Solar LLC may not call me by AI voice.",
  "Take me off the list; Acme Solar LLC called by AI voice.",
  "Leave me alone, Acme Solar LLC and your AI voice.",
  "Stop: Acme Solar LLC AI voice.",
  "I want to cancel; I agreed that Acme Solar LLC may call me by AI voice.",
  "I am revoking my agreement that Acme Solar LLC may call me by AI voice.",
];

/** What somebody wrote behind a text that was good. */
const notes = [
  "Unsubscribed 2026-03-01.",
  "CANCELLED by customer.",
  "Canceled 3/4",
  "VOID",
  "Consent expired.",
  "This authorization is void.",
  "Authorization terminated on 3/4/2026.",
  "Customer asked to be removed.",
  "Removed from list 3/4.",
  "Remove me.",
  "Opted out 3/4.",
  "Opt-out 3/4",
  "STOP",
  "Please stop!",
  "Customer asked us to stop calling.",
  "Wants to cancel.",
  "Called in to cancel.",
  "DNC",
  "DNC per customer 3/4",
  "DO NOT CALL",
  "Do not contact.",
  "(NOT SIGNED)",
  "Unsigned.",
  "Never signed.",
  "Box not checked.",
  "Consent not obtained.",
  "I cancel this consent.",
  "I hereby terminate this agreement.",
  "I want to unsubscribe.",
  "I exercise my right to opt out.",
  "I reserve the right to refuse and hereby do so.",
  "I no longer agree.",
  "I changed my mind.",
  "Unsubscribe me.",
  "Signature forged.",
  "Wrong number.",
  "Revoking my consent now.",
  "Pls remove.",
  "Note: STOP",
  "Stop calls",
  "opt-out on Mar 3",
  "Customer texted STOP",
  "Please add me to your Do Not Call list.",
  "I did not sign this.",
  "I can revoke at any time and I revoke now.",
  "Consent has been retracted.",
  "I may revoke at any time and I do: revoked.",
];

describe("usual consent language passes", () => {
  test.each(lawful)("%s", (text) => expect(ask(text)).toBe("consent_valid"));
});
describe("a text in which nobody agrees, or that denies or ends the consent, authorises no voice", () => {
  test.each(notAuthorising)("%s", (text) => expect(ask(`${text} ${free}`)).toBe("consent_scope_mismatch"));
});
describe("a note behind a good text takes it back, for information too", () => {
  test.each(notes)("%s", (note) => {
    expect(ask(`${validText} ${note}`)).toBe("consent_scope_mismatch");
    expect(ask(`${validText}\n${note}`, "informational")).toBe("consent_scope_mismatch");
  });
});

const N = "Consent is not a condition of purchase.";
const voice = "I agree to receive artificial voice calls from";
const soldBy = (name: string) => ({ id: "seller_2", registered_name: name, trade_names: [] });

describe("a seller's name is a name: no stop in it ends a sentence, and no word of it is read", () => {
  test.each([
    ["Acme Solar Inc.", "Acme Solar Inc."],
    ["Acme Solar, Inc.", "ACME SOLAR, INC."],
    ["Acme Solar LLC", "Acme Solar, L.L.C."],
    ["Smith & Sons LLC", "Smith &amp; Sons LLC"],
    ["Smith and Sons LLC", "Smith & Sons LLC"],
    ["St. John's Solar Co.", "St. John’s Solar Co."],
    ["No Limit Solar LLC", "No Limit Solar LLC"],
    ["One Stop Solar LLC", "One Stop Solar LLC"],
    ["DNC Realty LLC", "DNC Realty LLC"],
    ["Void Repair LLC", "Void Repair LLC"],
    ["Cancel Debt Co.", "Cancel Debt Co."],
  ])("%s as %s", (name, written) => {
    expect(ask(`I agree to receive calls from ${written} using an artificial voice. ${N}`, "marketing", soldBy(name))).toBe(
      "consent_valid",
    );
    expect(ask(`I authorize ${written} to call me with a prerecorded voice. ${N}`, "marketing", soldBy(name))).toBe(
      "consent_valid",
    );
  });
  test.each(["AI Voice Systems LLC", "Prerecorded Messages Inc.", "Robocall Calls LLC"])("%s is no voice", (name) =>
    expect(ask(`I agree to receive calls from ${name}. ${N}`, "marketing", soldBy(name))).toBe("consent_scope_mismatch"),
  );
  test.each(["Southern Acme Solar LLC", "Acme Solar Inc.", "Acme Sun Inc.", "the Acme Sun Times"])("%s is another", (name) =>
    expect(ask(`${voice} ${name}. ${N}`)).toBe("consent_scope_mismatch"),
  );
});

describe("the voice is the seller's, or that of nobody who is named", () => {
  test.each([
    `${voice} Acme Solar LLC and its partners. ${N}`,
    `I consent to be contacted by Gamma Inc., Acme Solar LLC and Beta Co. using an artificial voice. ${N}`,
    `I agree that Beta Marketing Inc. may call me with an artificial voice on behalf of Acme Solar LLC. ${N}`,
    `Acme Solar LLC wants to call you. By clicking, you agree that we may call you using an AI voice. ${N}`,
    `I agree to Acme Solar LLC's Terms of Service and I agree to receive artificial voice calls from Acme Solar LLC. ${N}`,
    `By clicking Submit, I authorize our partners, including Acme Solar LLC, to call me using an artificial voice. ${N}`,
    `I agree to AI voice calls by agents of Acme Solar LLC. ${N}`,
    `Thanks for contacting Acme Solar LLC! I agree that you may call me with an AI voice. ${N}`,
    `I consent by electronic signature to receive prerecorded calls from Acme Solar LLC. ${N}`,
    `I agree to be called by Acme Solar LLC with AI voice. Text messages are sent by Twilio Inc. ${N}`,
    `I agree to receive calls and texts from Acme Solar LLC, some with an artificial voice. ${N}`,
    `I agree to be called by Acme Solar LLC at 100 Main St. in Springfield using an artificial voice. ${N}`,
  ])("%s", (text) => expect(ask(text)).toBe("consent_valid"));
  test.each([
    "I agree to receive live calls from Acme Solar LLC and artificial voice calls from Gamma.",
    "I agree to receive emails from Acme Solar LLC and artificial voice calls from Gamma.",
    `${voice} Gamma; Acme Solar LLC may text me.`,
    `${voice} Gamma and emails from Acme Solar LLC.`,
    "I agree to be called by Acme Solar LLC. Gamma may use an artificial voice.",
    "I agree to be called by Acme Solar LLC. Gamma Energy may use an artificial voice.",
    "I agree to receive live calls from Acme Solar LLC. I agree to receive artificial voice calls from Gamma.",
    "Website operated by Acme Solar LLC. I consent to receive prerecorded calls from Beta Roofing Inc.",
    `${voice} Gamma Energy LLC. I read the terms of Acme Solar LLC.`,
    `${voice} Beta Roofing Inc. Copyright 2026 Acme Solar LLC.`,
    `${voice} Beta Roofing Inc. Powered by Acme Solar LLC.`,
    `${voice} Beta Roofing Inc. about Acme Solar LLC products.`,
    `${voice} everyone but Acme Solar LLC.`,
    `${voice} Beta Roofing Inc., not Acme Solar LLC.`,
    `${voice} Beta Roofing Inc., a competitor of Acme Solar LLC.`,
    `${voice} Acme Solar LLC's competitor.`,
    `${voice} Beta Roofing Inc. as an alternative to Acme Solar LLC.`,
    "I am a former customer of Acme Solar LLC and agree to receive artificial voice calls from Gamma Energy LLC.",
    "I heard about this from Acme Solar LLC and agree that Gamma Energy LLC may call me with an AI voice.",
    "Gamma Energy LLC may call me with an artificial voice to compare prices with Acme Solar LLC.",
    "I agree to Acme Solar LLC's Privacy Policy and I agree that Beta Roofing Inc. may call me with an artificial voice.",
    "I agree that marketing partners of Acme Solar LLC may call me with an artificial voice.",
    `${voice} affiliates of Acme Solar LLC.`,
    "I consent to prerecorded calls from the partners of Acme Solar LLC.",
    "Acme Solar LLC connects homeowners with installers. I agree that its partners may call me with an artificial voice.",
    `${voice} Gamma, the successor to Acme Solar LLC.`,
    "I agree to prerecorded calls from Gamma Energy and Acme Solar LLC told me about it.",
    `${voice} Gamma because Acme Solar LLC was too expensive.`,
    `${voice} my bank. Acme Solar LLC installed my roof.`,
    `${voice} my dentist about my Acme Solar LLC appointment.`,
    "I agree to prerecorded calls from Gamma Energy LLC, a subsidiary of Acme Solar LLC.",
    "I agree to prerecorded calls from former employees of Acme Solar LLC.",
    "I agree that BETA ROOFING may call me with an artificial voice. Acme Solar LLC hosts this page.",
    "I agree that contractors in the network of Acme Solar LLC may call me with an artificial voice.",
  ])("not: %s", (text) => expect(ask(`${text} ${N}`)).toBe("consent_scope_mismatch"));
});

describe("calls for information carry no sales", () => {
  test.each([
    "about solar products",
    "regarding my quote",
    "for informational and marketing calls",
    "about my order and special offers",
  ])("%s does", (what) => expect(ask(`${voice} Acme Solar LLC ${what}. ${N}`)).toBe("consent_valid"));
  test.each([
    "for informational purposes.",
    "for appointment reminders only.",
    "for account and billing notices.",
    "for safety recalls.",
    "solely to schedule my service.",
    "about the status of my application. No marketing.",
    "which may call. Calls will be for customer service only.",
  ])("%s", (what) => expect(ask(`${voice} Acme Solar LLC ${what} ${N}`)).toBe("consent_scope_mismatch"));
  test("and are good for information", () => {
    expect(ask(`I agree to receive informational artificial voice calls from Acme Solar LLC. ${N}`, "informational")).toBe(
      "consent_valid",
    );
  });
});

describe("calls to others, conditions and ends", () => {
  test.each([
    ...["husband", "son", "neighbor", "mother", "employer"].map(
      (who) => `I agree that Acme Solar LLC may call my ${who} with an artificial voice.`,
    ),
    `My wife agrees to receive artificial voice calls from Acme Solar LLC.`,
    `If I buy panels, I agree to receive artificial voice calls from Acme Solar LLC.`,
    `Once I become a customer, I agree to receive artificial voice calls from Acme Solar LLC.`,
    `Provided that I later sign, I agree to receive artificial voice calls from Acme Solar LLC.`,
    `${voice} Acme Solar LLC, provided I confirm by email.`,
    `${voice} Acme Solar LLC when I ask for them.`,
    `I was told that I agree to receive artificial voice calls from Acme Solar LLC.`,
    `${voice} Acme Solar LLC between September and October 2026.`,
    `☐ ${voice} Acme Solar LLC.`,
    `I do nоt agree to receive artificial voice calls from Acme Solar LLC.`,
    `I d̶o̶ agree to receive artificial voice calls from Acme Solar LLC.`,
    `I do n0t agree to receive artificial voice calls from Acme Solar LLC.`,
    `I do n o t agree to receive artificial voice calls from Acme Solar LLC.`,
  ])("%s", (text) => expect(ask(`${text} ${N}`)).toBe("consent_scope_mismatch"));
  test.each([
    "I take it back.",
    "Never mind.",
    "Forget it.",
    "Not anymore.",
    "Lose my number.",
    "I want a human to call.",
    "I'd rather be emailed.",
    "I didn't fill this form.",
    "Status: unconsented",
    "Opt-in: 0",
    "Opt-in: N",
    "N",
    "No",
    "0",
    "false",
    "User closed page without clicking.",
    "(form abandoned before submit)",
    "Valid until 2026-11-01 only.",
    "Consent good for 7 days.",
    "No me llamen más.",
    "Ya no quiero que me llamen.",
    "No deseo llamadas.",
    "No llamar.",
    "Revocada.",
    "Baja.",
    "That is what I will never say.",
    "Not shown to the user.",
  ])("behind a good text: %s", (note) => expect(ask(`${voice} Acme Solar LLC. ${N} ${note}`)).toBe("consent_scope_mismatch"));
  test.each([
    "This consent is valid until revoked.",
    "Offer valid until 12/31/2026.",
    "☑ Confirmed.",
    "License no. 12345",
    "ROC No. 2125551234",
    "Form ID 4155551234",
    "https://acme.example/no-calls",
    "To opt out, call 800-736-5000.",
    "Questions? Call us at (888) 736-5000.",
    "IP 203.0.113.7",
  ])("takes nothing back: %s", (note) => expect(ask(`${voice} Acme Solar LLC. ${N} ${note}`)).toBe("consent_valid"));
});

describe("agreements and voices in the words of forms", () => {
  test.each([
    "Consent is hereby given to Acme Solar LLC to call me with an artificial voice.",
    "Permission is granted for Acme Solar LLC to call me with an artificial voice.",
    "By submitting this form, consent is provided for Acme Solar LLC to contact me using an artificial voice call.",
    "I opt-in to receive prerecorded marketing calls from Acme Solar LLC.",
    "I consent to receive prerecorded telemarketing calls from Acme Solar LLC.",
    "I consent to receive automated and prerecorded marketing calls from Acme Solar LLC.",
    "This constitutes my express written consent to receive prerecorded calls from Acme Solar LLC.",
    "I want to be called by Acme Solar LLC using AI voice.",
    "My submission of this form authorizes Acme Solar LLC to call me with an artificial voice.",
    "<p>I&nbsp;agree to receive <b>artificial voice</b> calls from Acme Solar LLC.</p>",
  ])("%s", (text) => expect(ask(`${text} ${N}`)).toBe("consent_valid"));
  test.each([
    "No consent is given to Acme Solar LLC to call me with an artificial voice.",
    "Consent is not given to Acme Solar LLC to call me with an artificial voice.",
    "I consent to receive automated marketing calls from Acme Solar LLC.",
    "I agree to receive <s>artificial voice</s> calls from Acme Solar LLC.",
  ])("not: %s", (text) => expect(ask(`${text} ${N}`)).toBe("consent_scope_mismatch"));
});
