import { describe, expect, test } from "vitest";
import { consent } from "../../src/gates/consent.ts";
import { locate } from "../../src/gates/location.ts";
import type { CallFacts, ConsentFacts, Grant, Snapshot } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { type Instant, addSeconds } from "../../src/lib/instant.ts";
import { grant, instant, now, snapshotOf, validText } from "./fixture.ts";

const base = await snapshotOf();

function ask(consentChanges: Partial<ConsentFacts>, rest: Partial<Snapshot> = {}) {
  return consent.check({ ...base, ...rest, consent: { ...base.consent, ...consentChanges } });
}
const reasonOf = (change: Partial<Grant>, rest: Partial<Snapshot> = {}) =>
  ask({ grants: [{ ...grant, ...change }] }, rest).reason_code;
const gradeOf = (change: Partial<Grant>, rest: Partial<Snapshot> = {}) =>
  (ask({ grants: [{ ...grant, ...change }] }, rest).details["grants"] as { grade: string }[])[0]?.grade;
const missingOf = (change: Partial<Grant>) =>
  (ask({ grants: [{ ...grant, ...change }] }).details["grants"] as { missing: string[] }[])[0]?.missing;
const call = (purpose: CallFacts["purpose"]): Partial<Snapshot> => ({
  call: { technology: "artificial", purpose, debt_collection: false },
});
const at = (text: string): Partial<Snapshot> => ({ at: instant(text) });

test("a proven grant passes", () => {
  expect(ask({})).toMatchObject({ verdict: "allow", reason_code: "consent_valid", fix: null, valid_until: null });
});

describe("the table per purpose", () => {
  test.each([
    ["marketing", "pewc", "consent_valid"],
    ["mixed", "pewc", "consent_valid"],
    ["undeclared", "pewc", "consent_valid"],
    ["marketing", "pec", "consent_basis_insufficient"],
    ["mixed", "pec", "consent_basis_insufficient"],
    ["undeclared", "pec", "consent_basis_insufficient"],
    ["marketing", "ebr", "consent_basis_insufficient"],
    ["marketing", "transactional", "consent_basis_insufficient"],
    ["marketing", "unknown", "consent_unproven"],
    ["informational", "pewc", "consent_valid"],
    ["informational", "pec", "consent_valid"],
    ["informational", "ebr", "consent_basis_insufficient"],
    ["informational", "transactional", "consent_basis_insufficient"],
    ["informational", "unknown", "consent_unproven"],
  ] as const)("%s by %s: %s", (purpose, basis, reason) => expect(reasonOf({ basis }, call(purpose))).toBe(reason));
  test("the technology and the line do not lower the demand", () => {
    expect(reasonOf({ basis: "pec" }, { call: { technology: "live", purpose: "marketing", debt_collection: false } })).toBe(
      "consent_basis_insufficient",
    );
  });
});

