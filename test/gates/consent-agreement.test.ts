/** Who agrees to be called by a voice, and who only speaks of one: texts as web forms, people and agents write them. */
import { describe, expect, test } from "vitest";
import { consent } from "../../src/gates/consent.ts";
import { grant, snapshotOf, validText } from "./fixture.ts";

const base = await snapshotOf();
const ask = (text: string, purpose: "marketing" | "informational" = "marketing") =>
  consent.check({
    ...base,
    call: { ...base.call, purpose },
    consent: { ...base.consent, grants: [{ ...grant, text, purpose }] },
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