describe("what a sales call must have proven", () => {
  const attest = (registered_name: string) => ({ attested_seller: { registered_name, trade_names: [] } });
  test.each<[string, Partial<Grant>, string]>([
    ["nothing on file", { obtained_at: givenDate(null), text: null, certificate: null, recording: null }, "consent_missing"],
    [
      "a certificate alone",
      { obtained_at: givenDate(null), text: null, certificate: { url: "u", retained: false, matched: false, text: null } },
      "consent_invalid",
    ],
    [
      "a recording alone",
      { obtained_at: givenDate(null), text: null, recording: { ref: "r", matched: true } },
      "consent_invalid",
    ],
    [
      "one of several attested names",
      { attested_seller: { registered_name: "Acme Holding Inc", trade_names: ["Acme Sun", "Acme Roofs"] } },
      "consent_valid",
    ],
    ["no date beside a text", { obtained_at: givenDate(null) }, "consent_invalid"],
    ["an unreadable date", { obtained_at: givenDate("yesterday") }, "consent_invalid"],
    ["a day that no calendar has", { obtained_at: givenDate("31/31/2026") }, "consent_invalid"],
    ["a date in the future", { obtained_at: givenDate("2026-11-18T18:00:01Z") }, "consent_invalid"],
    ["a date alone", { text: null }, "consent_unproven"],
    ["an empty text", { text: "  \n" }, "consent_unproven"],
    [
      "a certificate's address alone",
      { text: null, certificate: { url: "https://cert", retained: true, matched: true, text: null } },
      "consent_unproven",
    ],
    ["no signature", { signature: null }, "consent_unproven"],
    ...[
      "none",
      "Unsigned",
      "unknown",
      "N/A",
      "n.a.",
      "na",
      "no",
      "oral",
      "phone call",
      "voice recording",
      "verbal",
      "-",
      "verbal_consent",
      " — ",
    ].map((signature): [string, Partial<Grant>, string] => [`the signature ${signature}`, { signature }, "consent_unproven"]),
    ["a signature in words", { signature: "Signed by typed name" }, "consent_valid"],
    ["no purpose", { purpose: null }, "consent_unproven"],
    ["no no-condition clause", { text: "Acme Solar LLC may call me by AI voice." }, "consent_unproven"],
    ["another seller in the text", { text: validText.replace("Acme Solar", "Brightside") }, "consent_scope_mismatch"],
    ["no seller in the text", { text: validText.replace("Acme Solar LLC", "we") }, "consent_scope_mismatch"],
    ["another seller attested", attest("Brightside Insurance Partners Inc."), "consent_scope_mismatch"],
    ["no voice in the text", { text: validText.replace("automated or AI voice", "phone or text") }, "consent_scope_mismatch"],
    ["given for information", { purpose: "informational" }, "consent_scope_mismatch"],
    ["a record about another number", { number: "+12125550199" }, "consent_scope_mismatch"],
    ["a text about another number", { text: `${validText} My number is (212) 555-0199.` }, "consent_scope_mismatch"],
    ["nobody attested a seller, the text names it", { attested_seller: null }, "consent_valid"],
    ["the number in the text", { text: `${validText} Numbers: 1-212-555-0123 and 212.555.0199.` }, "consent_valid"],
    ["mixed consent", { purpose: "mixed" }, "consent_valid"],
  ])("%s", (_name, change, reason) => expect(reasonOf(change)).toBe(reason));
  test("where several proofs are wanting, the first reason of the list is reported and all are named", () => {
    const answer = ask({ grants: [{ ...grant, signature: null, text: "Brightside Inc. may call me." }] });
    expect(answer.reason_code).toBe("consent_unproven");
    expect(answer.details["grants"]).toMatchObject([
      {
        refusals: ["consent_unproven", "consent_scope_mismatch", "consent_grade_too_low"],
        missing: ["signature", "no_condition_clause", "seller", "artificial_voice"],
      },
    ]);
  });
  test("no grant at all is missing consent", () => expect(ask({ grants: [] }).reason_code).toBe("consent_missing"));
});

describe("an informational call", () => {
  const informational = call("informational");
  test.each<[string, Partial<Grant>, string]>([
    [
      "an oral consent with its date and attested seller",
      { basis: "pec", text: null, signature: null, purpose: "informational" },
      "consent_valid",
    ],
    [
      "the same without any seller",
      { basis: "pec", text: null, attested_seller: null, purpose: "informational" },
      "consent_unproven",
    ],
    ["the same without purpose", { basis: "pec", text: null, purpose: null }, "consent_unproven"],
    ["the same without date", { basis: "pec", obtained_at: givenDate(null) }, "consent_invalid"],
    ["a written one that lacks voice and no-condition", { text: "Acme Solar LLC may call me." }, "consent_valid"],
    ["a written one without text", { text: null }, "consent_unproven"],
    ["a written one without signature", { signature: null }, "consent_unproven"],
    ["a written one whose signature is none", { signature: "oral" }, "consent_unproven"],
    ["a written one that names no seller, whoever is attested", { text: "I agree to be called." }, "consent_scope_mismatch"],
    ["a written one of another seller", { text: "Brightside Inc. may call me." }, "consent_scope_mismatch"],
    ["a written one in which nobody agrees", { text: "Acme Solar LLC makes calls." }, "consent_unproven"],
    [
      "an oral one that names no seller, whose seller is attested",
      { basis: "pec", text: "I agree to be called.", signature: null },
      "consent_valid",
    ],
    [
      "another seller attested",
      { basis: "pec", attested_seller: { registered_name: "Other Inc", trade_names: [] } },
      "consent_scope_mismatch",
    ],
    [
      "a text of another seller and none attested",
      { basis: "pec", attested_seller: null, text: "Other Inc may call." },
      "consent_scope_mismatch",
    ],
    ["another number", { basis: "pec", text: "call me at 212-555-0199" }, "consent_scope_mismatch"],
  ])("%s", (_name, change, reason) => expect(reasonOf(change, informational)).toBe(reason));
});

describe("which evidence proves: one source, clauses are not gathered", () => {
  const certificate = (text: string | null) => ({ url: "https://cert", retained: true, matched: true, text });
  test("the retrieved certificate before the row, for better", () =>
    expect(reasonOf({ text: "nothing", certificate: certificate(validText) })).toBe("consent_valid"));
  test("and for worse", () =>
    expect(reasonOf({ certificate: certificate("Acme Solar LLC may call me by AI voice.") })).toBe("consent_unproven"));
  test("two halves are no whole", () => {
    const halves = {
      text: "Consent is not required to buy.",
      certificate: certificate("Acme Solar LLC may call me by AI voice."),
    };
    expect(reasonOf(halves)).toBe("consent_unproven");
  });
  test("a certificate that was not retrieved leaves the row's text", () =>
    expect(reasonOf({ certificate: certificate(null) })).toBe("consent_valid"));
});

describe("names, in whole words", () => {
  const says = (seller: string) => reasonOf({ text: validText.replace("Acme Solar LLC", seller) });
  test.each([
    "ACME SOLAR, L.L.C.",
    "acme solar llc",
    "Acme  Solar, LLC",
    "Acme Sun",
    "Acme Sun and its agents",
    "my friends at Acme Solar LLC.",
  ])("%s is the seller", (name) => expect(says(name)).toBe("consent_valid"));
  test.each([
    ["without its legal form", "Acme Solar"],
    ["with another legal form", "Acme Solar Inc."],
    ["a trade name with a legal form", "Acme Sun Inc."],
    ["inside a longer word", "Acme Solar LLCs"],
    ["inside another word", "Pacme Sun"],
    ["in pieces", "Acme the Sun"],
  ])("%s it is not: %s", (_name, name) => expect(says(name)).toBe("consent_scope_mismatch"));
  test("a name of punctuation only matches nothing", () => {
    const seller = { id: "s", registered_name: "...", trade_names: ["", "—"] };
    expect(reasonOf({ attested_seller: null }, { seller })).toBe("consent_scope_mismatch");
  });
});

describe("the voice", () => {
  const says = (voice: string) => reasonOf({ text: `Acme Solar LLC may call me ${voice}. Consent is not required to buy.` });
  test.each([
    "by automated or AI voice",
    "with automated technology and AI voices",
    "using an artificial or prerecorded voice",
    "using an artificial or pre-recorded voice",
    "using an automatic telephone dialing system or an artificial or prerecorded voice",
    "by artificial/prerecorded voice",
    "with an AI-generated voice",
    "with prerecorded messages",
    "with AI voice even if my number is on a do-not-call list",
    "with AI voice, and I understand that my consent is not a condition of any purchase",
  ])("%s: authorised", (voice) => expect(says(voice)).toBe("consent_valid"));
  test.each([
    "about my quote",
    "by voice",
    "with automated text messages",
    "and maintain records",
    "but not by AI voice",
    "without any prerecorded voice",
    "except by automated voice",
    "by hand. I do not agree to an artificial voice",
    "with AI voice. Never call me with an AI voice",
    "and never with an automated voice",
    "do not call me with an artificial voice",
  ])("%s: not authorised", (voice) => expect(says(voice)).toBe("consent_scope_mismatch"));
});

describe("the no-condition clause", () => {
  const says = (clause: string) => reasonOf({ text: `Acme Solar LLC may call me by AI voice. ${clause}` });
  test.each([
    "Consent is not required to buy.",
    "I understand that my consent is not required to purchase.",
    "My consent is not a condition of purchase",
    "CONSENT IS NOT A CONDITION OF ANY PURCHASE!",
    "Your agreement is not a condition of purchasing any goods.",
    "I am not required to sign as a condition of purchase.",
  ])("%s", (clause) => expect(says(clause)).toBe("consent_valid"));
  test.each([
    "",
    "Consent is required to buy.",
    "A deposit is not required to buy.",
    "Purchase is not required.",
    "Consent. A deposit is not required to buy.",
  ])("%j says nothing of the kind", (clause) => expect(says(clause)).toBe("consent_unproven"));
});

describe("grades", () => {
  test.each<[string, Partial<Grant>, string]>([
    ["with all circumstances", {}, "B"],
    ["a retained and matched certificate", { certificate: { url: "u", retained: true, matched: true, text: validText } }, "A"],
    ["a certificate that was not retained", { certificate: { url: "u", retained: false, matched: true, text: validText } }, "B"],
    ["a certificate that does not match", { certificate: { url: "u", retained: true, matched: false, text: validText } }, "B"],
    ["a matched recording", { recording: { ref: "r", matched: true } }, "A"],
    ["a recording that does not match", { recording: { ref: "r", matched: false } }, "B"],
    ["signed on a page that Dialgate serves", { source: "hosted_page" }, "A"],
    ["without page", { page_url: null }, "C"],
    ["without address", { ip: "" }, "C"],
    ["without user agent", { user_agent: null }, "C"],
    ["a time without zone", { obtained_at: givenDate("2026-10-01 12:00:00") }, "C"],
    ["a time without seconds", { obtained_at: givenDate("2026-10-01T12:00Z") }, "C"],
    ["not proven", { signature: null }, "D"],
    [
      "not proven, with a certificate",
      { signature: null, certificate: { url: "u", retained: true, matched: true, text: validText } },
      "D",
    ],
  ])("%s: %4$s", (_name, change, grade) => expect(gradeOf(change)).toBe(grade));
  test("what a grade lacks is named", () => {
    expect(missingOf({ ip: null, obtained_at: givenDate("10/01/2026 12:00") })).toEqual([
      "retained_certificate_or_recording",
      "ip",
      "time_to_the_second_with_zone",
    ]);
  });
  test("are of a grant for this call's purpose", () => {
    const informational = { basis: "pec", text: null, purpose: "informational" } as const;
    expect([gradeOf(informational), gradeOf(informational, call("informational"))]).toEqual(["D", "B"]);
  });
  test("the floor is C, and an org may set a higher one", () => {
    const onlyC = { grants: [{ ...grant, ip: null }] };
    expect(ask({ ...onlyC, grade_floor: "D" }).verdict).toBe("allow");
    expect(ask({ ...onlyC, grade_floor: "B" }).reason_code).toBe("consent_grade_too_low");
    expect(ask({ grants: [{ ...grant, signature: null }], grade_floor: "D" }).verdict).toBe("block");
    expect(ask({ grade_floor: "A" }).reason_code).toBe("consent_grade_too_low");
  });
  test("of several that pass, the highest grade serves, then the newest", () => {
    const grants = [
      { ...grant, id: "old_b", obtained_at: givenDate("2026-09-01T00:00:00Z") },
      { ...grant, id: "new_c", ip: null, obtained_at: givenDate("2026-11-01T00:00:00Z") },
      { ...grant, id: "new_b", obtained_at: givenDate("2026-10-01T00:00:00Z") },
    ];
    expect(ask({ grants }).details["serving"]).toEqual({ id: "new_b", grade: "B" });
    expect(ask({ grants: grants.toReversed() }).details["serving"]).toEqual({ id: "new_b", grade: "B" });
  });
  test("of several that fail, the one that came furthest speaks", () => {
    const grants = [
      { ...grant, basis: "ebr" as const },
      { ...grant, id: "far", purpose: "informational" as const },
      { ...grant, signature: null },
    ];
    expect(ask({ grants }).reason_code).toBe("consent_scope_mismatch");
    expect(ask({ grants }).details["furthest"]).toBe("far");
  });
});

describe("age", () => {
  const obtained = (text: string) => ({ grants: [{ ...grant, obtained_at: givenDate(text) }] });
  test("at most the org's days, to the second", () => {
    const facts = { ...obtained("2026-10-19T18:00:00Z"), max_age_days: 30 };
    expect(ask(facts, at("2026-11-18T18:00:00Z"))).toMatchObject({ verdict: "allow", valid_until: "2026-11-18T18:00:01Z" });
    expect(ask(facts, at("2026-11-18T18:00:01Z"))).toMatchObject({ reason_code: "consent_expired", valid_until: null });
  });
  test("a date without a zone counts from its first instant on earth", () => {
    const facts = { ...obtained("2026-10-19 18:00:00"), max_age_days: 30 };
    expect(ask(facts, at("2026-11-18T04:00:00Z")).verdict).toBe("allow");
    expect(ask(facts, at("2026-11-18T04:00:01Z")).reason_code).toBe("consent_expired");
  });
  test("a grant dated in the future passes from its date on", () => {
    const facts = obtained("2026-11-18T18:00:05Z");
    expect(ask(facts)).toMatchObject({ reason_code: "consent_invalid", valid_until: "2026-11-18T18:00:05Z" });
    expect(ask(facts, at("2026-11-18T18:00:05Z")).verdict).toBe("allow");
  });
  test("a date without a zone is read as UTC for the future", () => {
    expect(ask(obtained("2026-11-18 18:00:00")).verdict).toBe("allow");
    expect(ask(obtained("2026-11-18 18:00:01")).reason_code).toBe("consent_invalid");
  });
});

describe("what states ask of an artificial voice", () => {
  const inState = (state: string, changes: Partial<Snapshot> = {}): Partial<Snapshot> => ({
    location: locate({ state, zip: null, e164: null }),
    ...changes,
  });
  const before = (days: number, seconds = 0): Instant => addSeconds(now, -days * 86_400 - seconds);
  const purchase = (when: Instant) => ({ relationships: [{ id: "r", kind: "purchase" as const, at: when }] });
  const inquiry = (when: Instant) => ({ relationships: [{ id: "r", kind: "inquiry" as const, at: when }] });

  test.each(["MS", "NM"])("%s: a relationship on record", (state) => {
    expect(ask({}, inState(state))).toMatchObject({
      reason_code: "state_needs_relationship",
      rule: { id: `automated-voice/${state}` },
    });
    expect(ask(purchase(before(540)), inState(state))).toMatchObject({ verdict: "allow", valid_until: addSeconds(now, 1) });
    expect(ask(purchase(before(540, 1)), inState(state)).reason_code).toBe("state_needs_relationship");
    expect(ask(inquiry(before(90)), inState(state))).toMatchObject({ verdict: "allow", valid_until: addSeconds(now, 1) });
    expect(ask(inquiry(before(90, 1)), inState(state)).reason_code).toBe("state_needs_relationship");
  });
  test("a contested row binds until counsel's position, and again after it", () => {
    const position = { rule_id: "automated-voice/MS", counsel: "c", document_digest: "d", from: now, until: addSeconds(now, 60) };
    expect(ask({ positions: [position] }, inState("MS"))).toMatchObject({ verdict: "allow", valid_until: position.until });
    expect(ask({ positions: [position] }, inState("MS", { at: position.until })).verdict).toBe("block");
    expect(ask({ positions: [position] }, inState("MS", { at: addSeconds(now, -1) }))).toMatchObject({
      verdict: "block",
      valid_until: now,
    });
    expect(ask({ positions: [{ ...position, rule_id: "automated-voice/NM" }] }, inState("MS")).verdict).toBe("block");
  });
  test.each(["KY", "GA"])("%s: a consent of at most 730 days, which no position lifts", (state) => {
    const aged = (when: Instant): Partial<ConsentFacts> => ({
      grants: [{ ...grant, obtained_at: givenDate(when) }],
      positions: [
        { rule_id: `automated-voice/${state}`, counsel: "c", document_digest: "d", from: before(1), until: addSeconds(now, 60) },
      ],
    });
    expect(ask(aged(before(730)), inState(state))).toMatchObject({ verdict: "allow", valid_until: addSeconds(now, 1) });
    expect(ask(aged(before(730, 1)), inState(state))).toMatchObject({
      reason_code: "consent_expired",
      rule: { id: `automated-voice/${state}` },
    });
  });
  test("a live voice, an informational call and another state are not asked", () => {
    expect(ask({}, inState("MS", { call: { technology: "live", purpose: "marketing", debt_collection: false } })).verdict).toBe(
      "allow",
    );
    expect(ask({}, inState("MS", call("informational"))).verdict).toBe("allow");
    expect(ask({}, inState("NY")).verdict).toBe("allow");
  });
  test("a candidate state by area code is enough", () => {
    expect(ask({}, { location: locate({ state: "NY", zip: null, e164: "+16015550123" }) }).reason_code).toBe(
      "state_needs_relationship",
    );
  });
});

describe("revocation", () => {
  const revocation = {
    id: "r1",
    recorded_at: instant("2026-11-01T00:00:00Z"),
    revoked_at: givenDate("2026-11-01T00:00:00Z"),
    channel: "call",
  };
  const lift = { id: "l1", recorded_at: instant("2026-11-05T00:00:00Z"), by: "admin", reason: "asked again" };
  const gradeA = (when: string): Grant => ({
    ...grant,
    id: `a ${when}`,
    obtained_at: givenDate(when),
    recording: { ref: "r", matched: true },
  });

  test("stands even if no grant was ever on file", () => {
    expect(ask({ grants: [], revocations: [revocation] }).reason_code).toBe("consent_revoked");
  });
  test("defeats every grant before it and every grant after it, by whatever channel", () => {
    for (const when of ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z"]) {
      expect(ask({ grants: [gradeA(when)], revocations: [revocation] })).toMatchObject({
        verdict: "block",
        reason_code: "consent_revoked",
        valid_until: null,
      });
    }
  });
  test("a lift alone ends nothing", () => {
    expect(ask({ grants: [gradeA("2026-10-01T00:00:00Z")], revocations: [revocation], lifts: [lift] }).reason_code).toBe(
      "consent_revoked",
    );
  });
  test("a lift works from a later grant of grade A, and of no other grade", () => {
    const after = "2026-11-06T00:00:00Z";
    expect(ask({ grants: [gradeA(after)], revocations: [revocation], lifts: [lift] }).verdict).toBe("allow");
    const gradeB = { ...gradeA(after), recording: null };
    expect(ask({ grants: [gradeB], revocations: [revocation], lifts: [lift] }).reason_code).toBe("consent_revoked");
  });
  test("at the same instant as the lift the grant is not later", () => {
    expect(ask({ grants: [gradeA("2026-11-05T00:00:00Z")], revocations: [revocation], lifts: [lift] }).reason_code).toBe(
      "consent_revoked",
    );
    expect(ask({ grants: [gradeA("2026-11-05T00:00:01Z")], revocations: [revocation], lifts: [lift] }).verdict).toBe("allow");
  });
  test("a revocation at the instant of the lift, or after it, stands", () => {
    for (const recorded_at of [lift.recorded_at, addSeconds(lift.recorded_at, 1)]) {
      const facts = { grants: [gradeA("2026-11-06T00:00:00Z")], revocations: [{ ...revocation, recorded_at }], lifts: [lift] };
      expect(ask(facts).reason_code).toBe("consent_revoked");
    }
  });
  test("dates without a zone: the grant counts as its earliest, the revocation as its latest instant on earth", () => {
    const facts = (when: string) => ({ grants: [gradeA(when)], revocations: [revocation], lifts: [lift] });
    expect(ask(facts("2026-11-05 14:00:00")).reason_code).toBe("consent_revoked");
    expect(ask(facts("2026-11-05 14:00:01")).verdict).toBe("allow");
    const spoken = { ...revocation, revoked_at: givenDate("2026-11-05 00:00:00") };
    const after = (when: string) => ({ grants: [gradeA(when)], revocations: [spoken], lifts: [lift] });
    expect(ask(after("2026-11-05T12:00:00Z")).reason_code).toBe("consent_revoked");
    expect(ask(after("2026-11-05T12:00:01Z")).verdict).toBe("allow");
  });
  test("a grant from before a lifted revocation never serves again", () => {
    const old = { ...gradeA("2026-10-01T00:00:00Z"), id: "old" };
    const fresh = gradeA("2026-11-06T00:00:00Z");
    const answer = ask({ grants: [old, fresh], revocations: [revocation], lifts: [lift] });
    expect(answer.details["serving"]).toMatchObject({ id: fresh.id });
  });
  test("a second revocation needs a second lift", () => {
    const second = { ...revocation, id: "r2", recorded_at: instant("2026-11-07T00:00:00Z") };
    const facts = { grants: [gradeA("2026-11-06T00:00:00Z")], revocations: [revocation, second], lifts: [lift] };
    expect(ask(facts).reason_code).toBe("consent_revoked");
  });
});

test("every refusal names a fix", () => {
  const refused = [
    ask({ grants: [] }),
    ask({ grants: [{ ...grant, basis: "ebr" }] }),
    ask({ max_age_days: 1 }),
    ask({ grade_floor: "A" }),
  ];
  for (const answer of refused) expect(answer.fix?.text.length).toBeGreaterThan(20);
});
